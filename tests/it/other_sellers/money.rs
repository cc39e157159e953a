//! Bugs with money: paid and not served, or served twice.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{id, one_session};
use crate::harness::{PATIENCE, eventually, rivals};
use crate::stored::make_due;

#[tokio::test(flavor = "multi_thread")]
async fn paid_then_auto_refunded_as_expired() {
    let (server, event, session) = one_session(2).await;
    let ann = server.customer("ann");
    let order = ann.claim_seats(&event, &[("A", 1)]).await.expect(201);
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
    make_due(&server, id(&order)).await;
    let before = server.trace().await;
    assert_eq!(session.expire(id(&order)).await, "not_pending");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.overdue_orders(0, 100)").await, 0);
    assert_eq!(server.trace().await, before);
    assert_eq!(ann.order(&order).await.expect(200)["status"], "paid");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_sweeper_and_payment_notice_freed_the_same_seats_twice() {
    const ORDERS: usize = 30;
    let (server, event, session) = one_session(30).await;
    let (ann, bob) = (server.customer("ann"), server.customer("bob"));
    let mut orders = Vec::new();
    for seat in 1..=30 {
        orders.push(ann.claim_seats(&event, &[("A", seat)]).await.expect(201));
        make_due(&server, id(orders.last().unwrap())).await;
    }
    let session = std::sync::Arc::new(session);
    // Two release the seats while a wrong amount is paid, and the next buyer takes each as soon as it is free.
    let answers = rivals(4 * ORDERS, |index| {
        let (order, ann, bob) = (orders[index / 4].clone(), ann.clone(), bob.clone());
        let (gateway, session) = (server.gateway(), session.clone());
        async move {
            match index % 4 {
                0 => drop(ann.cancel(&order).await),
                1 => drop(session.expire(id(&order)).await),
                2 => {
                    let mut notice = gateway.notice(&order);
                    notice["amount_minor"] = 1.into();
                    assert_eq!(gateway.notify(notice).await.expect(200)["outcome"], "refund_due");
                }
                _ => {
                    let seat = json!({"seats": [{"section": "A", "seat": order["seats"][0]["seat"]}]});
                    eventually(PATIENCE, || async { bob.claim(&event, seat.clone()).await.status == 201 }).await;
                }
            }
        }
    });
    answers.await;
    assert_eq!(session.seats(1).await, "h".repeat(30), "the next buyer keeps every seat");
    assert_eq!(server.ask::<String>("select (available, held)::text from rowlock.sections").await, "(0,30)");
    let owed = "select count(distinct order_id) from admin.refunds_due where order_status in ('expired', 'cancelled', 'refund_due')";
    assert_eq!(server.ask::<i64>(owed).await, 30);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swallowed_error_in_the_payment_path_paid_but_no_ticket() {
    let (server, event, _) = one_session(2).await;
    let ann = server.customer("ann");
    let order = ann.claim_seats(&event, &[("A", 1)]).await.expect(201);
    let fail = "create function rowlock.fail() returns trigger language plpgsql as $$ begin raise 'no paper'; end $$;
                create trigger fail before insert on rowlock.tickets for each row execute function rowlock.fail()";
    server.db.batch_execute(fail).await.unwrap();
    let notice = server.gateway().notice(&order);
    let before = server.trace().await;
    server.gateway().notify(notice.clone()).await.problem(500, "internal_error");
    assert_eq!(server.trace().await, before, "neither paid nor recorded: the gateway will send it again");
    server.db.batch_execute("drop trigger fail on rowlock.tickets").await.unwrap();
    assert_eq!(server.gateway().notify(notice).await.expect(200)["outcome"], "paid");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.tickets").await, 1);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_who_pays_gets_other_seats_than_the_claim_named() {
    let (server, event, _) = one_session(120).await;
    let buyers: Vec<_> = (0..40).map(|index| server.customer(&format!("buyer-{index}"))).collect();
    let orders = rivals(40, |index| {
        let (buyer, gateway, number) = (buyers[index].clone(), server.gateway(), i32::try_from(index).unwrap());
        async move {
            // Half of them name three seats of the back half, in their own order; the others let the server choose two.
            let seats = [65 + number * 2, 61 + number, 120 - number].map(|seat| ("A", seat));
            let answer = if index % 4 == 0 { buyer.claim_seats(&event, &seats).await } else { buyer.best_available(&event, "A", 2).await };
            if answer.status == 201 {
                assert_eq!(gateway.pay(&answer.body).await.expect(200)["outcome"], "paid");
            }
            answer
        }
    });
    let orders: Vec<_> = orders.await.into_iter().filter(|answer| answer.status == 201).map(|answer| answer.body).collect();
    assert!(orders.len() >= 30, "{}", orders.len());
    for order in orders {
        let tickets =
            format!("select coalesce(jsonb_agg(seat_no order by seat_no), '[]') from rowlock.tickets where order_id = '{}'", id(&order));
        let mut claimed: Vec<_> = order["seats"].as_array().unwrap().iter().map(|seat| seat["seat"].as_i64().unwrap()).collect();
        claimed.sort_unstable();
        assert_eq!(server.ask::<Value>(&tickets).await, json!(claimed));
    }
    server.assert_invariants().await;
}
