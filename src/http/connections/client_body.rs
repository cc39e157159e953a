//! The body of a request on its way in: notes when the request waits for its client, and keeps what nobody wants to read.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::BUFFER_MAX_BYTES;
use super::activity::{Activity, BoxBody};

pub(super) struct ClientBody {
    body: Option<BoxBody>,
    activity: Arc<Activity>,
    is_waiting: bool,
    /// Since when, the first time.
    waited_since: Option<u64>,
}

impl ClientBody {
    pub(super) fn new(body: BoxBody, activity: Arc<Activity>) -> Self {
        Self { body: Some(body), activity, is_waiting: false, waited_since: None }
    }

    fn waits(&mut self, is_waiting: bool) {
        if self.is_waiting == is_waiting {
            return;
        }
        self.is_waiting = is_waiting;
        if is_waiting {
            self.waited_since = Some(self.activity.awaits_body(self.waited_since));
        } else {
            self.activity.resumes();
        }
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        self.waits(polled.is_pending());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(BoxBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(BoxBody::size_hint).unwrap_or_default()
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        self.waits(false);
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            self.activity.leaves_unread(body);
        }
    }
}

/// Whether the rest of a body that nobody wants has arrived already, so that the next request can follow it.
pub(super) async fn has_arrived(mut rest: BoxBody) -> bool {
    let (mut bytes, mut is_last_try) = (0, false);
    poll_fn(|context| {
        loop {
            match Pin::new(&mut rest).poll_frame(context) {
                Poll::Ready(None) => return Poll::Ready(true),
                Poll::Ready(Some(Ok(frame))) => {
                    bytes += frame.data_ref().map_or(0, Bytes::len);
                    is_last_try = false;
                }
                Poll::Ready(Some(Err(_))) => return Poll::Ready(false),
                Poll::Pending if is_last_try => return Poll::Ready(false),
                Poll::Pending => {
                    // The connection reads only what was asked for, after this.
                    is_last_try = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            if rest.is_end_stream() || bytes > BUFFER_MAX_BYTES {
                return Poll::Ready(rest.is_end_stream());
            }
        }
    })
    .await
}
