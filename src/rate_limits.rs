//! How many requests one client may send in a while: off unless a flag says otherwise.
//!
//! A client is remembered by a few bytes and only until it could send as many again as at first. If there are more clients than can be
//! remembered, all are forgotten: a flood from everywhere is nothing that a limit for each could stop.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};
use tokio_util::sync::CancellationToken;

use crate::client_address::ClientAddress;
use crate::config::RateLimitSettings;
use crate::metrics::{Limited, Metrics};

/// The most clients that one limit remembers.
const CLIENTS_MAX: usize = 100_000;
/// How often those are forgotten who need not be remembered any more.
const FORGET_INTERVAL: Duration = Duration::from_secs(10);

/// A request is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub(crate) of: Limited,
    /// When the next one is admitted, in seconds.
    pub(crate) retry_after_s: u32,
}

/// The limits of a server. One that is off costs nothing.
pub(crate) struct RateLimits {
    customers: Option<Limit<u64>>,
    addresses: Option<Limit<ClientAddress>>,
    wrong_credentials: Option<Limit<ClientAddress>>,
    hashes: RandomState,
    metrics: Arc<Metrics>,
}

impl RateLimits {
    pub(crate) fn new(settings: RateLimitSettings, metrics: Arc<Metrics>) -> Self {
        let RateLimitSettings { requests_per_customer_per_s, requests_per_address_per_s, wrong_credentials_per_address_per_min } = settings;
        Self {
            customers: NonZeroU32::new(requests_per_customer_per_s).map(|most| Limit::new(Quota::per_second(most))),
            addresses: NonZeroU32::new(requests_per_address_per_s).map(|most| Limit::new(Quota::per_second(most))),
            wrong_credentials: NonZeroU32::new(wrong_credentials_per_address_per_min).map(|most| Limit::new(Quota::per_minute(most))),
            hashes: RandomState::new(),
            metrics,
        }
    }

    /// Counts a request of this customer.
    ///
    /// # Errors
    /// When it is one too many.
    pub(crate) fn customer(&self, customer_id: &str) -> Result<(), TooMany> {
        let Some(limit) = &self.customers else { return Ok(()) };
        // Ids may be long; whoever has the same hash as somebody else shares a limit.
        self.admit(Limited::Customer, limit.count(self.hashes.hash_one(customer_id)))
    }

    /// Counts a request from this address.
    ///
    /// # Errors
    /// When it is one too many.
    pub(crate) fn address(&self, address: impl FnOnce() -> ClientAddress) -> Result<(), TooMany> {
        let Some(limit) = &self.addresses else { return Ok(()) };
        self.admit(Limited::Address, limit.count(address()))
    }

    /// Counts wrong credentials from this address.
    ///
    /// # Errors
    /// When they are one too many.
    pub(crate) fn wrong_credentials(&self, address: impl FnOnce() -> ClientAddress) -> Result<(), TooMany> {
        let Some(limit) = &self.wrong_credentials else { return Ok(()) };
        self.admit(Limited::WrongCredentials, limit.count(address()))
    }

    /// Counts nothing.
    ///
    /// # Errors
    /// When wrong credentials from this address would be one too many.
    pub(crate) fn may_be_wrong(&self, address: impl FnOnce() -> ClientAddress) -> Result<(), TooMany> {
        let Some(limit) = &self.wrong_credentials else { return Ok(()) };
        self.admit(Limited::WrongCredentials, limit.look(address()))
    }

    fn admit(&self, of: Limited, counted: Result<(), Duration>) -> Result<(), TooMany> {
        counted.map_err(|wait| {
            self.metrics.request_limited(of);
            TooMany { of, retry_after_s: u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1) }
        })
    }

    /// Forgets, now and then until `stop`, those who need not be remembered; at once over if nobody is.
    pub(crate) async fn forget(self: Arc<Self>, stop: CancellationToken) {
        while self.are_on() && stop.run_until_cancelled(tokio::time::sleep(FORGET_INTERVAL)).await.is_some() {
            self.customers.iter().for_each(Limit::forget);
            self.addresses.iter().for_each(Limit::forget);
            self.wrong_credentials.iter().for_each(Limit::forget);
        }
    }

    fn are_on(&self) -> bool {
        self.customers.is_some() || self.addresses.is_some() || self.wrong_credentials.is_some()
    }
}

/// A number of requests in a period; all of them may come at once.
struct Limit<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, Remembered<K>, DefaultClock>,
    clients: Remembered<K>,
    clock: DefaultClock,
    started: <DefaultClock as Clock>::Instant,
    /// How far ahead of the steady rate a client may be.
    ahead: Nanos,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(quota: Quota) -> Self {
        let (clients, clock) = (Remembered::new(), DefaultClock::default());
        let started = clock.now();
        let ahead = Nanos::from(quota.replenish_interval()) * u64::from(quota.burst_size().get() - 1);
        Self { limiter: RateLimiter::new(quota, clients.clone(), clock.clone()), clients, clock, started, ahead }
    }

    /// The error is how long to wait.
    fn count(&self, client: K) -> Result<(), Duration> {
        self.limiter.check_key(&client).map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// What counting one would say.
    fn look(&self, client: K) -> Result<(), Duration> {
        let Some(due) = self.clients.locked().get(&client).copied() else { return Ok(()) };
        let wait = due.saturating_sub(self.ahead).saturating_sub((self.clock.now() - self.started).into());
        if wait.as_u64() == 0 { Ok(()) } else { Err(wait.into()) }
    }

    fn forget(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// For each client, when it would have sent what it has sent at a steady rate.
#[derive(Clone)]
struct Remembered<K>(Arc<Mutex<HashMap<K, Nanos>>>);

impl<K: Hash + Eq> Remembered<K> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<K, Nanos>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> StateStore for Remembered<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, client: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut clients = self.locked();
        let known = clients.get(client).copied();
        let (measured, due) = measure(known)?;
        if known.is_none() && clients.len() >= CLIENTS_MAX {
            clients.clear();
        }
        clients.insert(client.clone(), due);
        Ok(measured)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for Remembered<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.locked().retain(|_, due| *due > drop_below);
    }

    fn shrink_to_fit(&self) {
        self.locked().shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.locked().len()
    }

    fn is_empty(&self) -> bool {
        self.locked().is_empty()
    }
}

#[cfg(test)]
mod tests;
