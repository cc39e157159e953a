//! What a call of a stored function carries, and what it answers.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

/// Numbers of a section and of a seat in it.
pub type Seat = (i32, i32);

/// One claim of a batch.
#[derive(Clone, Debug)]
pub struct Ask {
    pub order_id: Uuid,
    pub customer_id: String,
    pub key: Option<String>,
    pub wanted: Wanted,
}

/// What a claim asks for.
#[derive(Clone, Debug)]
pub enum Wanted {
    Seats(Vec<Seat>),
    Best { section_no: i32, quantity: i32 },
}

impl Ask {
    /// Asks for these seats.
    pub fn seats(customer_id: &str, seats: &[Seat]) -> Self {
        Self::new(customer_id, Wanted::Seats(seats.to_vec()))
    }

    /// Asks for any seats together.
    pub fn best(customer_id: &str, section_no: i32, quantity: i32) -> Self {
        Self::new(customer_id, Wanted::Best { section_no, quantity })
    }

    fn new(customer_id: &str, wanted: Wanted) -> Self {
        Self { order_id: Uuid::now_v7(), customer_id: customer_id.to_owned(), key: None, wanted }
    }

    /// The same with an idempotency key.
    pub fn keyed(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    /// Distinguishes requests, as the server's SHA-256 does.
    pub fn fingerprint(&self) -> Vec<u8> {
        format!("{:?}", self.wanted).into_bytes()
    }
}

/// The call that claims the first seat of an event, to be read from.
pub fn claim_first_seat(event_id: i64, customer_id: &str) -> String {
    format!(
        "rowlock.claim_seats(p_event_id => {event_id}, p_order_ids => array[gen_random_uuid()], p_customer_ids => array['{customer_id}'],
            p_idempotency_keys => '{{null}}', p_fingerprints => '{{null}}', p_request_nos => '{{1}}', p_section_nos => '{{1}}',
            p_seat_nos => '{{1}}')"
    )
}

/// The answer to one claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub outcome: String,
    /// The order that was created or found.
    pub order: Option<Placed>,
    /// The seats that caused a refusal.
    pub taken: Vec<Seat>,
}

/// An order in the answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub order_id: Uuid,
    pub status: String,
    pub seats: Vec<Seat>,
    pub amount_minor: i64,
    pub window_ms: i128,
}

/// One payment notice of a batch.
#[derive(Clone, Debug)]
pub struct Notice {
    pub order_id: Uuid,
    /// The gateway's id of the payment.
    pub reference: String,
    pub amount_minor: i64,
    pub currency: String,
    pub succeeded: bool,
    pub message_id: String,
}

impl Notice {
    /// A payment in full for an order, with a new reference.
    pub fn of(order: &Placed) -> Self {
        let (order_id, reference) = (order.order_id, Uuid::now_v7().to_string());
        let message_id = format!("msg_{reference}");
        Self { order_id, reference, amount_minor: order.amount_minor, currency: "TWD".to_owned(), succeeded: true, message_id }
    }

    /// Another notice for the same payment, in a message of its own.
    pub fn then(&self, succeeded: bool) -> Self {
        Self { succeeded, message_id: format!("msg_{}", Uuid::now_v7()), ..self.clone() }
    }
}

impl Claimed {
    /// The order of a claim that must have succeeded.
    #[track_caller]
    pub fn order(&self) -> Placed {
        self.order.clone().unwrap_or_else(|| panic!("no order: {self:?}"))
    }
}

pub(super) fn claimed(row: &Row) -> Claimed {
    let order = row.get::<_, Option<Uuid>>("order_id").map(|order_id| {
        let (created_at, expires_at): (OffsetDateTime, OffsetDateTime) = (row.get("created_at"), row.get("expires_at"));
        Placed {
            order_id,
            status: row.get("order_status"),
            seats: seats(row, "section_nos", "seat_nos"),
            amount_minor: row.get("amount_minor"),
            window_ms: (expires_at - created_at).whole_milliseconds(),
        }
    });
    Claimed { outcome: row.get("outcome"), order, taken: seats(row, "taken_section_nos", "taken_seat_nos") }
}

fn seats(row: &Row, section_nos: &str, seat_nos: &str) -> Vec<Seat> {
    let column = |name: &str| row.get::<_, Option<Vec<i32>>>(name).unwrap_or_default();
    column(section_nos).into_iter().zip(column(seat_nos)).collect()
}
