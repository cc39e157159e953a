//! What workers have while they work: a batch, a connection. The queue knows as long as they have it.

use std::sync::Arc;

use super::super::job::Job;
use super::super::work::Work;
use super::Queue;

/// A batch that was taken; it counts as in progress until it is dropped.
pub(in super::super) struct Batch<'a, W: Work> {
    pub(super) queue: &'a Queue<W>,
    /// `None`: a request that is locked out, for which the others of its event do not wait.
    pub(super) event_id: Option<i64>,
    pub(in super::super) jobs: Vec<Job<W>>,
}

impl<W: Work> Batch<'_, W> {
    /// Whether it is a request that is locked out, tried again.
    pub(in super::super) fn was_locked_out(&self) -> bool {
        self.event_id.is_none()
    }
}

impl<W: Work> Drop for Batch<'_, W> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        if let Some(index) = state.under_way.iter().position(|event_id| Some(*event_id) == self.event_id) {
            state.under_way.swap_remove(index);
        }
        drop(state);
        self.queue.news.notify_one();
    }
}

/// Counts a worker as connected until it is dropped.
pub(in super::super) struct Connected<W: Work>(pub(super) Arc<Queue<W>>);

impl<W: Work> Drop for Connected<W> {
    fn drop(&mut self) {
        self.0.state().connected -= 1;
    }
}
