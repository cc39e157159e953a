//! Asks the database: its invariants, every order and every ticket.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio_postgres::{Client, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;

use super::{Findings, SectionLeft, Ticket, Told};
use rowlock::{db::Endpoint, domain::OrderStatus};

use crate::rush::{bodies::OrderSeat, buyer::Buyer, order_counts::OrderCounts, setup::Setup};

/// How long after the payment window the last pending order must have ended.
const EXPIRY_GRACE: Duration = Duration::from_secs(3);
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Asks for the invariants until no order is pending any more or until `stop`, when some may still be pending; then for every order and
/// ticket.
///
/// # Errors
/// When the database cannot be reached or read.
pub async fn ask_database(endpoint: &Endpoint, setup: &Setup, buyers: &[Buyer], stop: &CancellationToken) -> anyhow::Result<Findings> {
    let (client, _driver) = endpoint.connect().await.context("cannot ask the database for the invariants")?;
    let mut findings = Findings::default();
    let patience = Duration::from_millis(setup.sale.concert.window_ms) + EXPIRY_GRACE;
    let event_id = setup.sale.concert.event_id;
    let told = Told::of(setup, buyers);
    ask_invariants(&client, event_id, &told, patience, stop, &mut findings).await?;
    findings.orders = order_counts(&client, event_id, &told).await?;
    findings.count_orders(&told);
    findings.compare(&told, &tickets(&client, event_id).await?);
    findings.sections = sections(&client, event_id).await?;
    Ok(findings)
}

/// Asks for violations again and again until the last pending order has ended or `stop`, and at least once.
async fn ask_invariants(
    client: &Client,
    event_id: i64,
    told: &Told<'_>,
    patience: Duration,
    stop: &CancellationToken,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let started_at = Instant::now();
    let ours = told.ours();
    let pending_sql = "select count(*) from rowlock.orders
        where event_id = $1 and status = 'pending_payment' and ($2::uuid[] is null or order_id = any($2))";
    let mut seen = HashMap::new();
    loop {
        let row = client.query_one(pending_sql, &[&event_id, &ours]).await.context("cannot read the orders")?;
        let pending: i64 = row.get(0);
        seen.extend(violations(client).await?);
        if pending == 0 || stop.is_cancelled() {
            break;
        }
        if started_at.elapsed() > patience {
            findings.broken.push(format!("{pending} orders are still pending {} ms after the rush", patience.as_millis()));
            break;
        }
        stop.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await;
    }
    findings.violations = Some(seen.len());
    findings.add(seen.into_iter().map(|(what, detail)| format!("invariant violated: {what}: {detail}")).collect());
    Ok(())
}

/// The current violations: what is violated, and the last column, which describes the moment.
async fn violations(client: &Client) -> anyhow::Result<Vec<(String, String)>> {
    let messages = client.simple_query("select * from admin.invariant_violations").await.context("cannot ask for the invariants")?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            let mut columns: Vec<&str> = (0..row.len()).map(|column| row.get(column).unwrap_or("-")).collect();
            let detail = columns.pop().unwrap_or_default().to_owned();
            Some((columns.join(" "), detail))
        }
        _ => None,
    });
    Ok(rows.collect())
}

/// What became of all orders of the event, or of ours if others also buy there.
async fn order_counts(client: &Client, event_id: i64, told: &Told<'_>) -> anyhow::Result<OrderCounts> {
    let ours = told.ours();
    let sql = "select status::text, count(*) from rowlock.orders
        where event_id = $1 and ($2::uuid[] is null or order_id = any($2)) group by status";
    let mut order_counts = OrderCounts::default();
    for row in client.query(sql, &[&event_id, &ours]).await.context("cannot read the orders")? {
        let status: &str = row.get(0);
        let known = OrderStatus::from_name(status).with_context(|| format!("orders have no status {status:?}"))?;
        order_counts.add(known, usize::try_from(row.get::<_, i64>(1))?);
    }
    Ok(order_counts)
}

async fn tickets(client: &Client, event_id: i64) -> anyhow::Result<Vec<Ticket>> {
    let sql = "select s.code, t.seat_no, t.order_id \
               from rowlock.tickets t join rowlock.sections s using (event_id, section_no) where event_id = $1";
    let rows = client.query(sql, &[&event_id]).await.context("cannot read the tickets")?;
    Ok(rows.iter().map(|row| (OrderSeat { section: row.get(0), seat: row.get(1) }, row.get(2))).collect())
}

async fn sections(client: &Client, event_id: i64) -> anyhow::Result<Vec<SectionLeft>> {
    let sql = "select code, capacity, available, held, sold from rowlock.sections where event_id = $1 order by section_no";
    let rows = client.query(sql, &[&event_id]).await.context("cannot read the sections")?;
    let sections = rows.iter().map(|row| {
        let count = |column: usize| usize::try_from(row.get::<_, i32>(column));
        Ok(SectionLeft { section: row.get(0), capacity: count(1)?, available: count(2)?, held: count(3)?, sold: count(4)? })
    });
    sections.collect()
}
