//! Rowlock's client: [`Client`] has a method for each operation, which builds a request; `send` answers the body of the success, or
//! an [`Error`] whose [code](Refused::code) says why the server refused.
//!
//! For `https://` addresses, depend on `reqwest` yourself with the feature for the TLS you like (`rustls` or `native-tls`).

// Not written by hand, so not to be judged by the rules for that.
#[allow(clippy::all, clippy::pedantic, missing_docs, unused_imports, mismatched_lifetime_syntaxes)]
mod client;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};

pub use client::{Client, Error, ResponseValue, builder, types};
pub use types::{Problem, ProblemCode};

/// What an error says when it is a refusal.
pub trait Refused {
    /// Everything the server said about it; `None` if it is no refusal but, for example, a connection that broke.
    fn problem(&self) -> Option<&Problem>;

    /// What went wrong, as a word that never changes.
    fn code(&self) -> Option<ProblemCode> {
        self.problem().map(|problem| problem.code)
    }
}

impl Refused for Error<Problem> {
    fn problem(&self) -> Option<&Problem> {
        match self {
            Self::ErrorResponse(response) => Some(response),
            _ => None,
        }
    }
}

const ANSWER_PATIENCE: Duration = Duration::from_secs(15);

impl Client {
    /// A client for a customer with this bearer token.
    ///
    /// # Errors
    /// When the token cannot stand in a header.
    pub fn for_customer(baseurl: &str, token: &str) -> Result<Self, BadCredential> {
        Self::with_header(baseurl, AUTHORIZATION, &format!("Bearer {token}"))
    }

    /// A client for an admin or a box office with this API key.
    ///
    /// # Errors
    /// When the key cannot stand in a header.
    pub fn for_admin(baseurl: &str, api_key: &str) -> Result<Self, BadCredential> {
        Self::with_header(baseurl, HeaderName::from_static("x-api-key"), api_key)
    }

    fn with_header(baseurl: &str, name: HeaderName, value: &str) -> Result<Self, BadCredential> {
        let mut value = HeaderValue::try_from(value).map_err(BadCredential::Header)?;
        value.set_sensitive(true);
        let headers = HeaderMap::from_iter([(name, value)]);
        let http = reqwest::Client::builder().timeout(ANSWER_PATIENCE).default_headers(headers).build().map_err(BadCredential::Http)?;
        Ok(Self::new_with_client(baseurl, http))
    }
}

/// Why there is no client for a credential.
#[derive(Debug)]
pub enum BadCredential {
    /// It cannot stand in a header.
    Header(InvalidHeaderValue),
    /// The HTTP client cannot be created.
    Http(reqwest::Error),
}

impl std::fmt::Display for BadCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header(_) => f.write_str("the credential cannot stand in a header"),
            Self::Http(error) => write!(f, "the HTTP client cannot be created: {error}"),
        }
    }
}

impl std::error::Error for BadCredential {}
