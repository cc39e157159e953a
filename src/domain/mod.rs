//! Events, orders, claims and payments, free of HTTP and SQL.

mod claim;
mod event;
mod order;
mod payment;
mod seat;

pub use claim::{ClaimOutcome, ClaimRequest, Idempotency, Wanted};
pub use event::{Audience, Event, EventCreation, EventLayout, EventStatus, SectionLayout, SectionRow, UnknownSeat};
pub use order::{Order, OrderStatus};
pub use payment::{PaymentNotice, PaymentOutcome, Settled};
pub use seat::SeatRef;
