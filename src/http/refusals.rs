//! The refusals of an operation, as the documentation lists them: each status once, with its codes in the text.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::{LazyLock, Mutex, PoisonError};

use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type;

use crate::http::content_encoding::ACCEPTED;
use crate::http::replies::header;
use crate::problem::code::Code;
use crate::problem::{CONTENT_TYPE, Problem, ProblemBody};

/// Which codes an operation may answer with, in groups.
pub(crate) trait Refusals: Send + Sync + 'static {
    const CODES: &'static [&'static [Code]];
}

/// What any operation that uses the database may answer. Also where no body is taken, one may be announced, and not arrive.
pub(crate) const EVERY: &[Code] = &[Code::RequestTimeout, Code::TooManyRequests, Code::InternalError, Code::Unavailable];
/// What an operation that changes something with a call of its own may answer.
pub(crate) const CHANGE: &[Code] = &[Code::OutcomeUnknown];
/// What an operation with a body may answer.
pub(crate) const BODY: &[Code] = &[Code::InvalidRequest, Code::BodyTooLarge, Code::UnsupportedMediaType, Code::Overloaded];
/// What a customer's operation may answer.
pub(crate) const CUSTOMER: &[Code] = &[Code::Unauthorized, Code::TokenExpired];
/// What a customer's operation may answer that is not a claim: too many of the customer's requests wait.
pub(crate) const TURN: &[Code] = &[Code::Overloaded];
/// What an admin's operation may answer.
pub(crate) const ADMIN: &[Code] = &[Code::Unauthorized];
/// What an operation on an event may answer: the id may be malformed or unknown, and too many others may be reading.
pub(crate) const EVENT: &[Code] = &[Code::InvalidRequest, Code::EventNotFound, Code::Overloaded];

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $($group:expr),+;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;
            impl $crate::http::refusals::Refusals for $name {
                const CODES: &'static [&'static [$crate::problem::code::Code]] = &[$crate::http::refusals::EVERY, $($group),+];
            }
        )*
    };
}
pub(crate) use refusals;

/// A problem from an operation whose refusals `R` lists.
pub(crate) struct Refusal<R>(Problem, PhantomData<R>);

impl<R, E: Into<Problem>> From<E> for Refusal<R> {
    fn from(error: E) -> Self {
        Self(error.into(), PhantomData)
    }
}

impl<R> From<Refusal<R>> for poem::Error {
    fn from(refusal: Refusal<R>) -> Self {
        refusal.0.into()
    }
}

impl<R: Refusals> ApiResponse for Refusal<R> {
    fn meta() -> MetaResponses {
        let mut by_status: BTreeMap<u16, BTreeSet<Code>> = BTreeMap::new();
        for code in R::CODES.iter().copied().flatten() {
            by_status.entry(code.status().as_u16()).or_default().insert(*code);
        }
        MetaResponses { responses: by_status.into_iter().map(|(status, codes)| response(status, &codes)).collect() }
    }

    fn register(registry: &mut Registry) {
        ProblemBody::register(registry);
    }
}

fn response(status: u16, codes: &BTreeSet<Code>) -> MetaResponse {
    let text: Vec<_> = codes.iter().map(|code| format!("- `{}`: {}", code.as_str(), code.meaning())).collect();
    let mut headers = vec![header::request_id()];
    match status {
        409 if codes.contains(&Code::Cooldown) => {
            headers.push(header::sometimes("Retry-After", "Seconds to wait before trying again, with `cooldown`.", "90"));
        }
        415 => {
            let meaning = "The supported content codings, if an unsupported one was sent.";
            headers.push(header::sometimes("Accept-Encoding", meaning, ACCEPTED));
        }
        401 => {
            let meaning = "How to authenticate, and what is wrong with the credentials that were sent.";
            headers.push(header::up_to(1000, "WWW-Authenticate", meaning, "Bearer".into()));
        }
        429 | 503 => headers.push(header::always("Retry-After", "Seconds to wait before trying again.", 1)),
        _ => {}
    }
    MetaResponse {
        description: interned(text.join("\n")),
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType { content_type: CONTENT_TYPE, schema: ProblemBody::schema_ref() }],
        headers,
    }
}

/// The framework needs `'static` descriptions: each distinct one is leaked once, however often the document is written.
fn interned(text: String) -> &'static str {
    static KEPT: LazyLock<Mutex<BTreeSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(text.as_str()) {
        return known;
    }
    let text: &'static str = text.leak();
    kept.insert(text);
    text
}
