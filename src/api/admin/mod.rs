//! The box office: what was sold, what is owed, what went wrong, and which seats are blocked.

pub(crate) mod seat_selection;
pub(crate) mod types;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use crate::api::admin::seat_selection::{SeatRanges, SeatSelection, SeatsChanged};
use crate::api::admin::types::{DeadLetterList, RefundDueList, SalesReport};
use crate::api::orders::types::{OrderList, OrderOut};
use crate::api::{Tag, layout_of};
use crate::app::SharedApp;
use crate::db::{DbError, OrderQuery, Rule};
use crate::domain::{EventLayout, OrderStatus, SectionLayout, Viewer};
use crate::http::body::JsonBody;
use crate::http::credentials::Admin;
use crate::http::params::limit_default;
use crate::http::refusals::{ADMIN, BODY, CHANGE, EVENT, Refusal, refusals};
use crate::http::replies::{NoContent, OkJson};
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::problem::conversions::of_change;
use crate::types::{CurrencyCode, EventId, OrderId, SeatName, SectionCode, Whole};

/// The operations of admins and box offices.
pub(crate) struct AdminApi {
    pub app: SharedApp,
}

refusals! {
    ReadEvent = ADMIN, EVENT;
    ListDeadLetters = ADMIN, &[Code::InvalidRequest];
    RedriveDeadLetter = ADMIN, CHANGE, &[Code::InvalidRequest, Code::DeadLetterNotFound];
    BlockSeats = ADMIN, BODY, CHANGE, EVENT, &[Code::SectionNotFound, Code::SeatNotFound, Code::SeatsNotBlockable];
    UnblockSeats = ADMIN, BODY, CHANGE, EVENT, &[Code::SectionNotFound, Code::SeatNotFound, Code::SeatsNotBlockable];
}

#[OpenApi(prefix_path = "/v1/admin", tag = "Tag::Admin")]
impl AdminApi {
    /// Read the sales report
    ///
    /// Returns the current counts and revenue, section by section.
    #[oai(path = "/events/:event_id/sales", method = "get", operation_id = "getSalesReport")]
    async fn get_sales_report(
        &self,
        _admin: Admin,
        /// Id of the event.
        event_id: Path<EventId>,
    ) -> Result<OkJson<SalesReport>, Refusal<ReadEvent>> {
        let layout = layout_of(&self.app, event_id.0, Viewer::Admin).await?;
        let sections = self.app.db.sales_report(event_id.0.0).await?;
        Ok(OkJson(SalesReport {
            event_id: event_id.0,
            currency: CurrencyCode(layout.currency.clone()),
            revenue_minor: Whole(sections.iter().map(|section| section.revenue_minor).sum()),
            sections: sections.into_iter().map(Into::into).collect(),
        }))
    }

    /// List all orders
    ///
    /// Lists the orders of all customers, newest first, one page at a time.
    #[oai(path = "/events/:event_id/orders", method = "get", operation_id = "listAllOrders")]
    async fn list_all_orders(
        &self,
        _admin: Admin,
        /// Id of the event.
        event_id: Path<EventId>,
        /// Only orders with this status.
        status: Query<Option<OrderStatus>>,
        /// The `next` of the previous page; leave it out for the first page.
        after: Query<Option<OrderId>>,
        /// Maximum number of orders on the page.
        #[oai(default = "limit_default", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
    ) -> Result<OkJson<OrderList>, Refusal<ReadEvent>> {
        let layout = layout_of(&self.app, event_id.0, Viewer::Admin).await?;
        let event_id = event_id.0.0;
        let (status, after) = (status.0, after.0.map(|order| order.0));
        let query = OrderQuery { event_id, customer_id: None, status, after, limit: limit.0 + 1 };
        let orders = self.app.db.list_orders(&query).await?;
        Ok(OkJson(OrderList::page(orders, limit.0, |order| OrderOut::for_admin(order, &layout))?))
    }

    /// List refunds due
    ///
    /// Lists payments that could not buy their seats and have not been paid back yet, oldest first.
    #[oai(path = "/events/:event_id/refunds-due", method = "get", operation_id = "listRefundsDue")]
    async fn list_refunds_due(
        &self,
        _admin: Admin,
        /// Id of the event.
        event_id: Path<EventId>,
        /// Maximum number of payments to list.
        #[oai(default = "limit_default", validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<i32>,
    ) -> Result<OkJson<RefundDueList>, Refusal<ReadEvent>> {
        layout_of(&self.app, event_id.0, Viewer::Admin).await?;
        let refunds = self.app.db.refunds_due(event_id.0.0, limit.0).await?;
        Ok(OkJson(RefundDueList { refunds: refunds.into_iter().map(Into::into).collect() }))
    }

    /// List dead letters
    ///
    /// Lists expiries that failed even after their retries; their orders still hold their seats.
    #[oai(path = "/dead-letters", method = "get", operation_id = "listDeadLetters")]
    async fn list_dead_letters(
        &self,
        _admin: Admin,
        /// Only dead letters of this event.
        #[oai(validator(minimum(value = "1")))]
        event_id: Query<Option<i64>>,
        /// Maximum number of dead letters to list.
        #[oai(default = "limit_default", validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<i32>,
    ) -> Result<OkJson<DeadLetterList>, Refusal<ListDeadLetters>> {
        let dead_letters = self.app.db.list_dead_letters(event_id.0, limit.0).await?;
        Ok(OkJson(DeadLetterList { dead_letters: dead_letters.into_iter().map(Into::into).collect() }))
    }

