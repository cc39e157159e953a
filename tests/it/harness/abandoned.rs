//! Requests whose callers disconnect before they are answered.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use rowlock::auth::mint_customer_token;
use serde_json::json;

use super::event::EventHandle;
use super::server::{JWT_SECRET, TestServer};

/// A request that was sent, on a connection of its own.
pub struct Abandoned {
    stream: TcpStream,
}

impl Abandoned {
    /// A customer asks for a seat.
    pub async fn claim(server: &TestServer, event: &EventHandle, customer: &str, (section, seat): (&str, i32)) -> Self {
        let token = mint_customer_token(JWT_SECRET, customer, 600).expect("a token");
        let body = json!({"seats": [{"section": section, "seat": seat}]}).to_string();
        Self::post(server, &event.at("orders"), &[("authorization", format!("Bearer {token}"))], body.as_bytes()).await
    }

    /// The gateway sends a notice that fits the order.
    pub async fn payment(server: &TestServer, order: &Value) -> Self {
        let gateway = server.gateway();
        let signed = gateway.sign(&gateway.notice(order));
        Self::post(server, "/v1/payments", &signed.headers, &signed.body).await
    }

    /// A customer asks for their orders.
    pub async fn list(server: &TestServer, event: &EventHandle, customer: &str) -> Self {
        let token = mint_customer_token(JWT_SECRET, customer, 600).expect("a token");
        Self::get(server, &event.at("orders"), &[("authorization", format!("Bearer {token}"))]).await
    }

    /// Somebody reads.
    pub async fn get(server: &TestServer, path: &str, headers: &[(&'static str, String)]) -> Self {
        Self::send(server, format!("GET {path} HTTP/1.1\r\nhost: rowlock\r\n"), headers, b"").await
    }

    async fn post(server: &TestServer, path: &str, headers: &[(&'static str, String)], body: &[u8]) -> Self {
        let head = format!("POST {path} HTTP/1.1\r\nhost: rowlock\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
        Self::send(server, head, headers, body).await
    }

    async fn send(server: &TestServer, mut head: String, headers: &[(&'static str, String)], body: &[u8]) -> Self {
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("a connection");
        stream.write_all(&[head.as_bytes(), body].concat()).await.expect("sent");
        Self { stream }
    }

    /// Disconnects; returns once the server has dropped the request, and fails if it was answered.
    pub async fn hang_up(mut self) {
        self.stream.shutdown().await.expect("hung up");
        let mut answer = Vec::new();
        // A reset counts as an end, too.
        self.stream.read_to_end(&mut answer).await.ok();
        assert_eq!(String::from_utf8_lossy(&answer), "", "the request was answered before its caller hung up");
    }
}
