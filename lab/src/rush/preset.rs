//! Rushes worth watching, by name.

use std::time::Duration;

use clap::ValueEnum;

use super::{NewConcert, Plan};

/// A crowd and its concert. Flags replace the preset's own settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// 10,000 buyers for 10,000 seats: each reads, chooses, claims and pays for one
    Reference,
    /// 10,000 rivals claim the same seat: one gets it, and all are answered at once
    SameSeat,
    /// 10,000 buyers let the server choose their seats
    BestAvailable,
    /// 10,000 buyers for 4,000 seats, half of whom never pay: their seats expire after 2 s and are sold again
    AbandonHalf,
    /// 5,000 buyers want two seats each, side by side
    TwoSeats,
    /// 10,000 buyers for 1,000,000 seats
    MillionSeats,
}

impl Preset {
    /// Whether the preset is about its concert as much as about its crowd.
    pub fn has_its_own_concert(self) -> bool {
        matches!(self, Self::SameSeat | Self::AbandonHalf | Self::MillionSeats)
    }

    /// Its crowd, with seed 0, and its concert.
    pub fn plan_and_concert(self) -> (Plan, NewConcert) {
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
