//! What was run, and on which machine.

use serde::Serialize;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};
use time::OffsetDateTime;

use super::{Plan, concert::Concert};

/// Crowd and concert.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// When the crowd was gathered.
    #[serde(with = "time::serde::rfc3339")]
    pub gathered_at: OffsetDateTime,
    /// Seats each buyer wanted, in one order.
    pub seats_per_order: usize,
    /// Share of the buyers who let the server choose.
    pub best_available: f64,
    /// Share of the buyers who claim and never pay.
    pub abandon: f64,
    /// Buyers read the sections and the seats before they claim.
    pub reads: bool,
    /// Each buyer tries seats of its own.
    pub own_seats: bool,
    /// A buyer leaves when its first claim is refused.
    pub one_try: bool,
    /// Buyers who arrive per second; null: all at once.
    pub rate: Option<f64>,
    /// When a buyer leaves, in seconds after its arrival.
    pub timeout_s: u64,
    /// How long a pending order holds its seats.
    pub window_ms: u64,
}

/// The machine the crowd ran on, in most cases that of the server as well.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Cores this process may use.
    pub cores: usize,
    /// Memory in megabytes.
    pub memory_mb: u64,
    /// The system and its kernel.
    pub os: String,
}

impl Settings {
    pub(super) fn of(plan: &Plan, concert: &Concert) -> Self {
        Self {
            gathered_at: OffsetDateTime::now_utc(),
            seats_per_order: plan.seats_per_order,
            best_available: plan.best_available,
            abandon: plan.abandon,
            reads: plan.reads,
            own_seats: plan.own_seat,
            one_try: plan.one_try,
            rate: plan.rate,
            timeout_s: plan.timeout.as_secs(),
            window_ms: concert.window_ms,
        }
    }

    /// The name and value of each setting, for people.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let share = |share: f64| format!("{:.0}%", share * 100.0);
        let gathered_at = self.gathered_at.replace_nanosecond(0).unwrap_or(self.gathered_at);
        vec![
            ("when", gathered_at.to_string()),
            ("seats per order", self.seats_per_order.to_string()),
            ("read before they claim", yes(self.reads)),
            ("want seats of their own", yes(self.own_seats)),
            ("leave after one refusal", yes(self.one_try)),
            ("let the server choose", share(self.best_available)),
            ("never pay", share(self.abandon)),
            ("arrivals", self.rate.map_or_else(|| "all at once".to_owned(), |rate| format!("{rate} per second, at random"))),
            ("payment window", format!("{} ms", self.window_ms)),
            ("patience", format!("{} s", self.timeout_s)),
        ]
    }
}

impl Machine {
    pub(super) fn look() -> Self {
        let system = System::new_with_specifics(RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()));
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mb: system.total_memory() / 1_000_000,
            os: format!("{}, {}", System::long_os_version().unwrap_or_default(), System::kernel_long_version()),
        }
    }

    /// The name and value of each part, for people.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        vec![("cores", self.cores.to_string()), ("memory", format!("{} MB", self.memory_mb)), ("system", self.os.clone())]
    }
}
