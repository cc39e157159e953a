//! Orders: a customer claims, reads, reduces and cancels them.

pub(crate) mod claim;
mod claim_outcome;
pub(crate) mod types;

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use uuid::Uuid;

use crate::api::orders::claim::{ClaimIn, fingerprint};
use crate::api::orders::claim_outcome::order_of;
use crate::api::orders::types::{OrderList, OrderOut, OrderPatch};
use crate::api::{Tag, layout_of};
use crate::app::SharedApp;
use crate::db::OrderQuery;
use crate::domain::{ClaimOutcome, ClaimRequest, EventLayout, Idempotency, Viewer};
use crate::http::body::JsonBody;
use crate::http::credentials::Customer;
use crate::http::deferred::Deferred;
use crate::http::params::{IdempotencyKey, limit_default};
use crate::http::refusals::{BODY, CHANGE, CUSTOMER, EVENT, Refusal, TURN, refusals};
use crate::http::replies::{Created, OkJson};
use crate::pool_turns::Errand;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::problem::conversions::of_change;
use crate::types::{EventId, OrderId};

/// The operations on a customer's own orders.
pub(crate) struct OrdersApi {
    pub app: SharedApp,
}

refusals! {
    ClaimSeats = CUSTOMER, BODY, EVENT, &[
        Code::SectionNotFound, Code::SeatNotFound, Code::SeatTaken, Code::SoldOut, Code::CustomerLimit, Code::Cooldown, Code::NotOnSale,
        Code::IdempotencyKeyReused, Code::Overloaded, Code::OutcomeUnknown,
    ];
    ListOrders = CUSTOMER, EVENT, TURN;
    GetOrder = CUSTOMER, EVENT, TURN, &[Code::OrderNotFound];
    ChangeOrder = CUSTOMER, BODY, CHANGE, EVENT, TURN, &[Code::OrderNotFound, Code::OrderNotPending];
    CancelOrder = CUSTOMER, CHANGE, EVENT, TURN, &[Code::OrderNotFound, Code::OrderNotPending];
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Orders")]
impl OrdersApi {
    /// Claim seats
    ///
    /// Claims the seats and creates the order that holds them until `expires_at`, in one step: all of them or none. A claim for seats that
    /// are taken is refused at once; it does not wait for them. An order that costs nothing is `paid` at once.
    #[oai(path = "/events/:event_id/orders", method = "post", operation_id = "claimSeats")]
    async fn claim_seats(
        &self,
        customer: Customer,
        /// Id of the event.
        event_id: Path<EventId>,
        /// Makes a retry safe: the same key with the same request returns the order that it created, for as long as that order is kept.
        /// Unique per customer and event.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: IdempotencyKey,
        claim: JsonBody<ClaimIn>,
    ) -> Result<Deferred<Created<OrderOut>>, Refusal<ClaimSeats>> {
        let layout = layout_of(&self.app, event_id.0, Viewer::Public).await?;
        let event_id = event_id.0.0;
        let wanted = claim.0.wanted(&layout)?;
        let idempotency = idempotency_key.0.map(|key| Idempotency { key, fingerprint: fingerprint(&wanted) });
        let request = ClaimRequest { event_id, order_id: Uuid::now_v7(), customer_id: customer.0, idempotency, wanted };
        Ok(Deferred::new(claimed(SharedApp::clone(&self.app), layout, request)))
    }

    /// List my orders
    ///
    /// Lists the orders of the calling customer, newest first, one page at a time.
    #[oai(path = "/events/:event_id/orders", method = "get", operation_id = "listOrders")]
    async fn list_orders(
        &self,
        customer: Customer,
        /// Id of the event.
        event_id: Path<EventId>,
        /// The `next` of the previous page; leave it out for the first page.
        after: Query<Option<OrderId>>,
        /// Maximum number of orders on the page.
        #[oai(default = "limit_default", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
    ) -> Result<OkJson<OrderList>, Refusal<ListOrders>> {
        let layout = layout_of(&self.app, event_id.0, Viewer::Public).await?;
        let event_id = event_id.0.0;
        let (customer_id, after) = (Some(customer.0.as_str()), after.0.map(|order| order.0));
        let query = OrderQuery { event_id, customer_id, status: None, after, limit: limit.0 + 1 };
        let db = self.app.db_in_turn(&customer.0, Errand::Read).await?;
        let orders = db.list_orders(&query).await?;
        Ok(OkJson(OrderList::page(orders, limit.0, |order| OrderOut::new(order, &layout))?))
    }

    /// Read an order
    ///
    /// Another customer's order is answered as if it did not exist.
    #[oai(path = "/events/:event_id/orders/:order_id", method = "get", operation_id = "getOrder")]
    async fn get_order(
        &self,
        customer: Customer,
        /// Id of the event.
        event_id: Path<EventId>,
        /// Id of the order.
        order_id: Path<OrderId>,
    ) -> Result<OkJson<OrderOut>, Refusal<GetOrder>> {
        let layout = layout_of(&self.app, event_id.0, Viewer::Public).await?;
        let db = self.app.db_in_turn(&customer.0, Errand::Read).await?;
        let order = db.get_order(event_id.0.0, order_id.0.0, &customer.0).await?;
        let order = order.ok_or_else(|| Problem::plain(Code::OrderNotFound))?;
        Ok(OkJson(OrderOut::new(&order, &layout)?))
    }

    /// Give back seats of an order
    ///
    /// Keeps the listed seats of a pending order; its other seats are available again at once. `amount_minor` becomes the price of the
    /// seats kept, and `expires_at` stays the same. An order that then costs nothing is `paid`. Listing all of its seats changes nothing.
    /// From then on, a payment of the old amount is a wrong amount.
    #[oai(path = "/events/:event_id/orders/:order_id", method = "patch", operation_id = "changeOrder")]
    async fn change_order(
        &self,
        customer: Customer,
        /// Id of the event.
        event_id: Path<EventId>,
        /// Id of the order.
        order_id: Path<OrderId>,
        patch: JsonBody<OrderPatch>,
    ) -> Result<OkJson<OrderOut>, Refusal<ChangeOrder>> {
        let layout = layout_of(&self.app, event_id.0, Viewer::Public).await?;
        let (event_id, order_id) = (event_id.0.0, order_id.0.0);
        let kept = patch.0.kept(&layout);
        let db = self.app.db_in_turn(&customer.0, Errand::GiveBack).await?;
        let order = db.release_seats(event_id, order_id, &customer.0, &kept).await.map_err(of_change)?;
        Ok(OkJson(OrderOut::new(&order, &layout)?))
    }

    /// Cancel an order
    ///
    /// Cancels a pending order: its seats are available again at once. Cancelling it again returns the cancelled order.
    #[oai(path = "/events/:event_id/orders/:order_id", method = "delete", operation_id = "cancelOrder")]
    async fn cancel_order(
        &self,
        customer: Customer,
        /// Id of the event.
        event_id: Path<EventId>,
        /// Id of the order.
        order_id: Path<OrderId>,
    ) -> Result<OkJson<OrderOut>, Refusal<CancelOrder>> {
        let layout = layout_of(&self.app, event_id.0, Viewer::Public).await?;
        let (event_id, order_id) = (event_id.0.0, order_id.0.0);
        let db = self.app.db_in_turn(&customer.0, Errand::GiveBack).await?;
        let order = db.cancel_order(event_id, order_id, &customer.0).await.map_err(of_change)?;
        Ok(OkJson(OrderOut::new(&order, &layout)?))
    }
}

async fn claimed(app: SharedApp, layout: Arc<EventLayout>, request: ClaimRequest) -> Result<Created<OrderOut>, Problem> {
    let (event_id, order_id) = (request.event_id, request.order_id);
    let outcome = app.lanes.claim(request).await.map_err(|error| {
        let problem = Problem::from(error);
        if problem.code() == Code::OutcomeUnknown { problem.with_order(order_id) } else { problem }
    })?;
    // Only these two details need the event's settings.
    let event = match outcome {
        ClaimOutcome::NotOnSale | ClaimOutcome::CustomerLimit => {
            Box::pin(app.catalogue.event(event_id, Viewer::Public)).await.ok().and_then(|event| event.value)
        }
        _ => None,
    };
    let (order, replayed) = order_of(outcome, &layout, event.as_deref())?;
    let location = format!("/v1/events/{event_id}/orders/{}", order.order_id);
    Ok(Created { body: OrderOut::new(&order, &layout)?, location, replayed })
}
