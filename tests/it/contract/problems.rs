//! Every problem that the document shows is provoked, operation by operation, and answered word for word as shown.

use std::collections::BTreeSet;

use jsonwebtoken::{EncodingKey, Header, encode};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::attempt::Attempt;
use super::stage::{self, CUSTOMER, claimed_by_bob};
use crate::harness::{Answer, Document, JWT_SECRET, Operation, TestServer, entries};

/// They need a fault, a burst or a slow client: `faults`, `batches`, `stored` and `floods` provoke them, and the harness checks their answers.
const FAULTS: [&str; 6] = ["internal_error", "overloaded", "unavailable", "outcome_unknown", "request_timeout", "too_many_requests"];
const UNKNOWN: &str = "00000000-0000-7000-8000-000000000000";

#[tokio::test]
async fn every_problem_is_answered_as_shown() {
    let mut provoked = BTreeSet::new();
    for operation in Document::published().operations() {
        let codes = codes(&operation).into_iter().filter(|(_, code, _)| !FAULTS.contains(code));
        // Requests that change nothing share a server; those that need a special state have a server of their own.
        let shared = stage::server().await;
        for (status, code, example) in codes {
            let own = if NEED_A_STATE.contains(&code) { Some(stage::server().await) } else { None };
            let server = own.as_ref().unwrap_or(&shared);
            let answer = provoke(server, &operation, code).await;
            let mut body = answer.problem(status, code);
            let mut expected = example.clone();
            body["request_id"].take();
            expected["request_id"].take();
            assert_eq!(body, expected, "{} {code}", operation.id());
            provoked.insert(code);
        }
        shared.assert_invariants().await;
    }
    let everywhere: BTreeSet<_> = rowlock::problem::code::Code::ALL.iter().map(|code| code.as_str()).collect();
    let left: BTreeSet<_> = everywhere.difference(&provoked).copied().collect();
    // These belong to no operation; `bad_input` provokes them.
    let everywhere = ["not_found", "method_not_allowed", "uri_too_long", "head_too_large", "unsupported_transfer_coding"];
    assert_eq!(left, FAULTS.into_iter().chain(everywhere).collect());
}

/// Status, code and example of every problem of an operation.
fn codes<'a>(operation: &Operation<'a>) -> Vec<(u16, &'a str, &'a Value)> {
    let of_status = |(status, response): (&'a str, &'a Value)| {
        let examples = entries(&response["content"]["application/problem+json"]["examples"]);
        let status = status.parse().expect("a status");
        examples.map(move |(code, example)| (status, code, &example["value"])).collect::<Vec<_>>()
    };
    entries(&operation.json["responses"]).flat_map(of_status).collect()
}

const NEED_A_STATE: [&str; 10] = [
    "seat_taken",
    "sold_out",
    "customer_limit",
    "not_on_sale",
    "order_not_pending",
    "event_conflict",
    "event_deleted",
    "seats_not_blockable",
    "payment_conflict",
    "idempotency_key_reused",
];

/// Sends the example's request with the one error, or in the one state, that the code stands for.
async fn provoke(server: &TestServer, operation: &Operation<'_>, code: &str) -> Answer {
    let id = operation.id();
    let shown = if id == "claimSeats" { Attempt::of_example(operation, "seats") } else { Attempt::first(operation) };
    let attempt = match code {
        "unauthorized" if operation.needs_no_credentials() => {
            return shown.send_as(&server.anyone().with("x-api-key", "rlk_unknown")).await;
        }
        "unauthorized" | "invalid_signature" => shown.without_credentials(),
        "token_expired" => return shown.send_as(&server.bearer(&expired_token())).await,
        "invalid_request" => malformed(id, shown),
        "event_not_found" if id == "notifyPayment" => shown.with_body("/event_id", json!(8888)),
        "event_not_found" => shown.with("event_id", "8888"),
        "section_not_found" if id == "claimSeats" => shown.with_body("/seats/0/section", json!("Z")),
        "section_not_found" => shown.with("section", "Z"),
        "seat_not_found" if id == "claimSeats" => shown.with_body("/seats/1/seat", json!(1001)),
        "seat_not_found" => shown.with_whole_body(json!({"seats": [1001]})),
        "order_not_found" | "dead_letter_not_found" => shown.with("order_id", UNKNOWN),
        "body_too_large" => {
            let may_be_large = ["createEvent", "blockSeats", "unblockSeats"].contains(&id);
            let bytes_max = if may_be_large { 64 * 65_536 } else { 65_536 };
            shown.with_text(&" ".repeat(bytes_max + 1), "application/json")
        }
        "unsupported_media_type" => shown.with_text("{}", "text/plain"),
        _ => in_its_state(server, operation, code, shown).await,
    };
    attempt.send(server).await
}

