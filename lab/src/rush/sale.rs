//! What the whole crowd shares: the concert, its requests made ready, and the bodies read so far.

use std::fmt::Write;

use hyper::{Method, header::HeaderValue};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    bodies::{Memo, OrderBody, SeatMap, Summary},
    concert::Concert,
    progress::Counters,
};
use crate::client::{Call, Target};
use rowlock::auth::sign_notice;

/// One section on sale.
pub struct SaleSection {
    /// Its code as a JSON string, quotes included.
    code_json: String,
    /// Reads its seats.
    pub seats_call: Call,
    /// Its seat maps read so far.
    pub seats: Memo<SeatMap>,
}

/// A concert on sale, seen from the crowd.
pub struct Sale {
    /// The server.
    pub target: Target,
    pub concert: Concert,
    /// Its sections, in the order of the summary.
    pub sections: Vec<SaleSection>,
    /// Reads the sections.
    pub summary_call: Call,
    /// The summaries read so far.
    pub summary: Memo<Summary>,
    /// Reads the seats of all sections.
    pub availability_call: Call,
    /// The availabilities read so far.
    pub availability: Memo<Vec<(String, SeatMap)>>,
    /// The counters shown while it runs.
    pub counters: Counters,
    orders_path: String,
    webhook_secret: String,
}

impl Sale {
    /// Makes the requests for `concert` ready.
    ///
    /// # Errors
    /// When a section's code cannot be part of a URL.
    pub fn new(target: &Target, concert: Concert, webhook_secret: &str) -> anyhow::Result<Self> {
        let event = format!("/v1/events/{}", concert.event_id);
        let get = |path: String| Call::draft(target, &Method::GET, &path);
        let get_compressed = |path: String| get(path).header("accept-encoding", "zstd").empty();
        let sections = concert.sections.iter().map(|section| {
            let seats_call = get_compressed(format!("{event}/sections/{}/seats", percent_encoded(&section.section)))?;
            Ok(SaleSection { code_json: serde_json::to_string(&section.section)?, seats_call, seats: Memo::default() })
        });
        Ok(Self {
            sections: sections.collect::<anyhow::Result<_>>()?,
            summary_call: get(format!("{event}/sections")).empty()?,
            summary: Memo::default(),
            availability_call: get_compressed(format!("{event}/availability"))?,
            availability: Memo::default(),
            counters: Counters::new(&concert),
            orders_path: format!("{event}/orders"),
            webhook_secret: webhook_secret.to_owned(),
            target: target.clone(),
            concert,
        })
    }

    /// A claim of these seats of the section at that position.
    pub fn claim_seats(&self, section: usize, seat_nos: &[i32], authorization: &HeaderValue, key: &str) -> anyhow::Result<Call> {
        let code = &self.sections[section].code_json;
        let mut body = String::with_capacity(16 + seat_nos.len() * 40);
        body.push_str(r#"{"seats":["#);
        for (index, seat_no) in seat_nos.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(body, r#"{comma}{{"section":{code},"seat":{seat_no}}}"#)?;
        }
        body.push_str("]}");
        self.claim(&body, authorization, key)
    }

    /// A claim of any seats together in the section at that position.
    pub fn claim_best(&self, section: usize, quantity: usize, authorization: &HeaderValue, key: &str) -> anyhow::Result<Call> {
        let code = &self.sections[section].code_json;
        self.claim(&format!(r#"{{"best_available":{{"section":{code},"quantity":{quantity}}}}}"#), authorization, key)
    }

    fn claim(&self, body: &str, authorization: &HeaderValue, key: &str) -> anyhow::Result<Call> {
        let draft = Call::draft(&self.target, &Method::POST, &self.orders_path);
        draft.header("authorization", authorization).header("idempotency-key", key).json(body)
    }

    /// The gateway's notice that `order` was paid, signed.
    pub fn pay(&self, order: &OrderBody) -> anyhow::Result<Call> {
        let (event_id, currency, id) = (self.concert.event_id, &self.concert.currency, order.order_id);
        let amount_minor = order.amount_minor;
        let body = format!(
            "{{\"event_id\":{event_id},\"order_id\":\"{id}\",\"provider\":\"rush\",\"provider_reference\":\"{id}\",\
             \"amount_minor\":{amount_minor},\"currency\":\"{currency}\",\"status\":\"succeeded\"}}"
        );
        let signature = sign_notice(&self.webhook_secret, &id.to_string(), body.as_bytes(), OffsetDateTime::now_utc())?;
        let draft = Call::draft(&self.target, &Method::POST, "/v1/payments");
        signature.iter().fold(draft, |draft, (name, value)| draft.header(name, value)).json(&body)
    }

    /// Reads one of the buyer's own orders.
    pub fn read_order(&self, order_id: Uuid, authorization: &HeaderValue) -> anyhow::Result<Call> {
        let path = format!("{}/{order_id}", self.orders_path);
        Call::draft(&self.target, &Method::GET, &path).header("authorization", authorization).empty()
    }
}

/// A section's code as one segment of a path.
fn percent_encoded(code: &str) -> String {
    code.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rush::concert::ConcertSection;
    use rowlock::domain::OrderStatus;

    async fn sale() -> Sale {
        let target = Target::resolve("http://127.0.0.1:1").await.expect("a target");
        let sections = vec![ConcertSection { section: "A 1\"".to_owned(), capacity: 10 }];
        let concert = Concert { event_id: 7, currency: "TWD".to_owned(), window_ms: 10_000, seats_per_customer: 4, sections };
        Sale::new(&target, concert, "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0").expect("a sale")
    }

    #[tokio::test]
    async fn requests_are_what_the_server_expects() {
        let sale = sale().await;
        assert_eq!(sale.sections[0].seats_call.to_string(), "GET /v1/events/7/sections/A%201%22/seats");
        let call = sale.claim_seats(0, &[3, 4], &HeaderValue::from_static("Bearer x"), "k").expect("a call");
        assert_eq!(call.to_string(), "POST /v1/events/7/orders");
        let (head, body) = call.head_and_body();
        assert!(head.contains("\r\nauthorization: Bearer x\r\nidempotency-key: k\r\n"), "{head}");
        assert_eq!(body, r#"{"seats":[{"section":"A 1\"","seat":3},{"section":"A 1\"","seat":4}]}"#);
        let call = sale.claim_best(0, 2, &HeaderValue::from_static("Bearer x"), "k").expect("a call");
        assert_eq!(call.head_and_body().1, r#"{"best_available":{"section":"A 1\"","quantity":2}}"#);
    }

    #[tokio::test]
    async fn a_notice_is_signed_json() {
        let order = OrderBody { order_id: Uuid::nil(), status: OrderStatus::PendingPayment, seats: Vec::new(), amount_minor: 280_000 };
        let call = sale().await.pay(&order).expect("a call");
        let (head, body) = call.head_and_body();
        let notice: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(notice["amount_minor"], 280_000);
        assert!(head.starts_with("POST /v1/payments ") && head.contains("\r\nwebhook-signature: v1,"), "{head}");
    }
}
