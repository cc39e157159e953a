//! What the client sends, and what it makes of answers: without a server, so that `make sdk-rust` can try it.

use anyhow::{Context, Result, ensure};
use rowlock_client::{BadCredential, Client, Error, ProblemCode, Refused, types};
use standardwebhooks::Webhook;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiB0aGUgZXhhbXBsZSdzIHRlc3Rz";
const LIST: &str = r#"{"orders": []}"#;
const REFUSAL: &str = r#"{
    "type": "/errors#seat_taken", "title": "Seat taken", "status": 409, "code": "seat_taken", "request_id": "r1",
    "detail": "1 of the seats is not available; `taken` lists it", "taken": [{"section": "A", "seat": 12}]
}"#;

/// A request as it arrived.
struct Asked {
    head: Vec<String>,
    body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> Result<&str> {
        let found = self.head.iter().filter_map(|line| line.split_once(": ")).find(|(other, _)| other.eq_ignore_ascii_case(name));
        Ok(found.with_context(|| format!("no {name} in {:?}", self.head))?.1)
    }
}

/// A server that answers one request like this; returns its URL and what it will have been asked.
async fn answering(status: &str, media_type: &str, body: &str) -> Result<(String, JoinHandle<Result<Asked>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    let asked = tokio::spawn(async move {
        let mut client = BufReader::new(listener.accept().await?.0);
        let mut asked = Asked { head: Vec::new(), body: Vec::new() };
        loop {
            let mut line = String::new();
            client.read_line(&mut line).await?;
            if line.trim().is_empty() {
                break;
            }
            asked.head.push(line.trim().to_owned());
        }
        let length = asked.header("content-length").map_or(Ok(0), str::parse)?;
        asked.body = vec![0; length];
        client.read_exact(&mut asked.body).await?;
        client.write_all(answer.as_bytes()).await?;
        Ok(asked)
    });
    Ok((url, asked))
}

async fn orders(client: &Client) -> Result<types::OrderList, Error<types::Problem>> {
    Ok(client.list_orders().event_id(7).send().await?.into_inner())
}

#[tokio::test]
async fn a_notice_is_signed_over_the_bytes_that_are_sent() -> Result<()> {
    let (url, asked) = answering("200 OK", "application/json", r#"{"outcome": "paid"}"#).await?;
    let notice = types::PaymentNotice {
        event_id: 7,
        order_id: Uuid::new_v4(),
        provider: "example".to_owned(),
        provider_reference: "pay_8c1f20 \"\u{1f3ab}\"".to_owned(),
        amount_minor: 560_000,
        currency: "TWD".to_owned(),
        status: types::PaymentStatus::Succeeded,
    };
    ensure!(super::notify(&Client::new(&url), &notice, SECRET).await?? == types::PaymentOutcome::Paid);
    let asked = asked.await??;
    let (id, timestamp) = (asked.header("webhook-id")?, asked.header("webhook-timestamp")?.parse()?);
    let signature = Webhook::new(SECRET)?.sign(id, timestamp, &asked.body)?;
    assert_eq!(asked.header("webhook-signature")?, signature);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&asked.body)?, serde_json::to_value(&notice)?);
    Ok(())
}

#[tokio::test]
async fn a_customers_token_and_an_admins_key_go_into_their_headers() -> Result<()> {
    let (url, asked) = answering("200 OK", "application/json", LIST).await?;
    ensure!(orders(&Client::for_customer(&url, "header.payload.signature")?).await?.orders.is_empty());
    assert_eq!(asked.await??.header("authorization")?, "Bearer header.payload.signature");
    let (url, asked) = answering("200 OK", "application/json", LIST).await?;
    orders(&Client::for_admin(&url, "rlk_secret")?).await?;
    let asked = asked.await??;
    assert_eq!(asked.header("x-api-key")?, "rlk_secret");
    ensure!(asked.header("authorization").is_err());
    Ok(())
}

#[test]
fn a_token_that_cannot_stand_in_a_header_is_refused_at_once_and_not_shown() -> Result<()> {
    let refused = Client::for_customer("http://127.0.0.1:1", "two\nlines").err().context("a client")?;
    ensure!(matches!(refused, BadCredential::Header(_)), "{refused}");
    ensure!(!format!("{refused} {refused:?}").contains("two"), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_refusal_says_why_in_a_word_and_what_is_taken() -> Result<()> {
    let (url, _) = answering("409 Conflict", "application/problem+json", REFUSAL).await?;
    let refused = orders(&Client::new(&url)).await.err();
    // Not one of the statuses that this operation documents.
    ensure!(refused.as_ref().is_some_and(|error| error.status().is_some_and(|status| status == 409)), "{refused:?}");

    let (url, _) = answering("409 Conflict", "application/problem+json", REFUSAL).await?;
    let seat = types::SeatName { section: "A".to_owned(), seat: 12 };
    let error = super::claim(&Client::new(&url), 7, std::slice::from_ref(&seat)).await.err().context("an order")?;
    assert_eq!(error.code(), Some(ProblemCode::SeatTaken));
    let problem = error.problem().context("no problem")?;
    assert_eq!((problem.taken.as_slice(), problem.request_id.as_str()), ([seat].as_slice(), "r1"));
    Ok(())
}

#[tokio::test]
async fn what_is_no_answer_of_rowlock_is_an_error_without_a_code() -> Result<()> {
    let (url, _) = answering("502 Bad Gateway", "text/html", "<h1>Bad gateway</h1>").await?;
    for client in [Client::new(&url), Client::new("http://127.0.0.1:1")] {
        let error = orders(&client).await.err().context("orders")?;
        ensure!(error.code().is_none() && error.problem().is_none(), "{error:?}");
    }
    Ok(())
}
