//! A seat, as the database numbers it.

/// One numbered place of an event, by the numbers the database uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeatRef {
    /// Number of the section, from 1.
    pub section_no: i32,
    /// Number of the seat within the section, from 1.
    pub seat_no: i32,
}
