//! Routes for benchmarks: what a request costs without lane and database, and what a read costs without its caches. `serve` has them only
//! behind a hidden flag, and no document lists them.

use poem::Request;
use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::api::layout_of;
use crate::api::orders::claim::ClaimIn;
use crate::api::orders::types::{OrderOut, OrderSeat};
use crate::api::sections::SectionList;
use crate::app::SharedApp;
use crate::domain::{OrderStatus, Viewer};
use crate::http::body::JsonBody;
use crate::http::credentials::Customer;
use crate::http::refusals::{BODY, CUSTOMER, EVENT, Refusal, refusals};
use crate::http::replies::{CachedJson, Created, OkJson, answer};
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::types::{CurrencyCode, EventId, OrderId, SectionCode, Time, Whole};

/// The measuring operations.
pub(crate) struct BenchApi {
    pub app: SharedApp,
}

refusals! {
    NoOp = BODY;
    CustomerNoOp = CUSTOMER, BODY;
    NoOpRead = &[];
    UncachedSections = EVENT;
}

#[OpenApi(prefix_path = "/bench")]
impl BenchApi {
    /// Reads and checks a claim as usual, and answers with an order that does not exist.
    #[oai(path = "/no-op", method = "post")]
    async fn no_op(&self, claim: JsonBody<ClaimIn>) -> Result<Created<OrderOut>, Refusal<NoOp>> {
        Ok(order_of_nobody(claim.0))
    }

    /// The same, for a customer whose token is verified.
    #[oai(path = "/customer-no-op", method = "post")]
    async fn customer_no_op(&self, _customer: Customer, claim: JsonBody<ClaimIn>) -> Result<Created<OrderOut>, Refusal<CustomerNoOp>> {
        Ok(order_of_nobody(claim.0))
    }

    /// Answers with a body as large as the summary of ten sections.
    #[oai(path = "/no-op", method = "get")]
    async fn no_op_read(&self) -> Result<OkJson<NoOpList>, Refusal<NoOpRead>> {
        Ok(OkJson(NoOpList { event_id: 7, revision: 4711, sections: vec![NoOpSection::FIXED; 10] }))
    }

    /// Reads the summary of an event from PostgreSQL, past its caches.
    #[oai(path = "/events/:event_id/sections", method = "get", operation_id = "benchSections")]
    async fn uncached_sections(
        &self,
        request: &Request,
        event_id: Path<EventId>,
    ) -> Result<CachedJson<SectionList>, Refusal<UncachedSections>> {
        let layout = layout_of(&self.app, event_id.0, Viewer::Public).await?;
        let body = self.app.summaries.uncached(&layout).await?.ok_or_else(|| Problem::plain(Code::EventNotFound))?;
        Ok(CachedJson::new(&body, request.headers()).await)
    }
}

/// The answer to a successful claim of these seats.
fn order_of_nobody(claim: ClaimIn) -> Created<OrderOut> {
    let (order_id, now) = (Uuid::now_v7(), OffsetDateTime::now_utc());
    let seats = claim.seats.unwrap_or_default().into_iter().map(|name| OrderSeat {
        section: SectionCode(name.section),
        seat: name.seat,
        row: "1".into(),
        label: name.seat.0.to_string().into(),
        price_minor: Whole(280_000),
    });
    let body = OrderOut {
        order_id: OrderId(order_id),
        event_id: EventId(7),
        customer_id: None,
        status: OrderStatus::PendingPayment,
        seats: seats.collect(),
        amount_minor: Whole(280_000),
        currency: CurrencyCode("TWD".to_owned()),
        created_at: Time(now),
        expires_at: Time(now),
    };
    Created { body, location: format!("/v1/events/7/orders/{order_id}"), replayed: false }
}

/// As large as the summary of ten sections, in numbers: there is no text to copy.
#[derive(Object, Serialize)]
struct NoOpList {
    event_id: i64,
    revision: i64,
    sections: Vec<NoOpSection>,
}

#[derive(Clone, Object, Serialize)]
struct NoOpSection {
    section_no: i32,
    price_minor: i64,
    capacity: i32,
    available: i32,
    held: i32,
    sold: i32,
    blocked: i32,
}

impl NoOpSection {
    const FIXED: Self = Self { section_no: 1, price_minor: 280_000, capacity: 1000, available: 388, held: 12, sold: 600, blocked: 0 };
}

answer!(NoOpList = "As much as a summary.");
