//! The concert of a rush: created and opened through the API like any promoter's, or one that is on sale already.

use anyhow::{Context, ensure};
use hyper::{Method, header::HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::bodies::plain;
use crate::client::{Call, Connection, Target};

/// An event as the server describes it, as far as the crowd needs it.
#[derive(Clone, Debug, Deserialize)]
pub struct Concert {
    pub event_id: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// How long a pending order holds its seats, in milliseconds.
    pub window_ms: u64,
    /// How many seats one customer may hold and own together.
    pub seats_per_customer: usize,
    /// Its sections, in their order.
    pub sections: Vec<ConcertSection>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ConcertSection {
    pub section: String,
    /// How many seats it has.
    pub capacity: usize,
}

/// A concert to create: all sections have the same number of seats, in rows of 50; those in front cost most.
#[derive(Clone, Debug)]
pub struct NewConcert {
    pub name: String,
    /// How many sections, 1 to 500.
    pub sections: usize,
    /// How many seats each of them has.
    pub seats_per_section: usize,
    /// How long a pending order holds its seats, in milliseconds.
    pub window_ms: u64,
    /// How many seats one customer may hold and own together.
    pub seats_per_customer: usize,
}

impl NewConcert {
    /// The reference scenario: 10 sections of 1,000 seats, 10 s to pay, 4 seats per customer.
    pub fn reference(name: &str) -> Self {
        Self { name: name.to_owned(), sections: 10, seats_per_section: 1000, window_ms: 10_000, seats_per_customer: 4 }
    }

    fn body(&self) -> Value {
        let sections = (0..self.sections).map(|index| {
            let code = section_code(index);
            json!({"section": &code, "name": &code, "price_minor": price_minor(index),
                "seats": self.seats_per_section, "row_length": 50})
        });
        json!({"name": self.name, "venue": "Taipei Arena", "currency": "TWD", "window_ms": self.window_ms,
            "seats_per_customer": self.seats_per_customer, "sections": sections.collect::<Vec<_>>()})
    }
}

/// A, B, … Z, AA, AB, …
fn section_code(index: usize) -> String {
    let letter = char::from(b'A' + (index % 26) as u8);
    if index < 26 { letter.to_string() } else { format!("{}{letter}", section_code(index / 26 - 1)) }
}

/// NT$6,800 for the first section, 400 less for each one behind it, at least 800.
fn price_minor(index: usize) -> i64 {
    6800_i64.saturating_sub(400 * index as i64).max(800) * 100
}

/// The promoter: creates, opens and reads events.
pub struct Promoter {
    connection: Connection,
    target: Target,
    api_key: Option<HeaderValue>,
}

impl Promoter {
    /// Connects to the server; without an API key events can only be read.
    ///
    /// # Errors
    /// When the server cannot be reached, or the key has characters that are not allowed in a header.
    pub async fn connect(target: &Target, api_key: Option<&str>) -> anyhow::Result<Self> {
        let connection = Connection::open(target, 0).await?;
        let api_key =
            api_key.map(HeaderValue::from_str).transpose().context("the API key contains characters that a header cannot have")?;
        Ok(Self { connection, target: target.clone(), api_key })
    }

    /// Creates a concert and puts it on sale.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn open(&mut self, concert: &NewConcert) -> anyhow::Result<Concert> {
        let created = self.ask(Method::POST, "/v1/events", Some(&concert.body())).await.context("cannot create the concert")?;
        let event_id = created["event_id"].as_i64().context("the created event has no event_id")?;
        let path = format!("/v1/events/{event_id}");
        let opened = self.ask(Method::PATCH, &path, Some(&json!({"status": "open"}))).await.context("cannot open the concert")?;
        serde_json::from_value(opened).context("the event cannot be read")
    }

    /// Reads a concert that exists.
    ///
    /// # Errors
    /// When the server cannot be reached, there is no such event, or it is not on sale.
    pub async fn find(&mut self, event_id: i64) -> anyhow::Result<Concert> {
        let event = self.ask(Method::GET, &format!("/v1/events/{event_id}"), None).await?;
        ensure!(event["status"] == "open", "event {event_id} is not on sale: it is {}", event["status"]);
        serde_json::from_value(event).context("the event cannot be read")
    }

    /// Whether the server knows the API key.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn is_admin(&mut self) -> anyhow::Result<bool> {
        let answer = self.connection.send(&self.call(Method::GET, "/v1/admin/dead-letters", None)?).await?;
        Ok(answer.status.is_success())
    }

    async fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let call = self.call(method, path, body)?;
        let answer = self.connection.send(&call).await?;
        let text = plain(&answer)?;
        ensure!(answer.status.is_success(), "{call}: {} {}", answer.status, String::from_utf8_lossy(&text));
        serde_json::from_slice(&text).with_context(|| format!("{call}: the answer is not JSON"))
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Call> {
        let mut draft = Call::draft(&self.target, &method, path);
        if let Some(api_key) = &self.api_key {
            draft = draft.header("x-api-key", api_key);
        }
        match body {
            Some(body) => draft.json(&body.to_string()),
            None => draft.empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_lettered_and_priced() {
        assert_eq!([0, 9, 25, 26, 51, 52, 499].map(section_code), ["A", "J", "Z", "AA", "AZ", "BA", "SF"]);
        assert_eq!([0, 9, 499].map(price_minor), [680_000, 320_000, 80_000]);
    }

    #[test]
    fn the_reference_concert_has_ten_thousand_seats() {
        let body = NewConcert::reference("Rush").body();
        let sections = body["sections"].as_array().expect("sections");
        assert_eq!(sections.iter().map(|section| section["seats"].as_i64().expect("seats")).sum::<i64>(), 10_000);
        assert_eq!(body["window_ms"], 10_000);
    }
}
