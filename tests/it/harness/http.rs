//! Requests and their answers.

use pretty_assertions::assert_eq;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use super::document::Document;
use super::wait::{PATIENCE, waited_in_vain};

/// A caller of the server, with the headers that it always sends.
#[derive(Clone)]
pub struct Caller {
    http: Client,
    url: String,
    headers: HeaderMap,
}

impl Caller {
    pub(super) fn new(http: Client, url: String) -> Self {
        Self { http, url, headers: HeaderMap::new() }
    }

    /// The same caller, who also sends this header.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut caller = self.clone();
        let name: HeaderName = name.parse().expect("a header's name");
        caller.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"));
        caller
    }

    /// A request to be completed and handed to [`Caller::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).headers(self.headers.clone())
    }

    /// The same with that body, if the operation takes one.
    pub fn request_in_form(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        let operation = Document::published().called(method.as_str(), path);
        let takes_body = operation.is_some_and(|operation| !operation.json["requestBody"].is_null());
        let request = self.request(method, path);
        if takes_body { request.json(body) } else { request }
    }

    /// Sends a request and reads the answer, which must be one that the document promises.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let name = format!("{method} {path}");
        let response = self.http.execute(request).await.unwrap_or_else(|error| {
            if error.is_timeout() {
                waited_in_vain(PATIENCE);
            }
            panic!("{name}: {error:?}")
        });
        let answer = Answer::read(name, response).await;
        let promised = Document::published().check(method.as_str(), &path, answer.status, &answer.headers, &answer.bytes);
        promised.unwrap_or_else(|error| panic!("not as documented: {error}: {}", answer.text()));
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// POST without a body.
    pub async fn post_nothing(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    /// POST with any body, as JSON.
    pub async fn post_text(&self, path: &str, body: impl Into<String>) -> Answer {
        self.send(self.request(Method::POST, path).header("content-type", "application/json").body(body.into())).await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    request: String,
    pub status: u16,
    pub headers: HeaderMap,
    /// The body as JSON; null when it is empty, compressed or not JSON.
    pub body: Value,
    /// The body as received.
    pub bytes: Vec<u8>,
}

impl Answer {
    async fn read(request: String, response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap_or_else(|error| panic!("{request}: the body broke off: {error:?}")).to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        let answer = Self { request, status, headers, body, bytes };
        assert!(answer.header("x-request-id").is_some(), "{}: every answer names its request", answer.request);
        answer
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of visible characters"))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text());
        self.body.clone()
    }

    /// The body of an answer that must be exactly this problem.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["code"], code, "{}: {}", self.request, self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], format!("/errors#{code}"));
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"));
        for text in ["title", "detail"] {
            assert!(body[text].as_str().is_some_and(|text| !text.is_empty()), "{}: no {text}: {body}", self.request);
        }
        body
    }

    /// An `invalid_request` that must name this field.
    #[track_caller]
    pub fn invalid(&self, field: &str) -> Value {
        let body = self.problem(400, "invalid_request");
        assert_eq!(body["field"], field, "{}: {body}", self.request);
        body
    }
}
