//! What a worker does when its connection is lost: connect again, find out what the lost call did, and send away those who waited too long.

use std::time::Duration;

use super::super::LaneError;
use super::super::job::Job;
use super::super::work::Work;
use super::{Connection, LostCall, UNAVAILABLE_AFTER, USELESS_PAUSE, Worker, answered_of, requests};
use crate::db::batches::LaneClient;
use crate::db::{DbError, Outage, OutageKind, SessionTimeouts};

/// A request whose call was lost is answered `outcome_unknown` if the database cannot be asked for this long.
const UNKNOWN_AFTER: Duration = Duration::from_secs(15);
/// The total time for connecting, waiting until a lost backend has ended, and asking what it did.
const RECONNECT_MAX: Duration = Duration::from_secs(10);

impl<W: Work> Worker<W> {
    pub(super) fn lose(&mut self, batch: Vec<Job<W>>, why: &str) {
        tracing::warn!(why, requests = batch.len(), "a lane lost its connection during a call; finding out what it did");
        if let Some(connection) = self.connection.take() {
            self.lost = Some(LostCall { backend: connection.client.backend, jobs: batch });
        }
    }

    /// A migration outdated the connection's statements, or its server takes no writes any more. Nothing was done, so the batch goes to a
    /// new connection; unless this one was new, and the next one will hardly be better.
    pub(super) async fn renew(&mut self, batch: Vec<Job<W>>, why: &str) {
        if self.connection.take().is_some_and(|connection| connection.is_new) {
            self.put_back(batch, why).await;
            tokio::time::sleep(USELESS_PAUSE).await;
        } else {
            self.queue.put_first(batch);
        }
    }

    /// Connects, and finds out what the lost call did. False after a failed attempt and its pause.
    pub(super) async fn reconnect(&mut self) -> bool {
        self.connection = None;
        // Another worker may have a connection for the request that this one was woken for.
        self.queue.pass_on();
        let attempt = async {
            let client = LaneClient::prepare(self.endpoint.connect_as_app().await?).await?;
            if let Some(lost) = &self.lost {
                client.outlive(&lost.backend).await?;
                let answers = W::recall(&client, W::event_id(&lost.jobs[0].request), &requests(&lost.jobs)).await?;
                return Ok((client, answers));
            }
            Ok::<_, DbError>((client, Vec::new()))
        };
        let attempt = tokio::time::timeout(RECONNECT_MAX, attempt).await;
        match attempt.unwrap_or_else(|_| Err(DbError::Outage(Outage::new(OutageKind::Unreachable, "no answer in time")))) {
            Ok((client, answers)) => {
                self.outage = None;
                self.endpoint.outages().works();
                self.endpoint.identity().set(client.database_id);
                self.connection =
                    Some(Connection { client, is_new: true, lock_ms: SessionTimeouts::LANE.lock_ms, _counted: self.queue.connected() });
                let jobs = self.lost.take().map(|lost| lost.jobs).unwrap_or_default();
                self.answer_recalled(jobs, answers);
                true
            }
            Err(error) => {
                let outage = Outage::from(error);
                self.outage = Some(outage.kind);
                self.endpoint.outages().failed(&outage);
                self.give_up_on_the_oldest();
                self.endpoint.outages().pause(outage.kind).await;
                false
            }
        }
    }

    /// Answers what the lost call did; what it certainly did not do goes back to the front of the lane.
    fn answer_recalled(&mut self, jobs: Vec<Job<W>>, answers: Vec<Option<W::Answer>>) {
        self.work.committed(answered_of(&jobs, &answers));
        let mut undone = Vec::new();
        for (job, answer) in jobs.into_iter().zip(answers) {
            match answer {
                Some(answer) => job.reply(Ok(answer)),
                None => undone.push(job),
            }
        }
        if !undone.is_empty() {
            self.queue.put_first(undone);
        }
    }

    pub(super) fn give_up_on_the_oldest(&mut self) {
        // Only an operator migrates, so waiting is pointless.
        let (answer, after) = match self.outage {
            Some(OutageKind::NotMigrated) => (LaneError::NotMigrated, Duration::ZERO),
            _ => (LaneError::Unavailable, UNAVAILABLE_AFTER),
        };
        self.queue.take_hopeless(after).into_iter().for_each(|job| job.reply(Err(answer.clone())));
        if let Some(lost) = &mut self.lost {
            for job in lost.jobs.extract_if(.., |job| job.age() > UNKNOWN_AFTER) {
                job.reply(Err(LaneError::OutcomeUnknown));
            }
        }
        self.lost.take_if(|lost| lost.jobs.is_empty());
    }
}
