//! A request from the document's examples, to be varied and sent.

use reqwest::Method;
use rowlock::auth::sign_notice;
use serde_json::Value;
use time::OffsetDateTime;

use super::fuzz::Odd;
use super::stage::CUSTOMER;
use crate::harness::{Answer, Caller, Operation, TestServer, WEBHOOK_SECRET, entries};

/// A request to an operation.
#[derive(Clone)]
pub struct Attempt {
    method: Method,
    template: String,
    scheme: Option<String>,
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    /// Sent in place of the body.
    text: Option<String>,
    media_type: &'static str,
    /// Whether it sends credentials, or a signature.
    credentials: bool,
}

impl Attempt {
    /// The requests that the document shows for an operation: one for each example of a body, or the only one.
    pub fn shown_by(operation: &Operation<'_>) -> Vec<(String, Self)> {
        let bare = Self::bare(operation);
        let bodies = &operation.json["requestBody"]["content"]["application/json"]["examples"];
        if bodies.is_null() {
            return vec![(operation.id().to_owned(), bare)];
        }
        let with_body = |(name, example): (&str, &Value)| {
            (format!("{} {name}", operation.id()), Self { body: Some(example["value"].clone()), ..bare.clone() })
        };
        entries(bodies).map(with_body).collect()
    }

    /// The request with that example of a body.
    pub fn of_example(operation: &Operation<'_>, name: &str) -> Self {
        let body = &operation.json["requestBody"]["content"]["application/json"]["examples"][name]["value"];
        assert!(!body.is_null(), "{} has no example {name}", operation.id());
        Self { body: Some(body.clone()), ..Self::bare(operation) }
    }

    /// The only one, or the first.
    pub fn first(operation: &Operation<'_>) -> Self {
        Self::shown_by(operation).into_iter().next().expect("an example").1
    }

    fn bare(operation: &Operation<'_>) -> Self {
        let parameters = || operation.json["parameters"].as_array().into_iter().flatten();
        let of = |place: &str| {
            let here = parameters().filter(|parameter| parameter["in"] == place);
            here.map(|parameter| (plain(&parameter["name"]), plain(&parameter["example"]))).collect()
        };
        Self {
            method: operation.method.to_uppercase().parse().expect("a method"),
            template: operation.path.to_owned(),
            scheme: operation.scheme().map(str::to_owned),
            path: of("path"),
            query: of("query"),
            headers: of("header"),
            body: None,
            text: None,
            media_type: "application/json",
            credentials: true,
        }
    }

    /// With another value of a parameter, wherever the parameter is.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let mut all = self.path.iter_mut().chain(&mut self.query).chain(&mut self.headers);
        let found = all.find(|(known, _)| known == name).unwrap_or_else(|| panic!("no parameter {name}"));
        value.clone_into(&mut found.1);
        self
    }

    /// With another value somewhere in the body.
    pub fn with_body(mut self, pointer: &str, value: Value) -> Self {
        let body = self.body.as_mut().expect("a body");
        *body.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
        self
    }

    /// With another body of JSON.
    pub fn with_whole_body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// With a body of any text and kind.
    pub fn with_text(self, text: &str, media_type: &'static str) -> Self {
        Self { text: Some(text.to_owned()), media_type, ..self }
    }

    /// Without any credentials.
    pub fn without_credentials(self) -> Self {
        Self { credentials: false, ..self }
    }

    /// Its body, if it has one of JSON.
    pub fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// The values in its path, in the order in which the document lists them.
    pub fn path_values(&self) -> impl Iterator<Item = &str> {
        self.path.iter().map(|(_, value)| value.as_str())
    }

    /// Sends something odd in its place, as a caller who may call the operation, and returns the status of the answer, whatever else it is.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn send_odd(&self, server: &TestServer, odd: &Odd) -> reqwest::Result<u16> {
        let caller = match self.scheme.as_deref() {
            Some("CustomerToken") => (*server.customer(CUSTOMER)).clone(),
            Some("AdminKey") => server.admin(),
            _ => server.anyone(),
        };
        let path = self
            .path
            .iter()
            .zip(&odd.path)
            .fold(self.template.clone(), |path, ((name, _), value)| path.replace(&format!("{{{name}}}"), value));
        let mut request = caller.request(self.method.clone(), &format!("{path}{}", odd.query)).header("content-type", odd.media_type);
        if self.scheme.as_deref() == Some("GatewaySignature") {
            let signed = sign_notice(WEBHOOK_SECRET, "msg_odd", &odd.body, OffsetDateTime::now_utc()).expect("a signature");
            request = signed.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        }
        for (name, value) in &odd.headers {
            request = request.header(*name, value.as_bytes());
        }
        let answer = request.body(odd.body.clone()).send().await?;
        let status = answer.status().as_u16();
        answer.bytes().await.map(|_| status)
    }

    /// Sends it as a caller who may call the operation.
    pub async fn send(&self, server: &TestServer) -> Answer {
        let caller = match self.scheme.as_deref().filter(|_| self.credentials) {
            Some("CustomerToken") => return self.send_as(&server.customer(CUSTOMER)).await,
            Some("AdminKey") => server.admin(),
            _ => server.anyone(),
        };
        self.send_as(&caller).await
    }

    /// Sends it as that caller.
    pub async fn send_as(&self, caller: &Caller) -> Answer {
        let path = self.path.iter().fold(self.template.clone(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
        // Our examples contain nothing that needs encoding.
        let query: Vec<_> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = caller.request(self.method.clone(), &format!("{path}?{}", query.join("&")));
        let bytes = self.text.clone().or_else(|| self.body.as_ref().map(Value::to_string));
        let mut headers = self.headers.clone();
        if self.scheme.as_deref() == Some("GatewaySignature") {
            let id = headers.iter().find(|(name, _)| name == "webhook-id").map(|(_, id)| id.clone()).unwrap_or_default();
            headers.retain(|(name, _)| !name.starts_with("webhook-"));
            // Signatures are valid for minutes, and the example's timestamp is in the past.
            let signed = sign_notice(WEBHOOK_SECRET, &id, bytes.clone().unwrap_or_default().as_bytes(), OffsetDateTime::now_utc());
            let signed = signed.expect("a signature").into_iter().filter(|_| self.credentials);
            headers.extend(signed.map(|(name, value)| (name.to_owned(), value)));
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(bytes) = bytes {
            request = request.header("content-type", self.media_type).body(bytes);
        }
        caller.send(request).await
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