fn malformed(id: &str, shown: Attempt) -> Attempt {
    match id {
        "createEvent" => shown.with_body("/sections/0/price_minor", json!(-1)),
        "changeEvent" => shown.with_body("/window_ms", json!(5)),
        "claimSeats" => shown.with_body("/seats/1/seat", json!(0)),
        "changeOrder" => shown.with_body("/seats/0/seat", json!(16)),
        "notifyPayment" => shown.with_body("/currency", json!("twd")),
        "blockSeats" | "unblockSeats" => shown.with_body("/ranges/0/to", json!(1)),
        "listEvents" | "listDeadLetters" => shown.with("limit", "0"),
        _ => shown.with("event_id", "0"),
    }
}

/// Creates the state in which the example is refused, and returns the request to send.
async fn in_its_state(server: &TestServer, operation: &Operation<'_>, code: &str, shown: Attempt) -> Attempt {
    match code {
        "seat_taken" => claimed_by_bob(server, &[12]).await,
        "sold_out" => {
            let rest = json!({"ranges": [{"from": 1, "to": 13}, {"from": 16, "to": 16}, {"from": 18, "to": 1000}]});
            server.admin().post("/v1/admin/events/7/sections/A/block", &rest).await.expect(200);
            return Attempt::of_example(operation, "best_available");
        }
        "customer_limit" => {
            let two = json!({"best_available": {"section": "A", "quantity": 2}});
            server.customer(CUSTOMER).post("/v1/events/7/orders", &two).await.expect(201);
        }
        "cooldown" => {
            let strict = json!({"unpaid_orders_max": 2, "cooldown_ms": 90_000});
            server.admin().patch("/v1/events/7", &strict).await.expect(200);
            // She has cancelled another one before.
            let customer = server.customer(CUSTOMER);
            let one = json!({"best_available": {"section": "A", "quantity": 1}});
            let order = customer.post("/v1/events/7/orders", &one).await.expect(201);
            customer.cancel(&order).await.expect(200);
        }
        "not_on_sale" => drop(server.admin().patch("/v1/events/7", &json!({"status": "paused"})).await.expect(200)),
        // The draft of the example could be deleted.
        "event_conflict" if operation.id() == "deleteEvent" => return shown.with("event_id", "7"),
        "event_conflict" => drop(server.admin().patch("/v1/events/7", &json!({"status": "closed"})).await.expect(200)),
        "event_deleted" => {
            let created = shown.send(server).await.expect(201);
            assert_eq!(server.admin().delete(&format!("/v1/events/{}", created["event_id"])).await.status, 204);
        }
        "order_not_pending" => {
            let pay = Attempt::first(&Document::published().operation("notifyPayment"));
            assert_eq!(pay.send(server).await.expect(200)["outcome"], "paid");
        }
        "seats_not_blockable" => {
            claimed_by_bob(server, &[12]).await;
            return shown.with_whole_body(json!({"seats": [11, 12]}));
        }
        "payment_conflict" => {
            shown.send(server).await.expect(200);
            return shown.with_body("/amount_minor", json!(1));
        }
        "idempotency_key_reused" => {
            shown.send(server).await.expect(201);
            if operation.id() == "createEvent" {
                return shown.with_body("/name", json!("Another"));
            }
            return shown.with_body("/seats/1/seat", json!(18));
        }
        _ => panic!("{}: nobody knows how to provoke {code}", operation.id()),
    }
    shown
}

fn expired_token() -> String {
    let claims = json!({"sub": CUSTOMER, "exp": OffsetDateTime::now_utc().unix_timestamp() - 600});
    encode(&Header::default(), &claims, &EncodingKey::from_secret(JWT_SECRET.as_bytes())).expect("a token")
}
