//! Reads the rows that batch calls return into the types of the domain.

use tokio_postgres::Row;

use crate::db::DbError;
use crate::db::orders::seats;
use crate::domain::{ClaimOutcome, ClaimRequest, Order, OrderStatus, PaymentOutcome, RecordedOutcome, Settlement};

pub(super) fn settlement(row: &Row) -> Result<Settlement, DbError> {
    let name: &str = row.get("outcome");
    let recorded: Option<&str> = row.get("recorded_outcome");
    let recorded = recorded.map(|name| RecordedOutcome::from_name(name).ok_or_else(|| unreadable(format!("recorded outcome {name}"))));
    match name {
        "payment_conflict" => Ok(Settlement::PaymentConflict),
        "event_not_found" => Ok(Settlement::EventNotFound),
        _ => {
            let outcome = PaymentOutcome::from_name(name).ok_or_else(|| unreadable(format!("payment outcome {name}")))?;
            Ok(Settlement::Settled { outcome, recorded: recorded.transpose()? })
        }
    }
}

/// Puts the rows into the order of the requests; a request without an answer is an error, never a success.
pub(super) fn answers<A>(
    rows: &[Row],
    requests: usize,
    answer: impl Fn(&Row) -> Result<Option<A>, DbError>,
) -> Result<Vec<Option<A>>, DbError> {
    let mut ordered: Vec<Option<Option<A>>> = (0..requests).map(|_| None).collect();
    for row in rows {
        ordered[position(row, requests)?] = Some(answer(row)?);
    }
    let complete: Option<Vec<Option<A>>> = ordered.into_iter().collect();
    complete.ok_or_else(|| unreadable("no answer for a request".to_owned()))
}

/// The first column counts requests from 1.
pub(super) fn position(row: &Row, requests: usize) -> Result<usize, DbError> {
    let number: i32 = row.get(0);
    usize::try_from(number - 1)
        .ok()
        .filter(|index| *index < requests)
        .ok_or_else(|| unreadable(format!("an answer for request {number} of {requests}")))
}

pub(super) fn claim_outcome(row: &Row, event_id: i64, requests: &[&ClaimRequest]) -> Result<Option<ClaimOutcome>, DbError> {
    let outcome: &str = row.get("outcome");
    let taken = || seats(row, "taken_section_nos", "taken_seat_nos").map_err(unreadable);
    Ok(Some(match outcome {
        "claimed" => ClaimOutcome::Claimed(claimed_order(row, event_id, requests)?),
        "replayed" => ClaimOutcome::Replayed(claimed_order(row, event_id, requests)?),
        "idempotency_key_reused" => ClaimOutcome::IdempotencyKeyReused,
        "event_not_found" => ClaimOutcome::EventNotFound,
        "not_on_sale" => ClaimOutcome::NotOnSale,
        "section_not_found" => ClaimOutcome::SectionNotFound,
        "seat_not_found" => ClaimOutcome::SeatNotFound(taken()?),
        "duplicate_seat" => ClaimOutcome::DuplicateSeat,
        "too_many_seats" => ClaimOutcome::TooManySeats,
        "cooldown" => ClaimOutcome::Cooldown { left_ms: row.get("retry_after_ms") },
        "customer_limit" => ClaimOutcome::CustomerLimit,
        "seat_taken" => ClaimOutcome::SeatTaken(taken()?),
        "sold_out" => ClaimOutcome::SoldOut,
        "busy" => return Ok(None),
        other => return Err(unreadable(format!("claim outcome {other}"))),
    }))
}

fn claimed_order(row: &Row, event_id: i64, requests: &[&ClaimRequest]) -> Result<Order, DbError> {
    let status: &str = row.get("order_status");
    Ok(Order {
        event_id,
        order_id: row.get("order_id"),
        customer_id: requests[position(row, requests.len())?].customer_id.clone(),
        status: OrderStatus::from_name(status).ok_or_else(|| unreadable(format!("order status {status}")))?,
        seats: seats(row, "section_nos", "seat_nos").map_err(unreadable)?,
        amount_minor: row.get("amount_minor"),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
    })
}

/// An answer that arrived after the commit but cannot be read: the outcome is as unknown as without an answer.
fn unreadable(what: String) -> DbError {
    DbError::Lost(format!("cannot read the answer: {what}"))
}
