//! The table of everything the API refuses: code, status, title and meaning. Clients branch on the code; it never changes.

use poem::http::StatusCode;
use poem_openapi::Enum;
use serde::Serialize;

macro_rules! codes {
    ($($name:ident $status:literal $code:literal $title:literal $meaning:literal;)*) => {
        /// What went wrong, as a stable word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enum, Serialize)]
        #[oai(rename = "ProblemCode", rename_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// Every code, by status.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn row(self) -> (u16, &'static str, &'static str, &'static str) {
                match self {
                    $(Self::$name => ($status, $code, $title, $meaning),)*
                }
            }
        }
    };
}

codes! {
    InvalidRequest 400 "invalid_request" "Invalid request"
        "The request is malformed, or a value has the wrong type or is out of bounds; `field` names it.";
    Unauthorized 401 "unauthorized" "Unauthorized" "The token or the API key is missing, malformed, forged or revoked.";
    TokenExpired 401 "token_expired" "Token expired" "The bearer token has expired: get a new one.";
    InvalidSignature 401 "invalid_signature" "Invalid signature"
        "The signature of the notice is missing or wrong, or its timestamp is too far from now.";
    EventNotFound 404 "event_not_found" "Event not found" "There is no such event.";
    SectionNotFound 404 "section_not_found" "Section not found" "The event has no such section.";
    SeatNotFound 404 "seat_not_found" "Seat not found" "The section has no such seat; `seats` names them.";
    OrderNotFound 404 "order_not_found" "Order not found" "There is no such order, or it is somebody else's.";
    DeadLetterNotFound 404 "dead_letter_not_found" "Dead letter not found" "There is no such dead letter.";
    NotFound 404 "not_found" "Not found" "Nothing lives at this path.";
    MethodNotAllowed 405 "method_not_allowed" "Method not allowed" "The path does not have this method; `Allow` lists those it has.";
    SeatTaken 409 "seat_taken" "Seat taken"
        "Somebody else has some of these seats, or they are not for sale; `taken` names them. Nothing was claimed.";
    SoldOut 409 "sold_out" "Sold out" "The section has fewer available seats than asked for. Nothing was claimed.";
    CustomerLimit 409 "customer_limit" "Customer limit"
        "The customer would hold and own more seats than the event allows one customer. Nothing was claimed.";
    NotOnSale 409 "not_on_sale" "Not on sale" "The event sells nothing at the moment; the detail says why.";
    OrderNotPending 409 "order_not_pending" "Order not pending" "The order is not waiting for its payment any more.";
    EventConflict 409 "event_conflict" "Event conflict" "The event cannot go from its status to the one asked for.";
    SeatsNotBlockable 409 "seats_not_blockable" "Seats not blockable"
        "Some of the seats are held or sold; `seats` names them. Nothing was changed.";
    PaymentConflict 409 "payment_conflict" "Payment conflict"
        "This provider reference came before with another order, amount, currency or status. Nothing was changed.";
    BodyTooLarge 413 "body_too_large" "Body too large" "The body is longer than this operation takes.";
    UnsupportedMediaType 415 "unsupported_media_type" "Unsupported media type" "The body must be sent as `application/json`.";
    IdempotencyKeyReused 422 "idempotency_key_reused" "Idempotency key reused" "This idempotency key came before with another request.";
    InternalError 500 "internal_error" "Internal error" "A fault of the server; its log has the cause under the request id.";
    Overloaded 503 "overloaded" "Overloaded" "Too many requests wait already. Nothing was done: ask again after `Retry-After` seconds.";
    Unavailable 503 "unavailable" "Unavailable" "The database cannot be reached. Nothing was done: ask again after `Retry-After` seconds.";
    OutcomeUnknown 503 "outcome_unknown" "Outcome unknown"
        "The database was lost before it could say whether the request was carried out: send it again, a claim with its `Idempotency-Key` or after a look at the order `order_id`, a new event after a look at the list.";
}

impl Code {
    /// Its HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Its name in the body.
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// A few words for people; the same for every occurrence.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// What it means, for the documentation.
    pub fn meaning(self) -> &'static str {
        self.row().3
    }

    /// The code of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use super::*;
    use crate::db::Rule;

    #[test]
    fn codes_are_distinct_and_sorted_by_status() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert!(Code::ALL.is_sorted_by_key(|code| code.status()));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn a_code_is_documented_and_written_under_its_own_name() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert_eq!(code.to_json().unwrap(), code.as_str());
        }
    }

    #[test]
    fn every_rule_of_the_database_has_its_code_with_the_same_status() {
        for rule in Rule::ALL.into_iter().filter(|rule| *rule != Rule::ApiKeyNotFound) {
            let code = Code::from_name(rule.code()).unwrap_or_else(|| panic!("no code {}", rule.code()));
            assert_eq!(code.status().as_u16(), rule.http_status(), "{}", rule.code());
        }
    }
}
