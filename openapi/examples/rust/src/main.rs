//! A buyer's whole way through a sale, with the generated client; then what a payment gateway does.
//!
//! Needs `ROWLOCK_URL`, `ROWLOCK_EVENT_ID`, `ROWLOCK_TOKEN` and `ROWLOCK_RIVAL_TOKEN` (two customers), `ROWLOCK_WEBHOOK_SECRET`.
//! Ends with an error at the first thing that is not as expected.

mod lossy;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use rowlock_client::types::{
    BestAvailable, Claim, Event, Order, OrderStatus, PaymentNotice, PaymentOutcome, PaymentStatus, SeatName, SeatStatus, Section,
};
use rowlock_client::{Client, Error, ProblemCode, Refused};
use standardwebhooks::Webhook;
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<()> {
    let (url, event_id) = (setting("ROWLOCK_URL")?, setting("ROWLOCK_EVENT_ID")?.parse()?);
    let customer = Client::for_customer(&url, &setting("ROWLOCK_TOKEN")?)?;
    let rival = Client::for_customer(&url, &setting("ROWLOCK_RIVAL_TOKEN")?)?;

    let event = find_event(&customer, event_id).await?;
    println!("event {}: {}, {}", event.event_id, event.name, event.status);

    let section = roomiest_section(&customer, event_id).await?;
    let Section { section: code, available, capacity, price_minor, currency, .. } = &section;
    println!("section {code}: {available} of {capacity} available, {price_minor} {currency}");

    let mine = claim_pair_despite_rival(&customer, &rival, event_id, code).await?;
    println!("order {}: seats {}, to be paid until {}", mine.order_id, seats_of(&mine), mine.expires_at);

    let best = claim_best_available_once(&customer, event_id, code).await?;
    println!("order {}: best available, seats {}, claimed once though asked twice", best.order_id, seats_of(&best));

    pay(&Client::new(&url), &mine).await?;
    println!("order {}: paid", mine.order_id);

    let cancelled = customer.cancel_order().event_id(event_id).order_id(best.order_id).send().await?;
    ensure!(cancelled.status == OrderStatus::Cancelled, "the order is {}", cancelled.status);
    println!("order {}: cancelled", best.order_id);

    read_back(&customer, &mine, &best).await?;
    println!("read back: one paid, one cancelled");
    Ok(())
}

/// Reads page after page until the event is there.
async fn find_event(customer: &Client, event_id: i64) -> Result<Event> {
    let mut list = customer.list_events();
    loop {
        let page = list.limit(100).send().await?.into_inner();
        if let Some(found) = page.events.into_iter().find(|event| event.event_id == event_id) {
            return Ok(found);
        }
        let next = page.next.with_context(|| format!("event {event_id} is not on sale"))?;
        list = customer.list_events().after(next);
    }
}

async fn roomiest_section(customer: &Client, event_id: i64) -> Result<Section> {
    let list = customer.list_sections().event_id(event_id).send().await?.into_inner();
    let roomiest = list.sections.into_iter().max_by_key(|section| section.available);
    roomiest.filter(|section| section.available >= 6).context("the example needs a section with six available seats")
}

/// Claims two seats of its choice; when somebody was faster, it chooses again among the others.
async fn claim_pair_despite_rival(customer: &Client, rival: &Client, event_id: i64, section: &str) -> Result<Order> {
    let mut free = available_seats(customer, event_id, section).await?;
    let taken = claim(rival, event_id, &free[..2]).await?;
    for attempt in 1..=5 {
        let choice = free[..2].to_vec();
        match claim(customer, event_id, &choice).await {
            Ok(order) => {
                ensure!(attempt > 1, "seats that a rival holds were claimed");
                let got = order.seats.iter().map(|seat| SeatName { section: seat.section.clone(), seat: seat.seat });
                ensure!(got.eq(choice), "the order does not have the seats of the claim");
                rival.cancel_order().event_id(event_id).order_id(taken.order_id).send().await?;
                return Ok(order);
            }
            Err(error) if error.code() == Some(ProblemCode::SeatTaken) => {
                let gone = error.problem().map(|problem| problem.taken.clone()).unwrap_or_default();
                println!("refused ({}): choosing again without {} seats", ProblemCode::SeatTaken, gone.len());
                free.retain(|seat| !gone.contains(seat));
            }
            Err(error) => return Err(error.into()),
        }
    }
    bail!("somebody was faster five times")
}

async fn available_seats(customer: &Client, event_id: i64, section: &str) -> Result<Vec<SeatName>> {
    let list = customer.list_seats().event_id(event_id).section(section).send().await?;
    let available = list.seats.iter().filter(|seat| seat.status == SeatStatus::Available);
    Ok(available.map(|seat| SeatName { section: section.to_owned(), seat: seat.seat }).collect())
}

