//! The pages for people over HTTP: their content, their caching, and what a browser may do with them.

use std::collections::BTreeSet;

use reqwest::Method;
use rowlock::problem::code::Code;
use serde_json::json;

use crate::harness::{Answer, Caller, EventHandle, PATIENCE, RedisMode, TestServer, event_json, eventually};

const STILL: [&str; 7] =
    ["/docs", "/errors", "/openapi.json", "/docs/swagger-ui.css", "/docs/swagger-ui.js", "/docs/rowlock.css", "/docs/rowlock.js"];

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_read_only_and_says_so() {
    let server = TestServer::start().await;
    let anyone = server.anyone();
    for path in STILL.into_iter().chain(["/"]) {
        let head = anyone.send(anyone.request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.bytes.len()), (200, 0), "HEAD {path}");
        assert_eq!(head.header("content-type"), anyone.get(path).await.header("content-type"), "{path}");
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let refused = anyone.send(anyone.request(method.clone(), path)).await;
            refused.problem(405, "method_not_allowed");
            assert_eq!(refused.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
    }
    anyone.get("/docs/nothing.js").await.problem(404, "not_found");
    anyone.get("/docs/").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_the_same_is_sent_once_and_compressed() {
    let server = TestServer::start().await;
    let anyone = server.anyone();
    for path in STILL {
        let plain = anyone.get(path).await;
        assert_eq!((plain.status, plain.header("cache-control")), (200, Some("no-cache")), "{path}");
        let etag = plain.header("etag").expect("a tag");
        let again = anyone.with("if-none-match", etag).get(path).await;
        assert_eq!((again.status, again.bytes.len(), again.header("etag")), (304, 0, Some(etag)), "{path}");
        let compressed = anyone.with("accept-encoding", "br").get(path).await;
        assert_eq!((compressed.header("content-encoding"), compressed.header("vary")), (Some("br"), Some("Accept-Encoding")), "{path}");
        assert!(compressed.bytes.len() < plain.bytes.len(), "{path}");
    }
    let tags: BTreeSet<_> = futures_util::future::join_all(STILL.map(|path| anyone.get(path))).await.iter().map(etag).collect();
    assert_eq!(tags.len(), STILL.len(), "each has a tag of its own");
    assert_eq!(anyone.get("/").await.header("cache-control"), Some("no-store"), "it shows this moment");
}

fn etag(answer: &Answer) -> String {
    answer.header("etag").expect("a tag").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_may_load_nothing_from_elsewhere_and_frame_no_page() {
    let server = TestServer::start().await;
    for path in ["/", "/docs", "/errors"] {
        let page = server.anyone().get(path).await;
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}: {policy}");
        for part in ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        // The name of another host, or a wildcard, would contain a dot or a star.
        assert!(!policy.contains(['.', '*']) && !policy.contains("unsafe-eval"), "{path}: {policy}");
        assert_eq!(policy.contains("script-src"), path == "/docs", "{path}: {policy}");
        assert_eq!((page.header("x-frame-options"), page.header("referrer-policy")), (Some("DENY"), Some("no-referrer")), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_says_what_runs_here_and_how_it_is() {
    let server = TestServer::start().await;
    let page = server.anyone().get("/").await.text();
    for words in ["Rowlock", env!("CARGO_PKG_VERSION"), "never sells one twice", ">Ready<"] {
        assert!(page.contains(words), "{words} is missing: {page}");
    }
    for path in ["docs", "openapi.json", "errors", "v1/events", "readyz", "livez"] {
        assert!(page.contains(&format!("href=\"{path}\"")), "no way to /{path}");
    }
    let unmigrated = TestServer::builder().redis(RedisMode::Off).unmigrated().start().await;
    let page = unmigrated.anyone().get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains(">Not ready<") && page.text().contains("<code>rowlock migrate</code>"), "{}", page.text());
}

/// Slow or malformed requests, which no HTTP library sends, and 500, which cannot be provoked from outside.
const NOT_BY_A_LIBRARY: [u16; 5] = [408, 414, 431, 500, 501];

/// One real refusal of every status except [`NOT_BY_A_LIBRARY`].
async fn refusals(server: &TestServer, event: EventHandle) -> Vec<Answer> {
    let (anyone, alice) = (server.anyone(), server.customer("alice"));
    let claim = json!({"seats": [{"section": "A", "seat": 1}]});
    alice.claim_once(&event, "k-1", claim.clone()).await.expect(201);
    let (creator, draft) = (server.admin().with("idempotency-key", "k-1"), event_json(&[("A", 1000, 1)]));
    let created = creator.post("/v1/events", &draft).await.expect(201);
    assert_eq!(creator.delete(&format!("/v1/events/{}", created["event_id"])).await.status, 204);
    let unmigrated = TestServer::builder().redis(RedisMode::Off).unmigrated().start().await;
    let limited = TestServer::builder().redis(RedisMode::Off).arg("--requests-per-address-per-s", 1).start().await;
    let one_too_many = || async { Some(limited.anyone().get("/v1/events").await).filter(|answer| answer.status == 429) };
    vec![
        eventually(PATIENCE, one_too_many).await,
        alice.claim(&event, json!({})).await,
        anyone.post(&event.at("orders"), &claim).await,
        anyone.get("/nowhere").await,
        anyone.delete("/livez").await,
        alice.claim(&event, claim).await,
        creator.post("/v1/events", &draft).await,
        alice.post_text(&event.at("orders"), " ".repeat(70_000)).await,
        alice.send(alice.request(Method::POST, &event.at("orders")).header("content-type", "text/plain").body("{}")).await,
        alice.claim_once(&event, "k-1", json!({"seats": [{"section": "A", "seat": 2}]})).await,
        unmigrated.anyone().get("/readyz").await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_type_of_every_problem_leads_to_what_to_do_about_it() {
    let server = TestServer::start().await;
    let event = server.event(event_json(&[("A", 1000, 10)])).await;
    let mut statuses = BTreeSet::from(NOT_BY_A_LIBRARY);
    for refusal in refusals(&server, event).await {
        let (article, code) = article_of(&server.anyone(), &refusal).await;
        assert!(article.contains(&format!("<code>{}</code>", code.as_str())) && article.contains("What to do"), "{article}");
        assert_eq!(refusal.header("retry-after").is_some(), [429, 503].contains(&refusal.status), "{}", code.as_str());
        statuses.insert(refusal.status);
    }
    assert_eq!(statuses, Code::ALL.iter().map(|code| code.status().as_u16()).collect(), "a status was not provoked");
}

/// Follows a problem's `type` like a browser: resolved against the address that answered.
async fn article_of(anyone: &Caller, refusal: &Answer) -> (String, Code) {
    let problem = refusal.problem(refusal.status, refusal.body["code"].as_str().expect("a code"));
    let link = reqwest::Url::parse("http://server/v1/events").and_then(|here| here.join(problem["type"].as_str().expect("a type")));
    let link = link.expect("a link");
    let (page, anchor) = (anyone.get(link.path()).await, link.fragment().expect("an anchor"));
    page.expect(200);
    let article = page.text().split("<article ").find(|article| article.starts_with(&format!("id=\"{anchor}\""))).map(str::to_owned);
    (article.unwrap_or_else(|| panic!("no anchor {anchor}")), Code::from_name(anchor).expect("a code"))
}
