//! Rushes worth watching, each under a name.

use std::time::Duration;

use clap::ValueEnum;

use super::{NewConcert, Plan};

/// A crowd and its concert. Each flag given beside it takes the place of the preset's own setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// 10,000 buyers read, choose, claim and pay one seat each of 10,000
    Reference,
    /// 10,000 rivals claim one and the same seat: one gets it, all are answered at once
    SameSeat,
    /// 10,000 buyers leave the choice of their seat to the server
    BestAvailable,
    /// 10,000 buyers for 4,000 seats, and half of them never pay: seats expire after 2 s and are sold again
    AbandonHalf,
    /// 5,000 buyers want two seats each, side by side
    TwoSeats,
    /// 10,000 buyers in a house of 1,000,000 seats
    MillionSeats,
}

impl Preset {
    /// Whether the preset is about its concert as much as about its crowd.
    pub fn has_its_own_concert(self) -> bool {
        matches!(self, Self::SameSeat | Self::AbandonHalf | Self::MillionSeats)
    }

    /// Its crowd, with seed 0, and its concert.
    pub fn scene(self) -> (Plan, NewConcert) {
        let (plan, concert) = (Plan::default(), NewConcert::reference("Rush"));
        match self {
            Self::Reference => (plan, concert),
            Self::SameSeat => {
                (Plan { reads: false, own_seat: false, one_try: true, ..plan }, NewConcert { sections: 1, seats_per_section: 1, ..concert })
            }
            Self::BestAvailable => (Plan { best_available: 1.0, ..plan }, concert),
            Self::AbandonHalf => (
                Plan { abandon: 0.5, timeout: Duration::from_secs(120), ..plan },
                NewConcert { seats_per_section: 400, window_ms: 2000, ..concert },
            ),
            Self::TwoSeats => (Plan { buyers: 5000, seats_per_order: 2, ..plan }, concert),
            Self::MillionSeats => (plan, NewConcert { sections: 250, seats_per_section: 4000, ..concert }),
        }
    }
}
