//! The timer of a connection, which distinguishes an idle client from a slow one.
//!
//! hyper sets one timer before it reads a head, for the time until the first byte and until the last. A client that keeps a connection for
//! its next request may be idle for minutes; one that begins a head and does not finish it is broken, or an attacker. So the stream
//! records that something was read, and a timer that sees this starts again, once, with the shorter time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The timer of one connection.
#[derive(Clone)]
pub(super) struct HeadTimer {
    has_begun: Arc<AtomicBool>,
    stalled_max: Duration,
}

impl HeadTimer {
    pub(super) fn new(stalled_max: Duration) -> Self {
        Self { has_begun: Arc::default(), stalled_max }
    }

    /// The connection's stream, watched by the timer.
    pub(super) fn watch<S>(&self, stream: S) -> Watched<S> {
        Watched { stream, has_begun: Arc::clone(&self.has_begun) }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    /// Called before each head: everything read so far belonged to earlier requests.
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.has_begun.store(false, Ordering::Relaxed);
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
        if *this.is_idle && this.timer.has_begun.load(Ordering::Relaxed) {
            *this.is_idle = false;
            this.sleep.as_mut().reset(tokio::time::Instant::now() + this.timer.stalled_max);
        }
        this.sleep.poll(context)
    }
}

impl Sleep for HeadSleep {}

/// A stream that records when something was read from it.
pub(super) struct Watched<S> {
    stream: S,
    has_begun: Arc<AtomicBool>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.has_begun.store(true, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
