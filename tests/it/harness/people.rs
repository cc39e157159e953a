//! Those who call the server: customers, and the payment gateway.

use rowlock::auth::sign_notice;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::event::EventHandle;
use super::http::{Answer, Caller};
use super::server::WEBHOOK_SECRET;

/// A buyer with a valid token.
#[derive(Clone)]
pub struct Customer {
    caller: Caller,
    pub id: String,
}

impl std::ops::Deref for Customer {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Customer {
    pub(super) fn new(caller: Caller, id: &str) -> Self {
        Self { caller, id: id.to_owned() }
    }

    /// Claims with this body.
    pub async fn claim(&self, event: &EventHandle, body: Value) -> Answer {
        self.post(&event.at("orders"), &body).await
    }

    pub async fn claim_once(&self, event: &EventHandle, key: &str, body: Value) -> Answer {
        self.with("idempotency-key", key).post(&event.at("orders"), &body).await
    }

    pub async fn claim_seats(&self, event: &EventHandle, seats: &[(&str, i32)]) -> Answer {
        let seats: Vec<_> = seats.iter().map(|(section, seat)| json!({"section": section, "seat": seat})).collect();
        self.claim(event, json!({"seats": seats})).await
    }

    /// Claims any seats together.
    pub async fn best_available(&self, event: &EventHandle, section: &str, quantity: i32) -> Answer {
        self.claim(event, json!({"best_available": {"section": section, "quantity": quantity}})).await
    }

    /// Reads the order again, given any answer that carries its `event_id` and `order_id`.
    pub async fn order(&self, order: &Value) -> Answer {
        self.get(&order_path(order)).await
    }

    /// The customer's orders, newest first.
    pub async fn orders(&self, event: &EventHandle) -> Answer {
        self.get(&event.at("orders")).await
    }

    /// Keeps these seats of an order (section, seat) and gives back the others.
    pub async fn keep(&self, order: &Value, seats: &[(&str, i32)]) -> Answer {
        let seats: Vec<_> = seats.iter().map(|(section, seat)| json!({"section": section, "seat": seat})).collect();
        self.patch(&order_path(order), &json!({"seats": seats})).await
    }

    pub async fn cancel(&self, order: &Value) -> Answer {
        self.delete(&order_path(order)).await
    }
}

fn order_path(order: &Value) -> String {
    let order_id = order["order_id"].as_str().expect("an order's id");
    format!("/v1/events/{}/orders/{order_id}", order["event_id"])
}

/// The payment gateway, with the right secret.
#[derive(Clone)]
pub struct Gateway {
    caller: Caller,
}

/// A signed notice, which can be sent repeatedly.
#[derive(Clone, Debug)]
pub struct SignedNotice {
    /// The three headers of Standard Webhooks.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes that were signed.
    pub body: Vec<u8>,
}

impl Gateway {
    pub(super) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// The notice of a payment that fits the order, with a new reference; a test can change it.
    pub fn notice(&self, order: &Value) -> Value {
        json!({
            "event_id": order["event_id"],
            "order_id": order["order_id"],
            "provider": "testpay",
            "provider_reference": Uuid::now_v7().to_string(),
            "amount_minor": order["amount_minor"],
            "currency": order["currency"],
            "status": "succeeded",
        })
    }

    /// Pays an order in full.
    pub async fn pay(&self, order: &Value) -> Answer {
        self.notify(self.notice(order)).await
    }

    /// Signs a notice now and sends it.
    pub async fn notify(&self, notice: Value) -> Answer {
        let signed = self.sign(&notice);
        self.raw(&signed.headers, signed.body).await
    }

    /// Signs a notice now.
    pub fn sign(&self, notice: &Value) -> SignedNotice {
        self.sign_bytes(notice.to_string().into_bytes(), OffsetDateTime::now_utc())
    }

    /// Signs any bytes with any timestamp.
    pub fn sign_bytes(&self, body: Vec<u8>, now: OffsetDateTime) -> SignedNotice {
        let headers = sign_notice(WEBHOOK_SECRET, &format!("msg_{}", Uuid::now_v7().simple()), &body, now).expect("a good secret");
        SignedNotice { headers: headers.into(), body }
    }

    /// Sends any bytes with any headers.
    pub async fn raw(&self, headers: &[(&'static str, String)], body: Vec<u8>) -> Answer {
        let mut request = self.caller.request(reqwest::Method::POST, "/v1/payments").header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        self.caller.send(request.body(body)).await
    }
}
