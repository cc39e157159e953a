//! Reading orders, cancelling one, and giving back some of its seats.

use tokio_postgres::Row;
use uuid::Uuid;

use super::{Db, DbError, Rule};
use crate::domain::{Order, OrderStatus, SeatRef};

/// What every query for orders selects of them.
macro_rules! select_orders {
    ($rest:literal) => {
        concat!("select event_id, order_id, customer_id, status, section_nos, seat_nos, amount_minor, created_at, expires_at", $rest)
    };
}

/// Which orders of an event to list, and how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderQuery<'a> {
    /// The event.
    pub event_id: i64,
    /// Only orders of this customer.
    pub customer_id: Option<&'a str>,
    /// Only orders with this status.
    pub status: Option<OrderStatus>,
    /// The order after which the page begins; `None` for the first page.
    pub after: Option<Uuid>,
    /// The maximum number of orders.
    pub limit: i32,
}

impl Db {
    /// One order, if it is this customer's.
    pub(crate) async fn get_order(&self, event_id: i64, order_id: Uuid, customer_id: &str) -> Result<Option<Order>, DbError> {
        let rows = self.query(select_orders!(" from rowlock.get_order($1, $2, $3)"), &[&event_id, &order_id, &customer_id]).await?;
        rows.first().map(order).transpose()
    }

    /// A page of orders, newest first.
    pub(crate) async fn list_orders(&self, query: &OrderQuery<'_>) -> Result<Vec<Order>, DbError> {
        let OrderQuery { event_id, customer_id, status, after, limit } = query;
        let sql = select_orders!(
            " from rowlock.list_orders(p_event_id => $1, p_customer_id => $2, p_status => $3, p_after_order_id => $4, p_limit => $5)"
        );
        let status = status.map(OrderStatus::as_str);
        let rows = self.query(sql, &[event_id, customer_id, &status, after, limit]).await?;
        rows.iter().map(order).collect()
    }

    /// Cancels a pending order and puts its seats back on sale; an order that is already cancelled is returned as it is.
    ///
    /// # Errors
    /// `order_not_found` when it is not this customer's; `order_not_pending` when it is no longer pending.
    pub(crate) async fn cancel_order(&self, event_id: i64, order_id: Uuid, customer_id: &str) -> Result<Order, DbError> {
        let sql = select_orders!(", refusal, detail from rowlock.cancel_order($1, $2, $3)");
        changed(&self.query_one(sql, &[&event_id, &order_id, &customer_id]).await?)
    }

    /// Gives back the seats of a pending order that are not among those to keep; an order that then costs nothing is paid.
    ///
    /// # Errors
    /// `order_not_found` when it is not this customer's; `order_not_pending`; `invalid_request` naming the seat as `seats[1]`.
    pub(crate) async fn release_seats(&self, event_id: i64, order_id: Uuid, customer_id: &str, kept: &[SeatRef]) -> Result<Order, DbError> {
        let sql = select_orders!(
            ", refusal, detail from rowlock.release_seats( \
            p_event_id => $1, p_order_id => $2, p_customer_id => $3, p_kept_section_nos => $4, p_kept_seat_nos => $5)"
        );
        let (section_nos, seat_nos) = numbers(kept);
        changed(&self.query_one(sql, &[&event_id, &order_id, &customer_id, &section_nos, &seat_nos]).await?)
    }
}

/// Seats as the database expects them: two parallel lists of numbers.
fn numbers(seats: &[SeatRef]) -> (Vec<i32>, Vec<i32>) {
    seats.iter().map(|seat| (seat.section_no, seat.seat_no)).unzip()
}

/// The order after a change, or the rule that forbids it.
fn changed(row: &Row) -> Result<Order, DbError> {
    let Some(refusal) = row.get::<_, Option<&str>>("refusal") else { return order(row) };
    let rule = Rule::of_code(refusal).ok_or_else(|| DbError::Internal(format!("unknown refusal {refusal}")))?;
    Err(DbError::Rule { rule, message: refusal.to_owned(), detail: row.get("detail") })
}

fn order(row: &Row) -> Result<Order, DbError> {
    let status: &str = row.get("status");
    Ok(Order {
        event_id: row.get("event_id"),
        order_id: row.get("order_id"),
        customer_id: row.get("customer_id"),
        status: OrderStatus::from_name(status).ok_or_else(|| DbError::Internal(format!("unknown order status {status}")))?,
        seats: seats(row, "section_nos", "seat_nos").map_err(DbError::Internal)?,
        amount_minor: row.get("amount_minor"),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
    })
}

/// Two parallel integer arrays as seats.
pub(super) fn seats(row: &Row, section_nos: &str, seat_nos: &str) -> Result<Vec<SeatRef>, String> {
    in_parallel(row.get(section_nos), row.get(seat_nos))
        .ok_or_else(|| format!("{section_nos} and {seat_nos} differ in length or are missing"))
}

/// The seats, unless a list is missing or the lists differ in length.
fn in_parallel(section_nos: Option<Vec<i32>>, seat_nos: Option<Vec<i32>>) -> Option<Vec<SeatRef>> {
    let (section_nos, seat_nos) = (section_nos?, seat_nos?);
    let seat = |(section_no, seat_no)| SeatRef { section_no, seat_no };
    (section_nos.len() == seat_nos.len()).then(|| section_nos.into_iter().zip(seat_nos).map(seat).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_are_not_parallel_are_no_seats() {
        assert_eq!(in_parallel(Some(vec![1]), Some(vec![2])), Some(vec![SeatRef { section_no: 1, seat_no: 2 }]));
        for (section_nos, seat_nos) in [(Some(vec![1]), Some(vec![2, 3])), (None, Some(vec![2])), (Some(vec![1]), None)] {
            assert_eq!(in_parallel(section_nos, seat_nos), None);
        }
    }
}
