//! Answers that their clients have yet to take, and who has to go when these take too much memory: those who have taken nothing for longest,
//! however much they had taken before.
//!
//! An answer is in memory until the kernel has taken all of it. A thousand viewers of the same seat map share its bytes, so these count
//! once; but a map changes with every claim, and each version stays until its last reader has it. Small answers are not counted: no
//! connection has more than one answer in memory. One without a length is made as it is sent.

use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::BUFFER_MAX_BYTES;
use super::activity::{Activity, BoxBody, Demand};
use crate::metrics::Metrics;

pub(super) struct AnswersInFlight {
    max_bytes: usize,
    metrics: Arc<Metrics>,
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    answers: HashMap<u64, Answer>,
    next_id: u64,
    /// What is sent, by the address of its first byte.
    contents: HashMap<usize, Content>,
    held_bytes: usize,
    /// Without what is held only by those who were asked to go.
    staying_bytes: usize,
}

struct Answer {
    content: usize,
    activity: Arc<Activity>,
    is_leaving: bool,
}

struct Content {
    bytes: usize,
    readers: usize,
    /// Those readers who were not asked to go.
    staying: usize,
}

impl AnswersInFlight {
    /// They may take so much memory together.
    pub(super) fn new(max_bytes: usize, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { max_bytes, metrics, list: Mutex::default() })
    }

    /// The same answer, counted while it is in memory.
    pub(super) fn counting(self: &Arc<Self>, body: BoxBody, activity: &Arc<Activity>) -> BoxBody {
        if body.size_hint().exact().is_none_or(|bytes| bytes <= BUFFER_MAX_BYTES as u64) {
            return body;
        }
        BoxBody::new(CountedBody { body, all: Arc::clone(self), activity: Arc::clone(activity) })
    }

    /// Counts these bytes until they are dropped; if there are too many now, asks the slowest readers to go.
    fn begin(self: &Arc<Self>, bytes: Bytes, activity: &Arc<Activity>) -> Bytes {
        let mut list = self.list();
        let id = list.add(&bytes, Arc::clone(activity));
        let asked = list.make_room(self.max_bytes, Instant::now());
        self.metrics.answers_in_flight(list.held_bytes);
        drop(list);
        self.metrics.slow_readers_closed(asked);
        Bytes::from_owner(CountedBytes { bytes, all: Arc::clone(self), id })
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn add(&mut self, bytes: &Bytes, activity: Arc<Activity>) -> u64 {
        let address = bytes.as_ptr().addr();
        let content = self.contents.entry(address).or_insert(Content { bytes: bytes.len(), readers: 0, staying: 0 });
        if content.readers == 0 {
            self.held_bytes += content.bytes;
        }
        if content.staying == 0 {
            self.staying_bytes += content.bytes;
        }
        content.readers += 1;
        content.staying += 1;
        self.next_id += 1;
        self.answers.insert(self.next_id, Answer { content: address, activity, is_leaving: false });
        self.next_id
    }

    /// Asks those whom the server waits for to go, until the others hold no more than `max_bytes`. Whoever reads what others read, too, goes
    /// only with all of them: alone, it would free nothing. Returns how many were asked.
    fn make_room(&mut self, max_bytes: usize, now: Instant) -> u64 {
        if self.staying_bytes <= max_bytes {
            return 0;
        }
        // What is freed counts: of all who read the same, the one who reads best does.
        let mut readers: HashMap<usize, (Option<u64>, Vec<u64>)> = HashMap::new();
        for (id, answer) in self.answers.iter().filter(|(_, answer)| !answer.is_leaving) {
            let unread_for_us = answer.activity.unread_for_us(now);
            let (least, ids) = readers.entry(answer.content).or_insert((unread_for_us, Vec::new()));
            *least = (*least).min(unread_for_us);
            ids.push(*id);
        }
        let mut left_longest: BinaryHeap<_> = readers.into_values().filter_map(|(least_us, ids)| Some((least_us?, ids))).collect();
        let mut asked = 0;
        while self.staying_bytes > max_bytes
            && let Some((_, ids)) = left_longest.pop()
        {
            asked += ids.len() as u64;
            ids.into_iter().for_each(|id| self.ask_to_go(id));
        }
        asked
    }

    fn ask_to_go(&mut self, id: u64) {
        let Some(answer) = self.answers.get_mut(&id) else { return };
        answer.is_leaving = true;
        // The next request is not even read before its client has taken this answer.
        answer.activity.ask(Demand::End);
        let address = answer.content;
        self.leaves(address);
    }

    /// One of those who read this does not stay.
    fn leaves(&mut self, address: usize) {
        if let Some(content) = self.contents.get_mut(&address) {
            content.staying -= 1;
            if content.staying == 0 {
                self.staying_bytes -= content.bytes;
            }
        }
    }

    fn remove(&mut self, id: u64) {
        let Some(answer) = self.answers.remove(&id) else { return };
        if !answer.is_leaving {
            self.leaves(answer.content);
        }
        if let Some(content) = self.contents.get_mut(&answer.content) {
            content.readers -= 1;
            if content.readers == 0 {
                self.held_bytes -= content.bytes;
                self.contents.remove(&answer.content);
            }
        }
    }
}

/// Bytes of an answer, with all that share them; no longer counted when this is dropped, just before they are.
struct CountedBytes {
    bytes: Bytes,
    all: Arc<AnswersInFlight>,
    id: u64,
}

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for CountedBytes {
    fn drop(&mut self) {
        let mut list = self.all.list();
        list.remove(self.id);
        self.all.metrics.answers_in_flight(list.held_bytes);
    }
}

/// Counts what it hands over. hyper asks for it only when everything before it was sent.
struct CountedBody {
    body: BoxBody,
    all: Arc<AnswersInFlight>,
    activity: Arc<Activity>,
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| Ok(frame?.map_data(|bytes| self.all.begin(bytes, &self.activity)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
