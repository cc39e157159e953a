//! One connection, from the first request to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use poem::http::HeaderValue;
use poem::http::header::{CONNECTION, EXPECT};
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Body, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

use super::activity::{Activity, BoxBody, Demand};
use super::answers_in_flight::AnswersInFlight;
use super::bare_answer::{problem_of, written};
use super::client_body::{ClientBody, has_arrived};
use super::head_timer::HeadTimer;
use super::open_connections::Admitted;
use super::watched::Watched;
use super::{BUFFER_MAX_BYTES, ConnectionTimeouts, Routes};
use crate::http::refusal_log::RefusalLog;

/// How long, and how many bytes, a refused client may go on sending until it has read why.
const LINGER_MAX: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: u64 = 1024 * 1024;

type Stream = Pin<Box<TimeoutStream<Watched<TcpStream>>>>;

/// What all conversations share.
pub(super) struct Serving<R> {
    routes: R,
    local: LocalAddr,
    http: http1::Builder,
    timeouts: ConnectionTimeouts,
    answers: Arc<AnswersInFlight>,
    pub(super) refusals: RefusalLog,
}

impl<R: Routes> Serving<R> {
    pub(super) fn new(routes: R, local: SocketAddr, timeouts: ConnectionTimeouts, answers: Arc<AnswersInFlight>) -> Self {
        let mut http = http1::Builder::new();
        // hyper has one timeout for the first byte of a head and for the whole head; the timer of each connection tells the two apart.
        http.header_read_timeout(timeouts.idle_max).max_buf_size(BUFFER_MAX_BYTES);
        Self { routes, local: LocalAddr(Addr::SocketAddr(local)), http, timeouts, answers, refusals: RefusalLog::new() }
    }

    fn http_of(&self, activity: &Arc<Activity>) -> http1::Builder {
        let mut http = self.http.clone();
        http.timer(HeadTimer::new(Arc::clone(activity), self.timeouts.stalled_max));
        http
    }

    fn watched(&self, stream: TcpStream, activity: &Arc<Activity>) -> Stream {
        let mut stream = TimeoutStream::new(Watched::new(stream, Arc::clone(activity)));
        stream.set_write_timeout(Some(self.timeouts.stalled_max));
        Box::pin(stream)
    }

    /// Answers one request. If more of its body may follow, the answer says that it is the last one.
    fn answer(
        &self,
        request: hyper::Request<Incoming>,
        remote: SocketAddr,
        activity: &Arc<Activity>,
    ) -> impl Future<Output = Response> + use<R> {
        activity.serves();
        let (has_body, waits_for_word) = (!request.body().is_end_stream(), request.headers().contains_key(EXPECT));
        let mut request: Request = (request, self.local.clone(), RemoteAddr(Addr::SocketAddr(remote)), Scheme::HTTP).into();
        if has_body {
            let body = ClientBody::new(request.take_body().into(), Arc::clone(activity));
            request.set_body(Body::from(BoxBody::new(body)));
        }
        let (answer, activity) = ((self.routes)(request), Arc::clone(activity));
        async move {
            let mut response = answer.await;
            // Boxed: it is rare, and every connection would have to reserve space for it.
            if let Some(rest) = activity.take_unread()
                && (waits_for_word || !Box::pin(has_arrived(rest)).await)
            {
                activity.cuts_off();
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            activity.answered();
            response
        }
    }
}

/// Serves one connection until it ends.
pub(super) async fn converse<R: Routes>(server: Arc<Serving<R>>, stream: TcpStream, remote: SocketAddr, admitted: Admitted) {
    let (server, activity) = (&*server, &admitted.activity);
    let service = service_fn(|request| {
        server.answer(request, remote, activity).map(move |answer| {
            let answer = hyper::Response::<BoxBody>::from(answer);
            Ok::<_, Infallible>(answer.map(|body| server.answers.counting(body, activity)))
        })
    });
    let mut connection = server.http_of(activity).serve_connection(TokioIo::new(server.watched(stream, activity)), service);
    let mut is_finishing = false;
    let ended = poll_fn(|context| {
        activity.listen(context.waker());
        loop {
            if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
                return Poll::Ready(Some(ended));
            }
            match activity.asked() {
                Some(Demand::End) => return Poll::Ready(None),
                Some(Demand::MakeRoom) if activity.is_waiting() => return Poll::Ready(None),
                // Its client has not kept it waiting any longer.
                Some(Demand::MakeRoom) => admitted.stays(),
                Some(Demand::Finish) if !is_finishing => {
                    is_finishing = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
                _ => return Poll::Pending,
            }
        }
    });
    // Clients come and go as they like, so how a connection ended does not matter, unless the client is owed an answer or still sending.
    let ending: BoxFuture<'_, ()> = match ended.await {
        Some(Err(error)) => {
            tracing::debug!(%remote, %error, "a connection ended early");
            let parts = connection.into_parts();
            match problem_of(&error, activity.refused_status(), activity.has_begun(), &parts.read_buf) {
                Some(problem) => Box::pin(refuse(parts.io.into_inner(), written(problem, &server.refusals), activity)),
                None => return,
            }
        }
        Some(Ok(())) if activity.is_cut_off() => {
            activity.waits();
            Box::pin(linger(connection.into_parts().io.into_inner(), activity))
        }
        _ => return,
    };
    ending.await;
}

/// Tells a client why its head was refused.
async fn refuse(mut stream: Stream, answer: Vec<u8>, activity: &Activity) {
    // From now on, what is written is sent.
    activity.tells();
    let told = tokio::time::timeout(LINGER_MAX, stream.write_all(&answer)).await;
    if matches!(told, Ok(Ok(()))) {
        linger(stream, activity).await;
    }
}

/// Whoever is still sending would see a broken connection instead of the answer, so what it sends is read for a while.
async fn linger(mut stream: Stream, activity: &Activity) {
    let reading = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES_MAX), &mut tokio::io::sink()).await
    };
    tokio::select! {
        _ = tokio::time::timeout(LINGER_MAX, reading) => {}
        () = poll_fn(|context| activity.poll_room_asked(context)) => {}
    }
}