async fn claim(client: &Client, event_id: i64, seats: &[SeatName]) -> Result<Order, Error<rowlock_client::Problem>> {
    let claim = Claim { seats: seats.to_vec(), best_available: None };
    Ok(client.claim_seats().event_id(event_id).body(claim).send().await?.into_inner())
}

/// Claims any two seats. The first answer is lost on its way, so the same request is sent again under the same key.
async fn claim_best_available_once(customer: &Client, event_id: i64, section: &str) -> Result<Order> {
    let key = Uuid::new_v4().to_string();
    let best = |quantity| Claim { seats: vec![], best_available: Some(BestAvailable { section: section.to_owned(), quantity }) };
    let before = customer.list_orders().event_id(event_id).send().await?.orders.len();
    let address = setting("ROWLOCK_URL")?.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let lossy = Client::for_customer(&lossy::losing_first_answer(address).await?, &setting("ROWLOCK_TOKEN")?)?;
    let once = || lossy.claim_seats().event_id(event_id).idempotency_key(&key).body(best(2)).send();
    let answer = match once().await {
        Err(Error::CommunicationError(error)) => {
            println!("no answer ({error}): asking again with the same key");
            once().await?
        }
        Err(error) => return Err(error.into()),
        Ok(_) => bail!("the first answer came through"),
    };
    let replayed = answer.headers().get("Idempotent-Replayed").is_some_and(|value| value == "true");
    ensure!(replayed, "the second answer is not the first order");
    let after = customer.list_orders().event_id(event_id).send().await?.orders.len();
    ensure!(after == before + 1, "one claim made {} orders", after - before);
    let reused = customer.claim_seats().event_id(event_id).idempotency_key(&key).body(best(1)).send().await;
    let code = reused.err().and_then(|error| error.code());
    ensure!(code == Some(ProblemCode::IdempotencyKeyReused), "a key was good for another claim: {code:?}");
    Ok(answer.into_inner())
}

/// What the gateway does: it signs what it says, and may say it again.
async fn pay(gateway: &Client, order: &Order) -> Result<()> {
    let notice = PaymentNotice {
        event_id: order.event_id,
        order_id: order.order_id,
        provider: "example".to_owned(),
        provider_reference: Uuid::new_v4().to_string(),
        amount_minor: order.amount_minor,
        currency: order.currency.clone(),
        status: PaymentStatus::Succeeded,
    };
    let secret = setting("ROWLOCK_WEBHOOK_SECRET")?;
    for expected in [PaymentOutcome::Paid, PaymentOutcome::Duplicate] {
        let outcome = notify(gateway, &notice, &secret).await??;
        ensure!(outcome == expected, "the notice was {outcome} instead of {expected}");
    }
    let forged = notify(gateway, &notice, "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldA==").await?;
    let code = forged.err().and_then(|error| error.code());
    ensure!(code == Some(ProblemCode::InvalidSignature), "a forged notice was not refused: {code:?}");
    Ok(())
}

/// Signs a notice and sends it. The signature is over the bytes that are sent: those of `serde_json`.
async fn notify(gateway: &Client, notice: &PaymentNotice, secret: &str) -> Result<Result<PaymentOutcome, Error<rowlock_client::Problem>>> {
    let id = format!("msg_{}", Uuid::new_v4());
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let signature = Webhook::new(secret)?.sign(&id, now, &serde_json::to_vec(notice)?)?;
    let request = gateway.notify_payment().webhook_id(id).webhook_timestamp(now.to_string()).webhook_signature(signature);
    Ok(request.body(notice.clone()).send().await.map(|answer| answer.outcome))
}

async fn read_back(customer: &Client, mine: &Order, best: &Order) -> Result<()> {
    let paid = customer.get_order().event_id(mine.event_id).order_id(mine.order_id).send().await?;
    ensure!(paid.status == OrderStatus::Paid && paid.seats == mine.seats, "the paid order reads {paid:?}");
    let list = customer.list_orders().event_id(mine.event_id).send().await?;
    let statuses: HashMap<_, _> = list.orders.iter().map(|order| (order.order_id, order.status)).collect();
    ensure!(statuses.get(&mine.order_id) == Some(&OrderStatus::Paid), "the list lacks the paid order");
    ensure!(statuses.get(&best.order_id) == Some(&OrderStatus::Cancelled), "the list lacks the cancelled order");
    Ok(())
}

fn seats_of(order: &Order) -> String {
    order.seats.iter().map(|seat| format!("{}{}", seat.section, seat.seat)).collect::<Vec<_>>().join(", ")
}

fn setting(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is not set"))
}
