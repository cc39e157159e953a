//! An example of each problem, built like the real one; a test checks that the server answers exactly this.

use poem::http::HeaderMap;
use poem_openapi::types::Example;

use super::node::Node;
use crate::auth::{AuthError, MALFORMED_KEY};
use crate::http::challenges::Credential;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::types::{OrderId, SeatName, Whole};

const REQUEST_ID: &str = "01980f2e4c7a7bd2a6f3d1f0c9a5e812";

/// The operation's answer with that code; `taken` is its credential and whether it is optional.
pub(crate) fn example(operation_id: &str, taken: Option<(Credential, bool)>, code: Code) -> Node {
    let problem = match taken.filter(|_| [Code::Unauthorized, Code::InvalidSignature].contains(&code)) {
        Some((credential, may_be_left_out)) => {
            let error = if may_be_left_out { AuthError::malformed(MALFORMED_KEY) } else { AuthError::Missing };
            credential.refuse(error, &HeaderMap::new())
        }
        None => problem(operation_id, code),
    };
    Node::of(&problem.into_body(REQUEST_ID))
}

fn problem(operation_id: &str, code: Code) -> Problem {
    let seat = |seat| vec![SeatName { section: "A".to_owned(), seat: Whole(seat) }];
    match code {
        Code::InvalidRequest => invalid(operation_id),
        Code::SectionNotFound if operation_id == "claimSeats" => Problem::new(code, "the event has no section Z"),
        Code::SectionNotFound => Problem::new(code, "the event has no section with this code"),
        Code::SeatNotFound if operation_id == "claimSeats" => {
            Problem::new(code, "1 of the seats does not exist; `seats` lists it").with_seats(seat(1001))
        }
        Code::SeatNotFound => Problem::new(code, "section A has seats 1 to 1000, not 1001").with_seats(seat(1001)),
        Code::SeatTaken => Problem::new(code, "1 of the seats is not available; `taken` lists it").with_taken(seat(12)),
        Code::Cooldown => Problem::new(code, "too many of your orders ended unpaid; you can claim again in 90 s"),
        Code::CustomerLimit => Problem::new(code, "the event allows each customer 4 seats, held and bought together"),
        Code::NotOnSale => Problem::new(code, "the event is paused"),
        Code::OrderNotPending => Problem::new(code, format!("order {} is paid: only a pending order can be changed", OrderId::example().0)),
        Code::EventConflict if operation_id == "deleteEvent" => Problem::new(code, "event 7 is open: only a draft can be deleted"),
        Code::EventConflict => Problem::new(code, "event 7 is closed and cannot become open: only a draft or a paused event can be opened"),
        Code::SeatsNotBlockable => Problem::plain(code).with_seats(seat(12)),
        Code::BodyTooLarge if ["createEvent", "blockSeats", "unblockSeats"].contains(&operation_id) => {
            Problem::new(code, "the body may have at most 4194304 bytes")
        }
        Code::BodyTooLarge => Problem::new(code, "the body may have at most 65536 bytes"),
        Code::UnsupportedMediaType => {
            Problem::new(code, "the body must be sent as `application/json`, with no parameter but `charset=utf-8`")
        }
        Code::TooManyRequests => Problem::new(code, "too many requests are coming from this address; nothing was done"),
        Code::OutcomeUnknown if ["claimSeats", "notifyPayment"].contains(&operation_id) => {
            Problem::plain(code).with_order(OrderId::example().0)
        }
        _ => Problem::plain(code),
    }
}

/// An error that the operation's own request can have.
fn invalid(operation_id: &str) -> Problem {
    match operation_id {
        "createEvent" => Problem::invalid("sections[0].price_minor", "must be a whole number from 0 to 1000000000000"),
        "changeEvent" => Problem::invalid("window_ms", "must be a whole number from 1000 to 86400000"),
        "claimSeats" => Problem::invalid("seats[1].seat", "must be a whole number from 1 to 1000000"),
        "changeOrder" => Problem::invalid("seats[0]", "is not a seat of the order"),
        "notifyPayment" => Problem::invalid("currency", "must be an ISO 4217 code, for example TWD"),
        "blockSeats" | "unblockSeats" => Problem::invalid("ranges[0].to", "must not be less than `from`"),
        "listEvents" => Problem::invalid("limit", "must be a whole number from 1 to 100"),
        "listDeadLetters" => Problem::invalid("limit", "must be a whole number from 1 to 1000"),
        _ => Problem::invalid("event_id", "must be a whole number from 1 to 9223372036854775807"),
    }
}
