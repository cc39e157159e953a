//! Requests in the order they came, from which those of one event are taken without a look at all others.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::super::job::Job;
use super::super::work::Work;

/// What the requests of a call have in common: their event and kind.
type Group = (i64, u8);

/// What decides whether a request leads the next call.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub(super) group: Group,
    /// A hash of the customer, if customers take turns.
    pub(super) customer: Option<u64>,
}

/// Requests by their places: the lower the place, the earlier it came.
pub(super) struct Jobs<W: Work> {
    order: BTreeMap<i64, Candidate>,
    groups: HashMap<Group, VecDeque<(i64, Job<W>)>>,
    hasher: RandomState,
}

impl<W: Work> Jobs<W> {
    pub(super) fn new() -> Self {
        Self { order: BTreeMap::new(), groups: HashMap::new(), hasher: RandomState::new() }
    }

    pub(super) fn push_back(&mut self, job: Job<W>) {
        let place = self.order.last_key_value().map_or(0, |(last, _)| last + 1);
        self.group_of(&job, place).push_back((place, job));
    }

    pub(super) fn push_front(&mut self, job: Job<W>) {
        let place = self.order.first_key_value().map_or(0, |(first, _)| first - 1);
        self.group_of(&job, place).push_front((place, job));
    }

    fn group_of(&mut self, job: &Job<W>, place: i64) -> &mut VecDeque<(i64, Job<W>)> {
        let group = (job.event_id(), job.kind());
        let customer = job.customer().map(|customer| self.hasher.hash_one(customer));
        self.order.insert(place, Candidate { group, customer });
        self.groups.entry(group).or_default()
    }

    /// All of them, in their order.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &Candidate> + Clone {
        self.order.values()
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Takes out the first one of a group, with who its customer is.
    pub(super) fn pop(&mut self, group: Group) -> Option<(Option<u64>, Job<W>)> {
        let jobs = self.groups.get_mut(&group)?;
        let (place, job) = jobs.pop_front()?;
        if jobs.is_empty() {
            self.groups.remove(&group);
        }
        Some((self.order.remove(&place)?.customer, job))
    }

    /// Takes out the first ones, as long as they are like that.
    pub(super) fn pop_while(&mut self, is_like: impl Fn(&Job<W>) -> bool) -> Vec<Job<W>> {
        let mut popped = Vec::new();
        while let Some(Candidate { group, .. }) = self.order.first_key_value().map(|(_, first)| *first)
            && self.groups.get(&group).and_then(VecDeque::front).is_some_and(|(_, job)| is_like(job))
        {
            popped.extend(self.pop(group).map(|(_, job)| job));
        }
        popped
    }

    /// Drops those that their callers have given up.
    pub(super) fn drop_abandoned(&mut self) {
        self.groups.retain(|_, jobs| {
            jobs.retain(|(place, job)| {
                let stays = !job.is_abandoned();
                if !stays {
                    self.order.remove(place);
                }
                stays
            });
            !jobs.is_empty()
        });
    }
}
