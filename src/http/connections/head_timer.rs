//! The timer of a connection, which distinguishes an idle client from a slow one.
//!
//! hyper sets one timer before it reads a head, for the time until the first byte and until the last. A client that keeps a connection for
//! its next request may be idle for minutes; one that begins a head and does not finish it is broken, or an attacker. So the stream
//! records that something was read, and a timer that sees this starts again, once, with the shorter time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

use super::activity::Activity;

/// The timer of one connection.
#[derive(Clone)]
pub(super) struct HeadTimer {
    activity: Arc<Activity>,
    stalled_max: Duration,
}

impl HeadTimer {
    pub(super) fn new(activity: Arc<Activity>, stalled_max: Duration) -> Self {
        Self { activity, stalled_max }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    /// Called before each head, and only then.
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.activity.waits();
        let sleep = tokio::time::sleep_until(deadline.into());
        Box::pin(HeadSleep { sleep, is_idle: true, timer: self.clone() })
    }
}

pin_project_lite::pin_project! {
    /// Until the client has been idle for too long, or has taken too long over a head.
    struct HeadSleep {
        #[pin]
        sleep: tokio::time::Sleep,
        is_idle: bool,
        timer: HeadTimer,
    }
}

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if *this.is_idle && this.timer.activity.has_begun() {
            *this.is_idle = false;
            this.sleep.as_mut().reset(tokio::time::Instant::now() + this.timer.stalled_max);
        }
        this.sleep.poll(context)
    }
}

impl Sleep for HeadSleep {}
