//! What an order looks like to its customer and to admins.

use poem_openapi::Object;
use serde::Serialize;
use time::macros::datetime;

use crate::domain::{EventLayout, Order, OrderStatus, SeatRef, UnknownSeat};
use crate::http::body::input;
use crate::http::replies::{Answer, answer};
use crate::problem::Problem;
use crate::types::{Amount, CurrencyCode, EventId, Label, OrderId, Price, SeatName, SeatNo, SectionCode, Text, Time, Whole, example};

/// Who claimed which seats, until when, and what became of them.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Order", example, skip_serializing_if_is_none)]
pub(crate) struct OrderOut {
    /// Its id, a UUIDv7.
    pub order_id: OrderId,
    /// The event whose seats it claims.
    pub event_id: EventId,
    /// The buyer; only in answers to admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<Text<1, 200>>,
    /// Its status.
    pub status: OrderStatus,
    /// Its seats, in the order in which they were requested.
    #[oai(validator(min_items = 1, max_items = 100))]
    pub seats: Vec<OrderSeat>,
    /// What it costs, in minor units of the currency.
    pub amount_minor: Amount,
    /// ISO 4217 code.
    pub currency: CurrencyCode,
    /// When the claim succeeded.
    pub created_at: Time,
    /// The deadline for the payment.
    pub expires_at: Time,
}

/// A change to a pending order.
#[derive(Debug, Object)]
#[oai(rename = "OrderChange", deny_unknown_fields, example)]
pub(crate) struct OrderPatch {
    /// The seats to keep, at least one, each once; all other seats are given back.
    #[oai(validator(min_items = 1, max_items = 100))]
    pub seats: Vec<SeatName>,
}
input!(OrderPatch);

impl OrderPatch {
    /// The seats to keep, as numbers. The database says which ones are not part of the order; a section that does not exist becomes
    /// number 0, which is part of no order.
    pub(crate) fn kept(&self, layout: &EventLayout) -> Vec<SeatRef> {
        let section_no = |code: &str| layout.section_by_code(code).map_or(0, |section| section.section_no);
        self.seats.iter().map(|seat| SeatRef { section_no: section_no(&seat.section), seat_no: seat.seat.0 }).collect()
    }
}

example!(OrderPatch { seats: vec![SeatName { section: "A".into(), seat: Whole(14) }] });

/// One seat of an order.
#[derive(Debug, PartialEq, Object, Serialize)]
#[oai(example)]
pub(crate) struct OrderSeat {
    /// Code of its section.
    pub section: SectionCode,
    /// Its number within the section.
    pub seat: SeatNo,
    /// The label of its row.
    pub row: Label,
    /// Its own label: today always its number.
    pub label: Label,
    /// Its price in minor units.
    pub price_minor: Price,
}

/// A page of orders.
#[derive(Debug, Object, Serialize)]
#[oai(example, skip_serializing_if_is_none)]
pub(crate) struct OrderList {
    /// The orders, newest first.
    #[oai(validator(max_items = 100))]
    pub orders: Vec<OrderOut>,
    /// Send it as `after` to read the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<OrderId>,
}

impl Answer for OrderOut {
    const MEANING: &'static str = "The order.";
    const LOCATION: &'static str = "/v1/events/7/orders/01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812";
    const REPLAYS: bool = true;
}

answer!(OrderList = "A page of orders.");

impl OrderOut {
    /// The order for its customer.
    ///
    /// # Errors
    /// When it lists a seat that the event does not have.
    pub(crate) fn new(order: &Order, layout: &EventLayout) -> Result<Self, Problem> {
        Ok(Self {
            order_id: OrderId(order.order_id),
            event_id: EventId(order.event_id),
            customer_id: None,
            status: order.status,
            seats: order.seats.iter().map(|seat| OrderSeat::new(*seat, layout)).collect::<Result<_, _>>()?,
            amount_minor: Whole(order.amount_minor),
            currency: CurrencyCode(layout.currency.clone()),
            created_at: Time(order.created_at),
            expires_at: Time(order.expires_at),
        })
    }

    /// The order for an admin.
    ///
    /// # Errors
    /// When it lists a seat that the event does not have.
    pub(crate) fn for_admin(order: &Order, layout: &EventLayout) -> Result<Self, Problem> {
        Ok(Self { customer_id: Some(order.customer_id.as_str().into()), ..Self::new(order, layout)? })
    }
}

