//! The bodies of the server's answers, as far as a buyer reads them.

mod memo;
pub mod seat_map;

use anyhow::Context;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, de::Error};
use uuid::Uuid;

pub use self::{memo::Memo, seat_map::SeatMap};
use crate::client::Answer;
use rowlock::domain::OrderStatus;

#[derive(Clone, Debug, Deserialize)]
pub struct SectionSummary {
    /// How many of its seats are on sale.
    pub available: usize,
}

/// `GET …/sections`.
#[derive(Clone, Debug, Deserialize)]
pub struct Summary {
    /// The sections in their order.
    pub sections: Vec<SectionSummary>,
}

/// An order as its buyer reads it.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderBody {
    pub order_id: Uuid,
    #[serde(deserialize_with = "order_status")]
    pub status: OrderStatus,
    pub seats: Vec<OrderSeat>,
    /// What it costs, in minor units.
    pub amount_minor: i64,
}

fn order_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OrderStatus, D::Error> {
    let name = String::deserialize(deserializer)?;
    OrderStatus::from_name(&name).ok_or_else(|| D::Error::custom(format!("orders have no status {name:?}")))
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderSeat {
    /// Code of its section.
    pub section: String,
    /// Its number within the section.
    pub seat: i32,
}

/// The answer to a payment notice.
#[derive(Clone, Debug, Deserialize)]
pub struct PaymentBody {
    /// `paid`, `duplicate`, `late_reclaimed`, `refund_due`, …
    pub outcome: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct ProblemBody {
    /// Identifies the kind of problem.
    #[serde(default)]
    pub code: String,
    /// An explanation for people.
    #[serde(default)]
    pub detail: Option<String>,
    /// The seats that another buyer has.
    #[serde(default)]
    pub taken: Vec<OrderSeat>,
}

/// The body without its compression.
pub fn plain(answer: &Answer) -> anyhow::Result<Bytes> {
    if !answer.zstd {
        return Ok(answer.body.clone());
    }
    Ok(zstd::stream::decode_all(&answer.body[..]).context("the body is not zstd")?.into())
}
