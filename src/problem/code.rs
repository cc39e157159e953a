//! The table of everything the API refuses: code, status, title, meaning, and what to do about it. Clients branch on the code, which
//! never changes.

use poem::http::StatusCode;
use poem_openapi::Enum;
use serde::Serialize;

macro_rules! codes {
    ($($name:ident $status:literal $code:literal $title:literal $meaning:literal $retry:ident $advice:literal $buyer:literal;)*) => {
        /// What went wrong, as a word that never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enum, Serialize)]
        #[oai(rename = "ProblemCode", rename_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// Every code, by status.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn row(self) -> Row {
                match self {
                    $(Self::$name => Row {
                        status: $status, code: $code, title: $title, meaning: $meaning, retry: Retry::$retry, advice: $advice, buyer: $buyer,
                    },)*
                }
            }
        }
    };
}

struct Row {
    status: u16,
    code: &'static str,
    title: &'static str,
    meaning: &'static str,
    retry: Retry,
    advice: &'static str,
    buyer: &'static str,
}

/// Whether the request is worth repeating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The answer stays the same.
    Never,
    /// A different request may succeed.
    Changed,
    /// The same request may succeed later.
    Later,
}

impl Retry {
    /// In a few words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "do not retry",
            Self::Changed => "change and retry",
            Self::Later => "retry later",
        }
    }
}

