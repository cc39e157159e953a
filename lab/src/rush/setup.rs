//! What all phases of a rush share.

use std::sync::Arc;

use rowlock::db::Endpoint;

use super::{Plan, sale::Sale};

pub struct Setup {
    /// The concert on sale.
    pub sale: Arc<Sale>,
    /// Who comes and what they want.
    pub plan: Plan,
    /// Seats on sale when the crowd gathered.
    pub seats: usize,
    /// Nobody else buys there.
    pub only_ours: bool,
    /// Asked for the invariants and the tickets at the end, if it is given.
    pub database: Option<Endpoint>,
}
