//! One connection, from the first request to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body_util::combinators;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

use super::activity::{Activity, Request};
use super::bare_answer::{problem_of, written};
use super::head_timer::HeadTimer;
use super::open_connections::Admitted;
use super::watched::Watched;
use super::{BUFFER_MAX_BYTES, ConnectionTimeouts, Routes};
use crate::http::refusal_log::RefusalLog;
use crate::problem::Problem;

/// How long, and how many bytes, a refused client may go on sending until it has read why.
const LINGER_MAX: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: u64 = 1024 * 1024;

/// An answer's body as the framework hands it over.
type BoxBody = combinators::BoxBody<Bytes, io::Error>;
type Stream = Pin<Box<TimeoutStream<Watched<TcpStream>>>>;

/// What all conversations share.
pub(super) struct Serving<R> {
    routes: R,
    local: LocalAddr,
    http: http1::Builder,
    timeouts: ConnectionTimeouts,
    refusals: RefusalLog,
}

impl<R: Routes> Serving<R> {
    pub(super) fn new(routes: R, local: SocketAddr, timeouts: ConnectionTimeouts) -> Self {
        let mut http = http1::Builder::new();
        // hyper has one timeout for the first byte of a head and for the whole head; the timer of each connection tells the two apart.
        http.header_read_timeout(timeouts.idle_max).max_buf_size(BUFFER_MAX_BYTES);
        Self { routes, local: LocalAddr(Addr::SocketAddr(local)), http, timeouts, refusals: RefusalLog::new() }
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

    fn answer(&self, request: hyper::Request<Incoming>, remote: SocketAddr) -> BoxFuture<'static, Response> {
        (self.routes)((request, self.local.clone(), RemoteAddr(Addr::SocketAddr(remote)), Scheme::HTTP).into())
    }
}

/// Serves one connection until it ends.
pub(super) async fn converse<R: Routes>(server: Arc<Serving<R>>, stream: TcpStream, remote: SocketAddr, admitted: Admitted) {
    let activity = &admitted.activity;
    let service = service_fn(|request| {
        activity.serves();
        server.answer(request, remote).map(|answer| Ok::<_, Infallible>(hyper::Response::<BoxBody>::from(answer)))
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
                Some(Request::End) => return Poll::Ready(None),
                Some(Request::MakeRoom) if activity.idle_since().is_some() => return Poll::Ready(None),
                Some(_) if !is_finishing => {
                    is_finishing = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
                _ => return Poll::Pending,
            }
        }
    });
    // Clients come and go as they like, so how a connection ended does not matter, unless the client is owed an answer.
    let Some(Err(error)) = ended.await else { return };
    tracing::debug!(%remote, %error, "a connection ended early");
    let refusing = {
        let parts = connection.into_parts();
        let problem = problem_of(&error, activity.refused_status(), activity.has_begun(), &parts.read_buf);
        // Boxed: it is rare, and every connection would have to reserve space for it.
        problem.map(|problem| Box::pin(refuse(parts.io.into_inner(), problem, activity, &server.refusals)))
    };
    if let Some(refusing) = refusing {
        refusing.await;
    }
}

/// Tells a client why its head was refused. Whoever is still sending would see a broken connection instead, so that is read for a while.
async fn refuse(mut stream: Stream, problem: Problem, activity: &Activity, refusals: &RefusalLog) {
    let (code, detail) = (problem.code(), problem.detail().to_owned());
    let (answer, request_id) = written(problem);
    if refusals.admits(code) {
        tracing::info!(request_id, route = "unknown", status = code.status().as_u16(), code = code.as_str(), detail, "refused");
    }
    // From now on, what is written is sent.
    activity.tells();
    let telling = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES_MAX), &mut tokio::io::sink()).await
    };
    tokio::select! {
        _ = tokio::time::timeout(LINGER_MAX, telling) => {}
        () = poll_fn(|context| activity.poll_room_asked(context)) => {}
    }
}
