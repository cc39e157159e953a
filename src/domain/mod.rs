//! Events, orders, claims and payments, free of HTTP and SQL. The statuses are also those of the API: the framework reads their names and
//! documentation here.

mod claim;
mod event;
mod named;
mod order;
mod payment;
mod seat;

pub use claim::{ClaimOutcome, ClaimRequest, Idempotency, Wanted};
pub(crate) use event::{Event, EventCreation, EventLayout, EventStatus, SectionLayout, SectionRow, UnknownSeat, Viewer};
pub use order::{Order, OrderStatus};
pub(crate) use payment::{PaymentNotice, PaymentOutcome, RecordedOutcome, Settlement};
pub use seat::{SeatRef, SeatStatus};
