//! How a buyer sends a request: again after a lost connection or "try again later", counting the answers.

use std::time::{Duration, Instant};

use anyhow::bail;
use hyper::StatusCode;
use rand::RngExt;

use super::Buyer;
use crate::{
    client::{Answer, Call},
    rush::{
        bodies::{ProblemBody, plain},
        sale::Sale,
        tally::Step,
    },
};

/// About how long a buyer waits before it reopens a lost connection.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(50);

impl Buyer {
    pub(super) async fn ask_ok(&mut self, sale: &Sale, step: Step, call: &Call) -> anyhow::Result<Answer> {
        let answer = self.ask(sale, step, call).await;
        self.expect_ok(step, &answer)?;
        Ok(answer)
    }

    /// Asks until there is an answer that is not "try again later". Sending again is harmless: a claim carries its idempotency key, a
    /// payment its reference. The wait counts from the moment the request was due, even if the machine was busy then.
    pub(super) async fn ask(&mut self, sale: &Sale, step: Step, call: &Call) -> Answer {
        self.waiting_for = Some(step);
        loop {
            let meant_at = self.meant_at.take().unwrap_or_else(Instant::now);
            match self.connection.send(call).await {
                Ok(answer) => {
                    let answered_at = Instant::now();
                    self.answered_at.get_or_insert(answered_at);
                    let took = answered_at - meant_at;
                    self.tally.answered(step, answer.status, took);
                    sale.counters.answered(step, took);
                    if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                        self.waiting_for = None;
                        return answer;
                    }
                    self.problem(&answer);
                    let retry_after = Duration::from_secs(answer.retry_after_s.unwrap_or(1).into());
                    let jitter = self.pauses.random_range(0.0..0.5);
                    tokio::time::sleep(retry_after.mul_f64(1.0 + jitter)).await;
                }
                Err(_) => {
                    self.tally.connection_errors += 1;
                    self.pause(RECONNECT_INTERVAL).await;
                }
            }
        }
    }

    pub(super) fn expect_ok(&mut self, step: Step, answer: &Answer) -> anyhow::Result<()> {
        if answer.status.is_success() {
            return Ok(());
        }
        let problem = self.problem(answer);
        bail!("{}: {} {} {}", step.name(), answer.status.as_u16(), problem.code, problem.detail.unwrap_or_default())
    }

    /// Reads and counts a problem body.
    pub(super) fn problem(&mut self, answer: &Answer) -> ProblemBody {
        let problem: ProblemBody = plain(answer).ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
        self.tally.problem(&problem.code);
        problem
    }

    /// Waits for about that long, so that a crowd that came together does not stay together.
    pub(super) async fn pause(&mut self, about: Duration) {
        tokio::time::sleep(about.mul_f64(self.pauses.random_range(0.5..1.5))).await;
    }
}
