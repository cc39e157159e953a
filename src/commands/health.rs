//! `rowlock health`: a health check for containers that carry no other client.

use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Which server to check.
#[derive(clap::Args)]
pub struct Args {
    /// URL to check, http:// only; without a path, /readyz
    #[arg(long, env = "ROWLOCK_HEALTH_URL", default_value = "http://127.0.0.1:8080/readyz", value_parser = probe)]
    url: hyper::Uri,
    /// How long to wait for the answer, in seconds
    #[arg(long, default_value_t = 3)]
    timeout_s: u64,
}

/// What to ask. The home page answers 200 even if the server is not ready, so a URL without a path means readiness.
fn probe(url: &str) -> anyhow::Result<hyper::Uri> {
    let parsed: hyper::Uri = url.parse()?;
    anyhow::ensure!(parsed.scheme_str() == Some("http"), "must begin with http://");
    if parsed.path_and_query().is_some_and(|path| path != "/") {
        return Ok(parsed);
    }
    Ok(format!("{}/readyz", url.trim_end_matches('/')).parse()?)
}

/// Succeeds when the server answers 200.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let asked = tokio::time::timeout(Duration::from_secs(args.timeout_s), ask(&args.url)).await.context("no answer in time")?;
    let (status, body) = asked?;
    println!("{body}");
    anyhow::ensure!(status == 200, "the server answered {status}");
    Ok(())
}

async fn ask(url: &hyper::Uri) -> anyhow::Result<(u16, String)> {
    let host = url.host().context("the URL has no host")?;
    let stream = TcpStream::connect((host, url.port_u16().unwrap_or(80))).await?;
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
        for other in ["https://127.0.0.1:8080/readyz", "127.0.0.1:8080", "/readyz", ""] {
            assert!(probe(other).is_err(), "{other}");
        }
    }
}
