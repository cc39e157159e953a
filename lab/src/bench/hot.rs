//! How many updates were heap-only: rows changed where they lie, with no index touched.

use anyhow::Context;

use super::stage::Stage;

/// The tables whose rows change all the time, and the figure of each.
const TABLES: [(&str, &str); 3] = [("seats", "hot_seats"), ("orders", "hot_orders"), ("sections", "hot_sections")];

/// All updates and the heap-only ones of each table so far.
pub struct Updates([(i64, i64); TABLES.len()]);

/// Looks at PostgreSQL's own counts. A session adds to them once a second while it works.
///
/// # Errors
/// When PostgreSQL does not answer.
pub async fn updates(stage: &Stage) -> anyhow::Result<Updates> {
    let sql = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where schemaname = 'rowlock' and relname = $1";
    let mut counts = [(0, 0); TABLES.len()];
    for ((table, _), count) in TABLES.iter().zip(&mut counts) {
        let row = stage.db.query_one(sql, &[table]).await.with_context(|| format!("cannot count the updates of {table}"))?;
        *count = (row.get(0), row.get(1));
    }
    Ok(Updates(counts))
}

/// Notes the share of heap-only updates since `before`, of each table that had any.
///
/// # Errors
/// When PostgreSQL does not answer.
pub async fn note_since(stage: &mut Stage, before: &Updates) -> anyhow::Result<()> {
    let now = updates(stage).await?;
    for (((_, id), (all_before, hot_before)), (all, hot)) in TABLES.iter().zip(before.0).zip(now.0) {
        if all > all_before {
            stage.note(id, (hot - hot_before) as f64 / (all - all_before) as f64);
        }
    }
    Ok(())
}
