//! All open connections, and who has to go when another client needs room: whoever has been idle longest.
//!
//! A connection is added and removed under one lock, which no request takes. Who is idle is read from each connection's own notes, and
//! only when room is needed; what one search finds serves many newcomers, so that a flood of them does not cost a search each.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::activity::{Activity, Request};
use super::limits::{ClientAddress, ConnectionLimits};
use crate::metrics::{Metrics, RefusedConnection};

/// After a search that found nobody, newcomers are refused without another one for this long.
const NOBODY_IDLE: Duration = Duration::from_millis(5);
/// How long a newcomer waits if too many are leaving at the same time.
const LEAVING_WAIT: Duration = Duration::from_millis(50);
/// A search finds this share of the idle connections, and at least one.
const FOUND_SHARE: usize = 16;

pub(super) struct OpenConnections {
    limits: ConnectionLimits,
    metrics: Arc<Metrics>,
    epoch: Instant,
    list: Mutex<List>,
    ended: Notify,
}

#[derive(Default)]
struct List {
    open: HashMap<u64, Entry>,
    next_id: u64,
    /// How many each address has, and how many are leaving; those that are leaving are counted nowhere else.
    of_address: HashMap<ClientAddress, usize>,
    leaving: usize,
    idle: Idle,
    /// For the addresses that have run into their own limit.
    idle_of_address: HashMap<ClientAddress, Idle>,
}

struct Entry {
    address: ClientAddress,
    activity: Arc<Activity>,
    is_leaving: bool,
}

/// The result of the last search: who was idle, longest first, and since when.
#[derive(Default)]
struct Idle {
    found: VecDeque<(u64, u64)>,
    nobody_at: Option<Instant>,
}

/// One open connection; it is removed from the list when this is dropped.
pub(super) struct Admitted {
    pub(super) activity: Arc<Activity>,
    all: Arc<OpenConnections>,
    id: u64,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.all.list().remove(self.id);
        self.all.metrics.connections_changed(-1);
        self.all.ended.notify_one();
    }
}

impl OpenConnections {
    pub(super) fn new(limits: ConnectionLimits, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { limits, metrics, epoch: Instant::now(), list: Mutex::default(), ended: Notify::new() })
    }

    /// Adds a connection from `remote`; if there is no room, asks the one that has been idle longest to go.
    ///
    /// # Errors
    /// Why there is no room, if nobody can go.
    pub(super) async fn admit(self: &Arc<Self>, remote: IpAddr) -> Result<Admitted, RefusedConnection> {
        let few_are_leaving = async {
            while self.list().leaving >= self.limits.leaving_max {
                self.one_ended().await;
            }
        };
        if let Ok(admitted) = self.admit_at_once(remote) {
            return Ok(admitted);
        }
        tokio::time::timeout(LEAVING_WAIT, few_are_leaving).await.ok();
        self.admit_at_once(remote)
    }

    fn admit_at_once(self: &Arc<Self>, remote: IpAddr) -> Result<Admitted, RefusedConnection> {
        let address = ClientAddress::of(remote);
        let mut list = self.list();
        let is_address_full = list.of_address.get(&address).is_some_and(|count| *count >= self.limits.per_address_max);
        if is_address_full || list.open.len() - list.leaving >= self.limits.connections_max {
            let refused = if is_address_full { RefusedConnection::AddressFull } else { RefusedConnection::Full };
            if list.leaving >= self.limits.leaving_max || !list.make_room(is_address_full.then_some(address)) {
                return Err(refused);
            }
            self.metrics.connection_closed_for_room();
        }
        let activity = Arc::new(Activity::new(self.epoch));
        let id = list.add(address, Arc::clone(&activity));
        self.metrics.connections_changed(1);
        Ok(Admitted { activity, all: Arc::clone(self), id })
    }

    /// Asks every connection for something.
    pub(super) fn ask_all(&self, request: Request) {
        self.list().open.values().for_each(|entry| entry.activity.ask(request));
    }

    /// Waits until a connection has ended; only the task that accepts connections ever waits.
    async fn one_ended(&self) {
        self.ended.notified().await;
    }

    /// Waits until all connections have ended.
    pub(super) async fn all_ended(&self) {
        while !self.list().open.is_empty() {
            self.one_ended().await;
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn add(&mut self, address: ClientAddress, activity: Arc<Activity>) -> u64 {
        self.next_id += 1;
        *self.of_address.entry(address).or_default() += 1;
        self.open.insert(self.next_id, Entry { address, activity, is_leaving: false });
        self.next_id
    }

    fn remove(&mut self, id: u64) {
        match self.open.remove(&id) {
            Some(Entry { is_leaving: true, .. }) => self.leaving -= 1,
            Some(Entry { address, .. }) => self.uncount(address),
            None => {}
        }
    }

    fn uncount(&mut self, address: ClientAddress) {
        if let Some(count) = self.of_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.of_address.remove(&address);
                self.idle_of_address.remove(&address);
            }
        }
    }

    /// Asks the connection that has been idle longest to go, of all or of those of one address; false if none is idle.
    fn make_room(&mut self, of: Option<ClientAddress>) -> bool {
        let Some(entry) = self.longest_idle(of).and_then(|id| self.open.get_mut(&id)) else { return false };
        entry.is_leaving = true;
        entry.activity.ask(Request::MakeRoom);
        let address = entry.address;
        self.leaving += 1;
        self.uncount(address);
        true
    }

    fn longest_idle(&mut self, of: Option<ClientAddress>) -> Option<u64> {
        let Self { open, idle, idle_of_address, .. } = self;
        let idle = of.map_or(idle, |address| idle_of_address.entry(address).or_default());
        // Whoever was used since the search has been idle for less time than all who were found.
        let is_still_idle = |id: u64, since: u64| open.get(&id).is_some_and(|entry| entry.idle_since() == Some(since));
        loop {
            while let Some((since, id)) = idle.found.pop_front() {
                if is_still_idle(id, since) {
                    return Some(id);
                }
            }
            if idle.nobody_at.is_some_and(|at| at.elapsed() < NOBODY_IDLE) {
                return None;
            }
            let candidates = open.iter().filter(|(_, entry)| of.is_none_or(|address| entry.address == address));
            idle.found = longest(candidates.filter_map(|(id, entry)| Some((entry.idle_since()?, *id))).collect());
            idle.nobody_at = idle.found.is_empty().then(Instant::now);
        }
    }
}

impl Entry {
    fn idle_since(&self) -> Option<u64> {
        if self.is_leaving { None } else { self.activity.idle_since() }
    }
}

/// Those that have been idle longest, in that order.
fn longest(mut idle: Vec<(u64, u64)>) -> VecDeque<(u64, u64)> {
    let count = (idle.len() / FOUND_SHARE).max(1).min(idle.len());
    if count < idle.len() {
        idle.select_nth_unstable(count);
        idle.truncate(count);
    }
    idle.sort_unstable();
    idle.into()
}

#[cfg(test)]
mod tests;
