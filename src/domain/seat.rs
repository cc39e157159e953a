//! A seat, as the database numbers it, and its status.

use super::named::named;

/// One numbered place of an event, by the numbers the database uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeatRef {
    /// Number of the section, from 1.
    pub section_no: i32,
    /// Number of the seat within the section, from 1.
    pub seat_no: i32,
}

named! {
    /// Status of a seat.
    pub enum SeatStatus {
        /// On sale.
        Available = "available",
        /// Held by a pending order.
        Held = "held",
        /// Sold.
        Sold = "sold",
        /// Withheld from sale by the box office.
        Blocked = "blocked",
    }
}