// Each code: status, name, title, meaning; then whether to retry, what a client does, what it shows the buyer ("": nothing).
codes! {
    InvalidRequest 400 "invalid_request" "Invalid request"
        "The request is malformed, or a value has the wrong type or is out of range; `field` names it."
        Changed "Correct the value that `field` names; the detail says what it must be. Unless a person typed the value, the client has a bug: log it with the `request_id`."
        "Please check what you have entered.";
    Unauthorized 401 "unauthorized" "Unauthorized"
        "The token or the API key is missing, malformed, forged, revoked or not meant for this server; the detail says which."
        Changed "Follow the detail: it names the credentials that the operation takes, and says what is wrong with those that were sent."
        "Please sign in.";
    TokenExpired 401 "token_expired" "Token expired" "The bearer token has expired: get a new one."
        Changed "Get a new token from the identity provider and send the same request with it; send a claim with the same `Idempotency-Key`."
        "Please sign in again.";
    InvalidSignature 401 "invalid_signature" "Invalid signature"
        "The signature of the notice is missing or wrong, or its timestamp is too far from the current time; the detail says which."
        Changed "Sign exactly the bytes that you send, with the shared secret, at the time of sending. If you already do, check the clocks."
        "";
    EventNotFound 404 "event_not_found" "Event not found" "There is no such event."
        Never "Get the id from `GET /v1/events`." "This event does not exist.";
    SectionNotFound 404 "section_not_found" "Section not found" "The event has no such section."
        Changed "Read the sections of the event and choose one of them." "This section does not exist.";
    SeatNotFound 404 "seat_not_found" "Seat not found" "The section has no such seat; `seats` lists the seats concerned."
        Changed "Read the seats of the section and choose among them; they are numbered from 1." "This seat does not exist.";
    OrderNotFound 404 "order_not_found" "Order not found" "There is no such order, or it belongs to another customer."
        Never "Check the `order_id`, the `event_id` and whose token was sent; `GET …/orders` lists a customer's orders."
        "We cannot find this order in your account.";
    DeadLetterNotFound 404 "dead_letter_not_found" "Dead letter not found" "There is no such dead letter."
        Never "List the dead letters again: this one was redriven, or its order is no longer pending." "";
    NotFound 404 "not_found" "Not found" "There is nothing at this path."
        Never "Get the path from `/openapi.json`." "";
    MethodNotAllowed 405 "method_not_allowed" "Method not allowed" "The path does not support this method; `Allow` lists the methods it supports."
        Changed "Use one of the methods in `Allow`." "";
    RequestTimeout 408 "request_timeout" "Request timeout" "The head or the body of the request did not arrive in time. Nothing was done."
        Later "Send the same request again on a new connection, without pauses."
        "Your connection is slow. We are still trying.";
    SeatTaken 409 "seat_taken" "Seat taken"
        "Some of these seats are held, sold or blocked; `taken` lists them. Nothing was claimed."
        Changed "Show the seats in `taken` as unavailable and let the buyer choose others, or claim `best_available`; use a new `Idempotency-Key`."
        "Somebody else was faster. Please choose other seats.";
    SoldOut 409 "sold_out" "Sold out" "The section has fewer available seats than requested. Nothing was claimed."
        Changed "Ask for fewer seats or try another section. Seats of unpaid orders go back on sale: check the sections again from time to time."
        "There are not enough seats left in this section. Please try another one.";
    CustomerLimit 409 "customer_limit" "Customer limit"
        "The customer would have more seats, held and bought together, than the event allows. Nothing was claimed."
        Changed "Ask for fewer seats, or cancel a pending order first; the event's `seats_per_customer` is the limit."
        "You have reached the limit of seats per person.";
    Cooldown 409 "cooldown" "Cooldown"
        "The customer has let too many orders for this event end unpaid. Nothing was claimed: try again after `Retry-After` seconds."
        Later "Tell the buyer how long to wait, and send the claim again after `Retry-After` seconds. Paying for a pending order ends the cooldown at once."
        "Several of your orders were not paid. Please try again in a few minutes.";
    NotOnSale 409 "not_on_sale" "Not on sale" "The event is not on sale at the moment; the detail says why."
        Later "Wait for `on_sale_at`, or until `GET /v1/events/{event_id}` says `open`; poll at most every few seconds. After `off_sale_at` the sale has ended."
        "These seats are not on sale at the moment.";
    OrderNotPending 409 "order_not_pending" "Order not pending" "The order is no longer waiting for payment; the detail says what became of it."
        Never "Read the order: its `status` says what became of it." "This order can no longer be changed.";
    EventConflict 409 "event_conflict" "Event conflict" "The event cannot change from its status to the requested one, or it is not a draft and cannot be deleted; the detail says which."
        Never "Read the event: no event returns to `draft`, and `closed` is final." "";
    SeatsNotBlockable 409 "seats_not_blockable" "Seats not blockable"
        "Some of the seats are held or sold; `seats` lists them, or the first 1,000. Nothing was changed."
        Changed "Leave out the seats in `seats`; those that are held may become available again." "";
    PaymentConflict 409 "payment_conflict" "Payment conflict"
        "This provider reference was used before for another order, amount or currency. Nothing was changed."
        Never "The first notice stands. Two different payments need two references: have a person compare both with the gateway's books." "";
    EventDeleted 410 "event_deleted" "Event deleted" "The event that this request's idempotency key created was deleted. No other event was created."
        Changed "Use a new key for a new event." "";
    BodyTooLarge 413 "body_too_large" "Body too large" "The body is larger than this operation accepts."
        Changed "Send less; the detail says how many bytes are allowed." "";
    UriTooLong 414 "uri_too_long" "URI too long" "The path and the query of the request are too long."
        Changed "Send a shorter query; no operation needs one that long." "";
    UnsupportedMediaType 415 "unsupported_media_type" "Unsupported media type"
        "The body must be `application/json` in UTF-8, uncompressed or compressed with `gzip`, `deflate`, `br` or `zstd`; the detail says whether the media type or the coding is wrong."
        Changed "Send `Content-Type: application/json` once, with no parameter but `charset=utf-8`; send one of these as `Content-Encoding`, or leave that header out." "";
    IdempotencyKeyReused 422 "idempotency_key_reused" "Idempotency key reused" "This idempotency key was used before with a different request."
        Changed "Use a new key for each new request, and an old one only to repeat exactly the same request. `GET …/orders` shows what a claim created."
        "";
    TooManyRequests 429 "too_many_requests" "Too many requests" "You are sending more requests than a limit allows; the detail says whose: this customer's or this address's. Nothing was done."
        Later "Wait as long as `Retry-After` says, and send fewer requests after that. If you have several users behind one address, ask the operators to allow it more."
        "You are going too fast. Please wait a moment.";
    HeadTooLarge 431 "head_too_large" "Head too large" "The head of the request has more than 16 KB or more than 100 headers."
        Changed "Send fewer or smaller headers; a token should have a few hundred bytes." "";
    InternalError 500 "internal_error" "Internal error" "The server failed; its log has the cause under the request id."
        Later "Report the `request_id` to the operators. Repeat the request a few times at growing intervals; repeat a claim only with its `Idempotency-Key`."
        "Something went wrong on our side. Please try again later.";
    UnsupportedTransferCoding 501 "unsupported_transfer_coding" "Unsupported transfer coding"
        "The `Transfer-Encoding` of the request is not `chunked`. Nothing was done."
        Changed "Send the body with a `Content-Length`, or with `Transfer-Encoding: chunked`; compress it with `Content-Encoding`." "";
    Overloaded 503 "overloaded" "Overloaded"
        "Too many requests, or too many of your own, are already waiting, too many connections are open, or the claim or the payment waited too long for a lock. Nothing was done: try again after `Retry-After` seconds."
        Later "Send the same request again after `Retry-After` seconds plus a random fraction of a second."
        "Many people are buying right now. We are still trying.";
    Unavailable 503 "unavailable" "Unavailable" "The database cannot be reached, or the request waited too long for a lock. Nothing was done: try again after `Retry-After` seconds."
        Later "Send the same request again after `Retry-After` seconds, at growing intervals."
        "The service is briefly unavailable. We are still trying.";
    OutcomeUnknown 503 "outcome_unknown" "Outcome unknown"
        "The connection to the database was lost before it was known whether the request had been carried out. Send a claim or a new event again with its `Idempotency-Key`; otherwise first check the order `order_id`, or the events."
        Later "A payment notice, and a claim or a new event with its `Idempotency-Key`, can safely be sent again: the answer says what became of them."
        "We are checking whether your order was placed. Please do not order again yet.";
}

impl Code {
    /// Its HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Its name in the body.
    pub fn as_str(self) -> &'static str {
        self.row().code
    }

    /// A short text for people, the same for every occurrence.
    pub(crate) fn title(self) -> &'static str {
        self.row().title
    }

    /// What it means, for the documentation.
    pub fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// Whether the request is worth repeating.
    pub fn retry(self) -> Retry {
        self.row().retry
    }

    /// What a client does about it, for the documentation.
    pub fn advice(self) -> &'static str {
        self.row().advice
    }

    /// What a client may show the buyer; `None` for problems that no buyer causes.
    pub fn for_buyers(self) -> Option<&'static str> {
        Some(self.row().buyer).filter(|text| !text.is_empty())
    }

    /// The code with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

#[cfg(test)]
mod tests;
