//! Events, orders, claims and payments. Statuses and outcomes are also those of the API: the framework reads their names and documentation
//! here (`named`). Nothing else in here knows of HTTP or SQL.

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
