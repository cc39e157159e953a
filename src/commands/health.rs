//! `rowlock health`: a health check for containers that carry no other client.

use std::time::Duration;

use anyhow::{Context, anyhow};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::flags::whole;

/// Which server to check.
#[derive(clap::Args)]
pub struct Args {
    /// URL to check, http:// only; without a path, /readyz
    #[arg(long, env = "ROWLOCK_HEALTH_URL", default_value = "http://127.0.0.1:8080/readyz", value_parser = probe)]
    url: hyper::Uri,
    /// How long to wait for the answer, in seconds
    #[arg(long, default_value_t = 3, value_parser = whole::<u64>(1..=86_400))]
    timeout_s: u64,
}

/// What to ask. The home page answers 200 even if the server is not ready, so a URL without a path means readiness.
fn probe(url: &str) -> anyhow::Result<hyper::Uri> {
    let parsed = url.parse::<hyper::Uri>().ok().filter(|parsed| parsed.scheme_str() == Some("http") && parsed.host().is_some());
    let parsed = parsed.context("it must be a URL without TLS, such as http://127.0.0.1:8080/readyz")?;
    if parsed.path_and_query().is_some_and(|path| path != "/") {
        return Ok(parsed);
    }
    Ok(format!("{}/readyz", url.trim_end_matches('/')).parse()?)
}

/// Succeeds when the server answers 200.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let asked = tokio::time::timeout(Duration::from_secs(args.timeout_s), ask(&args.url)).await;
    let asked = asked.unwrap_or_else(|_| Err(anyhow!("no answer within {} s", args.timeout_s)));
    let unreachable =
        || format!("cannot ask {}; check that the server is running, and the address in --url (ROWLOCK_HEALTH_URL)", args.url);
    let (status, body) = asked.with_context(unreachable)?;
    println!("{body}");
    anyhow::ensure!(status == 200, "the server answered {status} instead of 200; its answer above says why");
    Ok(())
}

async fn ask(url: &hyper::Uri) -> anyhow::Result<(u16, String)> {
    let host = url.host().context("the URL has no host")?;
    // A URL has an IPv6 address in brackets, a socket has none.
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((address, url.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let path = url.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
    let request = hyper::Request::get(path).header("host", host).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_means_readiness_and_nothing_but_http_is_asked() {
        for readiness in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/readyz"] {
            assert_eq!(probe(readiness).unwrap(), "http://127.0.0.1:8080/readyz");
        }
        assert_eq!(probe("http://[::1]:80/livez").unwrap(), "http://[::1]:80/livez");
        for other in ["http://", "https://127.0.0.1:8080/readyz", "127.0.0.1:8080", "/readyz", ""] {
            assert!(probe(other).is_err(), "{other}");
        }
    }
}
