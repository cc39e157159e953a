//! Ten thousand orders that fall due at the same moment: how soon their seats are on sale again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};

use super::{
    load::{Until, closed_loop},
    requests::Claims,
    stage::{CONNECTIONS, Stage, draw_seats},
};
use rowlock::config::REDIS_PREFIX;
use rowlock::db::{Identity, database_id};
use rowlock::redis::{Deadline, ExpiryQueue, RedisLink};

const ORDERS: usize = 10_000;
/// Time to move all deadlines to one moment before it comes.
const AHEAD: Duration = Duration::from_millis(2_500);
/// The window of the claims, which ends long after that moment, so that no order is due earlier.
const WINDOW_MS: u64 = 600_000;
/// The time between two queries of the event.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);
/// Seats that come back later than this do not come back at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// One round. A seat is on sale again when a look at the database from outside, after the commit, finds it available.
///
/// # Errors
/// When the event cannot be sold, or is not on sale again in the end.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<()> {
    let sale = stage.event_with_window(10, ORDERS / 10, WINDOW_MS).await?;
    stage.settle().await?;
    let claims = Claims::new(stage, &sale, draw_seats(&sale, ORDERS, &mut stage.rng()));
    closed_loop(stage.connections(CONNECTIONS).await?, Until::Done(ORDERS), claims).await?;
    let event_id = sale.concert.event_id;
    let due = fall_due_together(stage, event_id).await?;

    let look = stage.db.prepare("select sum(available) from rowlock.sections where event_id = $1").await?;
    let (mut p99, mut available) = (None, 0);
    while SystemTime::now() < due {
        available = stage.db.query_one(&look, &[&event_id]).await?.get(0);
        ensure!(available == 0 || SystemTime::now() >= due, "{available} seats were on sale again before their deadline");
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    let meter = stage.meter();
    while available < ORDERS as i64 {
        let late = SystemTime::now().duration_since(due).unwrap_or_default();
        ensure!(late < PATIENCE, "only {available} of {ORDERS} seats are on sale again {} ms after the deadline", late.as_millis());
        tokio::time::sleep(LOOK_INTERVAL).await;
        available = stage.db.query_one(&look, &[&event_id]).await?.get(0);
        if p99.is_none() && available * 100 >= ORDERS as i64 * 99 {
            p99 = SystemTime::now().duration_since(due).ok();
        }
    }
    let last = SystemTime::now().duration_since(due).context("the seats were on sale before their deadline")?;
    stage.note_share("generator_due_together", &meter);
    stage.note("due_together_p99_ms", p99.unwrap_or(last).as_secs_f64() * 1000.0);
    stage.note("due_together_last_ms", last.as_secs_f64() * 1000.0);
    stage.expect_orders(&sale, "expired", ORDERS as u64).await?;
    stage.clear().await
}

/// Gives all orders of the event one deadline, in the database and in the queue; returns it.
async fn fall_due_together(stage: &Stage, event_id: i64) -> anyhow::Result<SystemTime> {
    let due_ms = u64::try_from((SystemTime::now() + AHEAD).duration_since(UNIX_EPOCH)?.as_millis())?;
    let due_ms = i64::try_from(due_ms)?;
    let update = "with moved as (update rowlock.deadlines
            set expires_at = timestamptz 'epoch' + $2 * interval '1 millisecond' where event_id = $1)
        update rowlock.orders set expires_at = timestamptz 'epoch' + $2 * interval '1 millisecond' where event_id = $1";
    let orders = stage.db.execute(update, &[&event_id, &(due_ms as f64)]).await.context("cannot move the deadlines")?;
    ensure!(orders == ORDERS as u64, "{orders} orders are pending instead of {ORDERS}");
    // As if they had been claimed so: without what the update left behind.
    stage.db.batch_execute("vacuum full analyze rowlock.orders, rowlock.deadlines").await.context("cannot vacuum")?;
    if let Some(url) = &stage.redis_url {
        let identity = Identity::known(database_id(&stage.db).await.context("cannot ask which database it is")?);
        let queue = ExpiryQueue::new(RedisLink::new(url, REDIS_PREFIX, identity)?);
        let deadlines = "select first_order_id, cardinality(order_ids) from rowlock.deadlines where event_id = $1";
        for row in stage.db.query(deadlines, &[&event_id]).await.context("cannot list the deadlines")? {
            queue.push(Deadline { event_id, first_order_id: row.get(0), orders: usize::try_from(row.get::<_, i32>(1))? }, due_ms);
        }
    }
    let due = UNIX_EPOCH + Duration::from_millis(due_ms.unsigned_abs());
    ensure!(SystemTime::now() < due, "this machine is too slow to move {ORDERS} deadlines in {} ms", AHEAD.as_millis());
    Ok(due)
}
