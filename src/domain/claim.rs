//! The claim: the one atomic step that takes seats and creates the order that holds them.

use uuid::Uuid;

use super::{Order, SeatRef};

/// What a claim asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// These seats, all or none.
    Seats(Vec<SeatRef>),
    /// Any seats of one section, next to each other if possible.
    BestAvailable {
        /// Number of the section, from 1.
        section_no: i32,
        /// How many seats, 1 to 100.
        quantity: i32,
    },
}

/// What makes it safe to retry a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The client's key, unique per event and customer.
    pub key: String,
    /// SHA-256 of the request the key came with.
    pub fingerprint: [u8; 32],
}

/// One customer's claim, on its way to the database.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// The event whose seats are wanted.
    pub event_id: i64,
    /// Id of the order to create (UUIDv7), chosen in advance so that a lost answer can be looked up.
    pub order_id: Uuid,
    /// The buyer.
    pub customer_id: String,
    /// Present when the client sent an idempotency key.
    pub idempotency: Option<Idempotency>,
    /// The seats asked for.
    pub wanted: Wanted,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimOutcome {
    /// The order was created and holds its seats.
    Claimed(Order),
    /// The same request was sent before: this is the order it created, in its current state.
    Replayed(Order),
    /// The idempotency key belongs to another request.
    IdempotencyKeyReused,
    /// There is no such event.
    EventNotFound,
    /// The event is not on sale at the moment.
    NotOnSale,
    /// There is no such section.
    SectionNotFound,
    /// These seats do not exist.
    SeatNotFound(Vec<SeatRef>),
    /// A seat is listed twice.
    DuplicateSeat,
    /// No seat, or more than 100.
    TooManySeats,
    /// The customer has let too many orders end unpaid.
    Cooldown {
        /// How long it still lasts, in milliseconds.
        left_ms: i32,
    },
    /// The customer would have more seats than the event allows.
    CustomerLimit,
    /// These of the requested seats are not available; none was claimed.
    SeatTaken(Vec<SeatRef>),
    /// The section has fewer available seats than requested.
    SoldOut,
}

impl ClaimOutcome {
    /// Its name in the database and the metrics.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Claimed(_) => "claimed",
            Self::Replayed(_) => "replayed",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::EventNotFound => "event_not_found",
            Self::NotOnSale => "not_on_sale",
            Self::SectionNotFound => "section_not_found",
            Self::SeatNotFound(_) => "seat_not_found",
            Self::DuplicateSeat => "duplicate_seat",
            Self::TooManySeats => "too_many_seats",
            Self::Cooldown { .. } => "cooldown",
            Self::CustomerLimit => "customer_limit",
            Self::SeatTaken(_) => "seat_taken",
            Self::SoldOut => "sold_out",
        }
    }
}
