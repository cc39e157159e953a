//! A gate in a test's database: whatever reaches it waits there, with all its locks, until the test opens it.
//!
//! The server's sessions have a statement timeout of five seconds, so a gate must not stay shut for longer.

use tokio_postgres::Client;

use super::wait::{PATIENCE, eventually};

/// Which transactions a gate stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stops {
    /// Only the first; later ones pass through.
    First,
    /// All of them.
    All,
}

/// Builds a gate before an action on a table (`insert on rowlock.orders`), for rows that satisfy `condition`. One per database.
pub async fn build_gate(db: &Client, to: &str, condition: &str, stops: Stops) {
    let most = if stops == Stops::First { 1 } else { i64::MAX };
    // The sequence counts also those whose transactions are rolled back.
    let sql = format!(
        "create table public.gate_is_open ();
         create sequence public.arrivals;
         create function public.gate() returns trigger language plpgsql security definer as $$
             begin
                 if nextval('public.arrivals') <= {most} then
                     while not exists (select from public.gate_is_open) loop
                         perform pg_sleep(0.005);
                     end loop;
                 end if;
                 return new;
             end
         $$;
         create trigger gate before {to} for each row when ({condition}) execute function public.gate()"
    );
    db.batch_execute(&sql).await.expect("a gate");
}

/// Waits until a transaction is at the gate; returns the process id of its backend.
pub async fn at_the_gate(db: &Client) -> i32 {
    let sql = "select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep' limit 1";
    eventually(PATIENCE, || async { db.query_opt(sql, &[]).await.expect("the sessions").map(|row| row.get(0)) }).await
}

/// Opens the gate for good.
pub async fn open_gate(db: &Client) {
    db.batch_execute("insert into public.gate_is_open default values").await.expect("the gate opens");
}