    /// Redrive a dead letter
    ///
    /// Gives the expiry a new set of attempts, the first of them at once.
    #[oai(path = "/dead-letters/:event_id/:order_id/redrive", method = "post", operation_id = "redriveDeadLetter")]
    async fn redrive_dead_letter(
        &self,
        admin: Admin,
        /// Id of the event.
        event_id: Path<EventId>,
        /// Id of the order.
        order_id: Path<OrderId>,
    ) -> Result<NoContent, Refusal<RedriveDeadLetter>> {
        self.app.db.for_key(&admin.0).redrive_dead_letter(event_id.0.0, order_id.0.0).await.map_err(of_change)?;
        tracing::info!(event_id = event_id.0.0, order_id = %order_id.0.0, api_key_id = admin.0.api_key_id, "dead letter redriven");
        Ok(NoContent)
    }

    /// Block seats
    ///
    /// Takes available seats off sale, all of them or none.
    #[oai(path = "/events/:event_id/sections/:section/block", method = "post", operation_id = "blockSeats")]
    async fn block_seats(
        &self,
        admin: Admin,
        /// Id of the event.
        event_id: Path<EventId>,
        /// Code of the section.
        section: Path<SectionCode>,
        selection: JsonBody<SeatSelection>,
    ) -> Result<OkJson<SeatsChanged>, Refusal<BlockSeats>> {
        let layout = layout_of(&self.app, event_id.0, Viewer::Admin).await?;
        let (section, ranges) = seats_of(&layout, &section.0, &selection.0)?;
        let changed = self.app.db.for_key(&admin.0).block_seats(event_id.0.0, section.section_no, &ranges).await;
        let changed = changed.map_err(|error| name_seats(error, section))?;
        tracing::info!(event_id = event_id.0.0, section = section.code, changed, api_key_id = admin.0.api_key_id, "seats blocked");
        Ok(OkJson(SeatsChanged { changed: Whole(changed) }))
    }

    /// Unblock seats
    ///
    /// Puts blocked seats on sale again, all of them or none; seats that are already on sale are left alone.
    #[oai(path = "/events/:event_id/sections/:section/unblock", method = "post", operation_id = "unblockSeats")]
    async fn unblock_seats(
        &self,
        admin: Admin,
        /// Id of the event.
        event_id: Path<EventId>,
        /// Code of the section.
        section: Path<SectionCode>,
        selection: JsonBody<SeatSelection>,
    ) -> Result<OkJson<SeatsChanged>, Refusal<UnblockSeats>> {
        let layout = layout_of(&self.app, event_id.0, Viewer::Admin).await?;
        let (section, ranges) = seats_of(&layout, &section.0, &selection.0)?;
        let changed = self.app.db.for_key(&admin.0).unblock_seats(event_id.0.0, section.section_no, &ranges).await;
        let changed = changed.map_err(|error| name_seats(error, section))?;
        tracing::info!(event_id = event_id.0.0, section = section.code, changed, api_key_id = admin.0.api_key_id, "seats unblocked");
        Ok(OkJson(SeatsChanged { changed: Whole(changed) }))
    }
}

/// The section and the ranges of seats that a request selects.
fn seats_of<'a>(
    layout: &'a EventLayout,
    code: &SectionCode,
    selection: &SeatSelection,
) -> Result<(&'a SectionLayout, SeatRanges), Problem> {
    let unknown = || Problem::new(Code::SectionNotFound, "the event has no section with this code");
    let section = layout.section_by_code(&code.0).ok_or_else(unknown)?;
    Ok((section, selection.merged(section)?))
}

/// Lists the seats concerned, which the database returns as a JSON array of numbers.
fn name_seats(error: DbError, section: &SectionLayout) -> Problem {
    let DbError::Rule { rule: rule @ (Rule::SeatsNotBlockable | Rule::SeatNotFound), detail, .. } = &error else { return of_change(error) };
    let detail = detail.as_deref().unwrap_or("nothing");
    let Ok(seat_nos) = serde_json::from_str::<Vec<i32>>(detail) else {
        return Problem::internal(format!("{} lists no seats but says: {detail}", rule.sqlstate()));
    };
    let seats = seat_nos.into_iter().map(|seat| SeatName { section: section.code.clone(), seat: Whole(seat) }).collect();
    Problem::from(error).with_seats(seats)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::layout;

    #[test]
    fn seats_that_cannot_be_blocked_are_named() {
        let error = DbError::Rule { rule: Rule::SeatsNotBlockable, message: "m".into(), detail: Some("[3, 5]".into()) };
        let problem = name_seats(error, &layout().sections[0]);
        assert_eq!(problem.code(), Code::SeatsNotBlockable);
        assert!(format!("{problem:?}").contains("seat: Whole(5)"));
    }

    #[test]
    fn a_list_of_seats_that_cannot_be_read_is_a_fault_and_no_empty_list() {
        for detail in [None, Some("A 3, 5".to_owned()), Some("{}".to_owned())] {
            let error = DbError::Rule { rule: Rule::SeatsNotBlockable, message: "m".into(), detail };
            assert_eq!(name_seats(error, &layout().sections[0]).code(), Code::InternalError);
        }
    }
}