impl OrderSeat {
    fn new(seat: SeatRef, layout: &EventLayout) -> Result<Self, UnknownSeat> {
        let (section, row) = layout.place_of(seat)?;
        Ok(Self {
            section: SectionCode(section.code.clone()),
            seat: Whole(seat.seat_no),
            row: row.into(),
            label: seat.seat_no.to_string().into(),
            price_minor: Whole(section.price_minor),
        })
    }
}

impl OrderList {
    /// A page of at most `limit` orders. `orders` was read with one more, which shows whether there is another page.
    ///
    /// # Errors
    /// When an order cannot be shown.
    pub(crate) fn page(mut orders: Vec<Order>, limit: i32, show: impl Fn(&Order) -> Result<OrderOut, Problem>) -> Result<Self, Problem> {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = orders.len() > limit;
        orders.truncate(limit);
        let next = orders.last().filter(|_| more).map(|order| OrderId(order.order_id));
        Ok(Self { orders: orders.iter().map(show).collect::<Result<_, _>>()?, next })
    }
}

example!(OrderSeat { section: SectionCode("A".into()), seat: Whole(12), row: "1".into(), label: "12".into(), price_minor: Whole(280_000) });

example!(OrderOut {
    order_id: OrderId::example(),
    event_id: EventId(7),
    customer_id: None,
    status: OrderStatus::PendingPayment,
    seats: vec![OrderSeat::example(), OrderSeat { seat: Whole(13), label: "13".into(), ..OrderSeat::example() }],
    amount_minor: Whole(560_000),
    currency: CurrencyCode("TWD".into()),
    created_at: Time(datetime!(2026-09-01 04:00:00.123 UTC)),
    expires_at: Time(datetime!(2026-09-01 04:00:10.123 UTC)),
});

example!(OrderList { orders: vec![OrderOut::example()], next: Some(OrderId::example()) });

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::api::testing::layout;
    use crate::problem::code::Code;

    fn order(n: u128) -> Order {
        Order {
            event_id: 7,
            order_id: Uuid::from_u128(n),
            customer_id: "c".into(),
            status: OrderStatus::Paid,
            seats: vec![SeatRef { section_no: 2, seat_no: 51 }],
            amount_minor: 100,
            created_at: datetime!(2026-09-01 04:00 UTC),
            expires_at: datetime!(2026-09-01 04:01 UTC),
        }
    }

    #[test]
    fn seats_carry_the_names_people_use() {
        let out = OrderOut::new(&order(1), &layout()).unwrap();
        let expected =
            OrderSeat { section: SectionCode("B".into()), seat: Whole(51), row: "2".into(), label: "51".into(), price_minor: Whole(100) };
        assert_eq!(out.seats, [expected]);
        assert_eq!(out.customer_id, None);
        assert_eq!(OrderOut::for_admin(&order(1), &layout()).unwrap().customer_id, Some("c".into()));
    }

    #[test]
    fn a_seat_that_the_event_does_not_have_is_an_internal_error_and_not_free_of_charge() {
        for (section_no, seat_no) in [(0, 1), (3, 1), (2, 0), (2, 61), (-1, 1)] {
            let order = Order { seats: vec![SeatRef { section_no, seat_no }], ..order(1) };
            for shown in [OrderOut::new(&order, &layout()), OrderOut::for_admin(&order, &layout())] {
                let problem = shown.unwrap_err();
                assert_eq!(problem.code(), Code::InternalError);
                let cause = format!("event 7 has no seat {seat_no} in section number {section_no}");
                assert!(format!("{problem:?}").contains(&cause), "{problem:?}");
            }
        }
    }

    #[test]
    fn seats_to_keep_become_numbers_and_an_unknown_section_is_none_of_the_order() {
        let name = |section: &str, seat| SeatName { section: section.into(), seat: Whole(seat) };
        let patch = OrderPatch { seats: vec![name("B", 51), name("Z", 1), name("A", 7)] };
        let seat = |section_no, seat_no| SeatRef { section_no, seat_no };
        assert_eq!(patch.kept(&layout()), [seat(2, 51), seat(0, 1), seat(1, 7)]);
    }

    #[test]
    fn a_page_has_a_next_only_when_there_is_more() {
        let page =
            |count: u128, limit| OrderList::page((1..=count).map(order).collect(), limit, |order| OrderOut::new(order, &layout())).unwrap();
        assert_eq!(page(3, 2).next, Some(OrderId(Uuid::from_u128(2))));
        assert_eq!(page(3, 2).orders.len(), 2);
        assert_eq!(page(2, 2).next, None);
        assert_eq!(page(0, 2).next, None);
    }
}
