//! The stream of a connection: notes what is read and written, and keeps back the answers that the parser gives by itself.
//!
//! hyper answers a head that it cannot parse with a bare status and no body. Such an answer is the only thing that is ever written while
//! no request is being answered: it is kept back, its status noted, and a problem is sent in its place.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;

/// Where the status is in `HTTP/1.1 400 Bad Request`.
const STATUS: std::ops::Range<usize> = 9..12;
/// The status of an answer in which none can be found.
const BAD_REQUEST: u16 = 400;

pub(super) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }

    /// Whether these bytes are an answer of the parser, which is then noted and not sent.
    fn keeps_back(&self, head: &[u8]) -> bool {
        if self.activity.is_answering() || self.activity.is_telling() {
            return false;
        }
        if self.activity.refused_status().is_some() {
            return true;
        }
        let status = head.get(STATUS).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        self.activity.refuses(status.unwrap_or(BAD_REQUEST));
        true
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.activity.reads();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.keeps_back(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.activity.writes(written.is_pending());
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper ends the connection after its own refusal, but the problem is still to be sent.
        if self.activity.refused_status().is_some() && !self.activity.is_telling() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.keeps_back(slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| &slice[..])) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.activity.writes(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
