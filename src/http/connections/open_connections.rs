//! All open connections, and who has to go when another client needs room: whoever has kept the server waiting longest.
//!
//! A connection is added and removed under one lock, which no request takes. Who is idle is read from each connection's own notes, and
//! only when room is needed; what one search finds serves many newcomers, so that a flood of them does not cost a search each.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::activity::{Activity, Demand, now_us};
use super::idle::Idle;
use super::limits::ConnectionLimits;
use crate::client_address::ClientAddress;
use crate::metrics::{Metrics, RefusedConnection};

/// How long a newcomer waits if too many are leaving at the same time.
const LEAVING_WAIT: Duration = Duration::from_millis(50);

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
    is_closed: bool,
    idle: Idle,
    /// For the addresses that have run into their own limit.
    idle_of_address: HashMap<ClientAddress, Idle>,
}

struct Entry {
    address: ClientAddress,
    activity: Arc<Activity>,
    is_leaving: bool,
}

/// A connection cannot be added.
#[derive(Debug)]
pub(super) struct NoRoom {
    pub(super) why: RefusedConnection,
    /// Whether it can be, once some of those that are leaving have gone.
    pub(super) is_passing: bool,
}

/// One open connection; it is removed from the list when this is dropped.
pub(super) struct Admitted {
    pub(super) activity: Arc<Activity>,
    all: Arc<OpenConnections>,
    id: u64,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if self.all.list().remove(self.id) {
            self.all.metrics.connection_closed_for_room();
        }
        self.all.metrics.connections_changed(-1);
        self.all.ended.notify_waiters();
    }
}

impl Admitted {
    /// It does not make room, because it has become busy: it counts again.
    pub(super) fn stays(&self) {
        self.all.list().stays(self.id);
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
    pub(super) fn admit(self: &Arc<Self>, remote: IpAddr) -> Result<Admitted, NoRoom> {
        let ConnectionLimits { connections_max, per_address_max, leaving_max } = self.limits;
        let (address, now_us) = (ClientAddress::of(remote), now_us(self.epoch));
        let mut list = self.list();
        let of_address = |list: &List| list.of_address.get(&address).copied().unwrap_or_default();
        // Whoever was asked to go may have become busy meanwhile and have stayed: then more than one has to go now.
        loop {
            let is_address_full = of_address(&list) >= per_address_max;
            if !is_address_full && list.open.len() - list.leaving < connections_max {
                break;
            }
            let why = if is_address_full { RefusedConnection::AddressFull } else { RefusedConnection::Full };
            if list.is_closed || !list.make_room(is_address_full.then_some(address), now_us) {
                return Err(NoRoom { why, is_passing: false });
            }
        }
        if list.is_closed || list.open.len() >= connections_max + leaving_max {
            return Err(NoRoom { why: RefusedConnection::Full, is_passing: !list.is_closed });
        }
        let activity = Arc::new(Activity::new(self.epoch));
        let id = list.add(address, Arc::clone(&activity));
        self.metrics.connections_changed(1);
        Ok(Admitted { activity, all: Arc::clone(self), id })
    }

    /// Adds a connection from `remote` as soon as one of those that are leaving has gone.
    ///
    /// # Errors
    /// Why there is still no room after a while, or will be none.
    pub(super) async fn admit_soon(self: &Arc<Self>, remote: IpAddr) -> Result<Admitted, NoRoom> {
        let admitted = async {
            loop {
                let ended = self.ended.notified();
                match self.admit(remote) {
                    Err(NoRoom { is_passing: true, .. }) => ended.await,
                    admitted => return admitted,
                }
            }
        };
        tokio::time::timeout(LEAVING_WAIT, admitted).await.unwrap_or_else(|_| self.admit(remote))
    }

    /// Adds no more connections.
    pub(super) fn close(&self) {
        self.list().is_closed = true;
    }

    /// Asks every connection for something.
    pub(super) fn ask_all(&self, demand: Demand) {
        self.list().open.values().for_each(|entry| entry.activity.ask(demand));
    }

    /// Waits until all connections have ended.
    pub(super) async fn all_ended(&self) {
        loop {
            let ended = self.ended.notified();
            if self.list().open.is_empty() {
                return;
            }
            ended.await;
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

    /// Removes a connection; whether it was asked to make room.
    fn remove(&mut self, id: u64) -> bool {
        let Some(Entry { is_leaving, address, .. }) = self.open.remove(&id) else { return false };
        if is_leaving {
            self.leaving -= 1;
        } else {
            self.uncount(address);
        }
        is_leaving
    }

    fn stays(&mut self, id: u64) {
        let Some(entry) = self.open.get_mut(&id) else { return };
        // Under the lock, so that it is not asked again in between.
        entry.activity.stays();
        if std::mem::take(&mut entry.is_leaving) {
            self.leaving -= 1;
            *self.of_address.entry(entry.address).or_default() += 1;
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
    fn make_room(&mut self, of: Option<ClientAddress>, now_us: u64) -> bool {
        let Some(entry) = self.longest_idle(of, now_us).and_then(|id| self.open.get_mut(&id)) else { return false };
        entry.is_leaving = true;
        entry.activity.ask(Demand::MakeRoom);
        let address = entry.address;
        self.leaving += 1;
        self.uncount(address);
        true
    }

    fn longest_idle(&mut self, of: Option<ClientAddress>, now_us: u64) -> Option<u64> {
        let Self { open, idle, idle_of_address, .. } = self;
        let idle = of.map_or(idle, |address| idle_of_address.entry(address).or_default());
        let idle_since = |id| open.get(&id).and_then(|entry| entry.idle_since(now_us));
        idle.next(idle_since, || {
            let candidates = open.iter().filter(|(_, entry)| of.is_none_or(|address| entry.address == address));
            candidates.filter_map(|(id, entry)| Some((entry.idle_since(now_us)?, *id))).collect()
        })
    }
}

impl Entry {
    fn idle_since(&self, now_us: u64) -> Option<u64> {
        if self.is_leaving { None } else { self.activity.idle_since(now_us) }
    }
}

#[cfg(test)]
mod tests;
