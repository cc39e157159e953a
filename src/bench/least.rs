//! The least that PostgreSQL must do for a claim and for a payment: what no design with rows for seats and orders can save.
//!
//! One statement a batch, over one connection, on copies of the tables with all their indexes. A claim skips locked seats, counts
//! the customer's live orders, writes the order under its unique key and holds the seat; a payment is written under its identity, pays
//! its order, sells the seat and writes the ticket. Nothing else: no section's counts, no deadlines, no rivals within the batch, no
//! answers. Beside what a request costs that does nothing, it gives the ratio that could be reached at best.

use anyhow::{Context, ensure};
use tokio_postgres::{Client, NoTls, types::ToSql};
use uuid::Uuid;

use super::{processes::Moment, stage::Stage};

/// As many as 256 connections give at once: while half of them are being served, the other half gathers; where claims and payments take
/// turns, half of that each.
const BATCHES: [(usize, &str, &str); 2] =
    [(128, "least_claim_cpu_us", "least_payment_cpu_us"), (64, "least_claim_of_order_cpu_us", "least_payment_of_order_cpu_us")];
const CLAIMS: usize = 20_480;
const TABLES: [&str; 4] = ["seats", "orders", "payments", "tickets"];

/// Planned once, as in the stored functions.
const SETTINGS: &str = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set jit = off";
const CLAIM: &str = "
    with free as materialized (
        select u.*, s.seat_row
          from unnest($1::uuid[], $2::text[], $3::text[], $4::integer[]) as u(order_id, customer_id, idempotency_key, seat_no)
          cross join lateral (
                select s.ctid as seat_row
                  from bench.seats s
                 where s.event_id = 1 and s.section_no = 1 and s.seat_no = u.seat_no and s.status = 'available'
                   for update skip locked) s
          cross join lateral (
                select count(*) as live_orders
                  from (select from bench.orders o
                         where o.event_id = 1 and o.customer_id between u.customer_id and u.customer_id and o.is_live
                         order by o.customer_id) o) l
         where l.live_orders < 1000
    ), placed as (
        insert into bench.orders (event_id, order_id, customer_id, section_nos, seat_nos, amount_minor, created_at, expires_at,
                                  idempotency_key, fingerprint)
        select 1, order_id, customer_id, array[1], array[seat_no], 1000, clock_timestamp(), clock_timestamp() + interval '1 day',
               idempotency_key, $5::bytea
          from free
            on conflict do nothing
        returning order_id
    )
    update bench.seats s
       set status = 'held', order_id = f.order_id
      from free f
      join placed p using (order_id)
     where s.ctid = f.seat_row";
const PAYMENT: &str = "
    with noted as (
        insert into bench.payments (event_id, provider, provider_reference, order_id, amount_minor, currency, status, outcome)
        select 1, 'bench', u.order_id::text, u.order_id, 1000, 'TWD', 'succeeded', 'paid'
          from unnest($1::uuid[]) as u(order_id)
            on conflict do nothing
        returning order_id
    ), paid as (
        update bench.orders o
           set status = 'paid', ended_at = clock_timestamp()
          from noted n
         where o.event_id = 1 and o.order_id = n.order_id and o.status = 'pending_payment'
        returning o.order_id, o.seat_nos
    ), ticketed as (
        insert into bench.tickets (event_id, section_no, seat_no, order_id, issued_at)
        select 1, 1, p.seat_nos[1], p.order_id, clock_timestamp() from paid p
    )
    update bench.seats s
       set status = 'sold'
      from paid p
     where s.event_id = 1 and s.section_no = 1 and s.seat_no = p.seat_nos[1] and s.status = 'held'";

/// Notes PostgreSQL's CPU time for one such claim and one such payment, in microseconds.
///
/// # Errors
/// When PostgreSQL refuses something.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(&stage.database_url, NoTls).await.context("cannot reach the database")?;
    let driver = tokio::spawn(connection);
    for (batch, claim_id, payment_id) in BATCHES {
        prepare(&client).await.context("cannot copy the tables")?;
        let orders: Vec<Uuid> = (0..CLAIMS).map(|_| Uuid::now_v7()).collect();
        let before = stage.meter();
        claim(&client, &orders, batch).await?;
        note(stage, claim_id, &before);
        let before = stage.meter();
        pay(&client, &orders, batch).await?;
        note(stage, payment_id, &before);
    }
    client.batch_execute("drop schema bench cascade").await.context("cannot remove the copies")?;
    drop(client);
    Ok(driver.await??)
}

async fn claim(client: &Client, orders: &[Uuid], batch: usize) -> anyhow::Result<()> {
    let claim = client.prepare(CLAIM).await?;
    for (number, order_ids) in orders.chunks(batch).enumerate() {
        let nos = number * batch..(number + 1) * batch;
        let customers: Vec<String> = nos.clone().map(|no| format!("bench-{}", no % 10_000)).collect();
        let keys: Vec<String> = nos.clone().map(|no| no.to_string()).collect();
        // As far from each other as the seats of strangers are.
        let seat_nos = nos.map(|no| i32::try_from(no * 7919 % CLAIMS + 1)).collect::<Result<Vec<i32>, _>>()?;
        let params: [&(dyn ToSql + Sync); 5] = [&order_ids, &customers, &keys, &seat_nos, &&[7_u8; 32][..]];
        ensure!(client.execute(&claim, &params).await? == batch as u64, "a claim of a free seat did nothing");
    }
    Ok(())
}

async fn pay(client: &Client, orders: &[Uuid], batch: usize) -> anyhow::Result<()> {
    let pay = client.prepare(PAYMENT).await?;
    for order_ids in orders.chunks(batch) {
        ensure!(client.execute(&pay, &[&order_ids]).await? == batch as u64, "a payment of a pending order did nothing");
    }
    Ok(())
}

fn note(stage: &mut Stage, id: &'static str, before: &Moment) {
    let cpu_ms = stage.processes.since(before).postgres_ms;
    stage.note(id, cpu_ms as f64 * 1000.0 / CLAIMS as f64);
}

/// Copies with the same columns, checks, indexes and room on their pages.
async fn prepare(client: &Client) -> anyhow::Result<()> {
    client.batch_execute(SETTINGS).await?;
    client.batch_execute("drop schema if exists bench cascade; create schema bench").await?;
    for table in TABLES {
        let sql = "select coalesce('with (' || array_to_string(array_remove(reloptions, 'autovacuum_enabled=off'), ', ') || ')', '')
                     from pg_class where oid = ('rowlock.' || $1)::regclass";
        let room: String = client.query_one(sql, &[&table]).await?.get(0);
        let copy =
            format!("create table bench.{table} (like rowlock.{table} including all) {}", if room == "with ()" { "" } else { &room });
        client.batch_execute(&copy).await?;
    }
    let seats = "insert into bench.seats (event_id, section_no, seat_no) select 1, 1, generate_series(1, $1::integer)";
    client.execute(seats, &[&i32::try_from(CLAIMS)?]).await?;
    for table in TABLES {
        client.batch_execute(&format!("vacuum (analyze) bench.{table}")).await?;
    }
    Ok(client.batch_execute("checkpoint").await?)
}
