//! The lock order of `sql/README.md`, function by function. One session holds the lowest of the locks that a function needs; while the
//! function waits for it, everything higher must still be free, or two transactions could deadlock.

use pretty_assertions::assert_eq;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::harness::{EventHandle, TestServer};
use crate::stored::{Ask, Notice, Placed, Session, make_due, server_without_expiry, unhurried, until_it_waits};

/// The sections of the event, in the order of their numbers; each order here has a seat in all of them.
const SECTIONS: [i32; 3] = [1, 2, 3];

struct House {
    server: TestServer,
    event: EventHandle,
    session: Session,
}

impl House {
    async fn new() -> Self {
        let server = server_without_expiry().await;
        let event = server.event(unhurried(&[("A", 1000, 400), ("B", 1000, 400), ("C", 1000, 400)])).await;
        // With few seats, or without statistics, the planner may read a section from its first seat on, which hides a wrong order.
        server.db.batch_execute("analyze rowlock.seats").await.expect("analyzed");
        let session = Session::new(&server, &event).await;
        Self { server, event, session }
    }

    /// A session that will wait for a lock.
    async fn rival(&self) -> Session {
        let rival = Session::new(&self.server, &self.event).await;
        rival.wait_for_long().await;
        rival
    }

    /// An order with the seat of that number in each section, higher sections first.
    async fn order(&self, customer: &str, seat: i32) -> Placed {
        let seats: Vec<_> = SECTIONS.into_iter().rev().map(|section| (section, seat)).collect();
        self.session.claim_one(Ask::seats(customer, &seats)).await.order()
    }

    /// Orders of those customers that have lost their seats.
    async fn cancelled(&self, customers: &[&str]) -> Vec<Placed> {
        let mut orders = Vec::new();
        for (customer, seat) in customers.iter().zip(10..) {
            let order = self.order(customer, seat).await;
            self.session.cancel(order.order_id, customer).await.expect("cancelled");
            orders.push(order);
        }
        orders
    }

    /// Holds what `held` locks, lets another session wait for it, and fails unless each of `free`, which tries to lock, succeeds.
    async fn runs_into<T: Send + 'static>(
        &self,
        held: &str,
        free: &[String],
        pid: i32,
        act: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let holder = self.server.connect().await;
        holder.batch_execute(&format!("begin; {held}")).await.expect("the lower lock");
        let acting = tokio::spawn(act);
        until_it_waits(&self.server, pid).await;
        for lock in free {
            assert!(self.server.ask::<bool>(lock).await, "it waits for `{held}`, and has this already: {lock}");
        }
        assert!(!acting.is_finished(), "it waits for `{held}`");
        holder.batch_execute("rollback").await.expect("released");
        acting.await.expect("no panic")
    }
}

/// Locks a section's counts.
fn section(number: i32) -> String {
    format!("select from rowlock.sections where section_no = {number} for no key update")
}

fn sections_above(number: i32) -> Vec<String> {
    let higher = SECTIONS.into_iter().filter(|section| *section > number);
    higher.map(|section| rows_are_free("sections", &format!("section_no = {section}"))).collect()
}

fn seat((section, seat): (i32, i32)) -> String {
    format!("select from rowlock.seats where (section_no, seat_no) = ({section}, {seat}) for update")
}

/// Those seats, and all sections.
fn seats_and_sections(seats: &[(i32, i32)]) -> Vec<String> {
    let seats = seats.iter().map(|(section, seat)| rows_are_free("seats", &format!("(section_no, seat_no) = ({section}, {seat})")));
    seats.chain(sections_above(0)).collect()
}

/// Whether nobody has locked the one row of a table that satisfies a condition.
fn rows_are_free(table: &str, condition: &str) -> String {
    format!("select count(*) = 1 from (select from rowlock.{table} where {condition} for update skip locked) f")
}

/// The keys of advisory locks of a class, lowest first, for customers or sections of the event.
async fn advisory_keys(house: &House, names: &[&str]) -> Vec<i32> {
    let keys = names.iter().map(|name| format!("hashtext('{}:{name}')", house.event.id)).collect::<Vec<_>>().join(", ");
    let sorted = format!("select array_agg(key order by key) from unnest(array[{keys}]) key");
    house.server.ask(&sorted).await
}

fn advisory(class: i32, key: i32) -> String {
    format!("select pg_advisory_xact_lock({class}, {key})")
}

fn advisory_are_free(class: i32, keys: &[i32]) -> Vec<String> {
    keys.iter().map(|key| format!("select pg_try_advisory_xact_lock({class}, {key})")).collect()
}

/// Every function that moves seats from one status to another does so by `_move_seat_counts`.
#[tokio::test(flavor = "multi_thread")]
async fn sections_are_locked_from_the_lowest_number_on() {
    let house = House::new().await;
    let (held, free) = (section(1), sections_above(1));
    let mut orders = Vec::new();
    for seat in 1..=4 {
        orders.push(house.order("ann", seat).await);
    }
    let seats: Vec<_> = SECTIONS.into_iter().rev().map(|section| (section, 5)).collect();

    let rival = house.rival().await;
    house.runs_into(&held, &free, rival.pid, async move { rival.claim_one(Ask::seats("bob", &seats)).await.order() }).await;
    let rival = house.rival().await;
    let best: Vec<Ask> = SECTIONS.into_iter().rev().map(|section| Ask::best("bob", section, 2)).collect();
    house.runs_into(&held, &free, rival.pid, async move { rival.claim(&best).await.iter().for_each(|claim| drop(claim.order())) }).await;
    let (rival, paid) = (house.rival().await, Notice::of(&orders[0]));
    assert_eq!(house.runs_into(&held, &free, rival.pid, async move { rival.settle(&[paid]).await }).await, ["paid"]);
    let (rival, wrong) = (house.rival().await, Notice { amount_minor: 1, ..Notice::of(&orders[1]) });
    assert_eq!(house.runs_into(&held, &free, rival.pid, async move { rival.settle(&[wrong]).await }).await, ["refund_due"]);
    let (rival, order_id) = (house.rival().await, orders[2].order_id);
    house.runs_into(&held, &free, rival.pid, async move { rival.cancel(order_id, "ann").await.expect("cancelled") }).await;
    let (rival, order_id) = (house.rival().await, orders[3].order_id);
    make_due(&house.server, order_id).await;
    assert_eq!(house.runs_into(&held, &free, rival.pid, async move { rival.expire(order_id).await }).await, "expired");
    let (operator, pid) = operator(&house).await;
    let event_id = house.event.id;
    assert_eq!(house.runs_into(&held, &free, pid, async move { block(&operator, event_id, "C 9, B 9, A 9").await }).await, 3);
    house.server.assert_invariants().await;
}

/// An operator at psql.
async fn operator(house: &House) -> (Client, i32) {
    let client = house.server.connect().await;
    let pid = client.query_one("select pg_backend_pid()", &[]).await.expect("a process id").get(0);
    (client, pid)
}

async fn block(operator: &Client, event_id: i64, seats: &str) -> i32 {
    operator.query_one("select admin.block_seats($1, $2, 'a test')", &[&event_id, &seats]).await.expect("blocked").get(0)
}

/// A session that waits for a seat waits for the lowest first, and has no section yet.
#[tokio::test(flavor = "multi_thread")]
async fn seats_are_locked_from_the_lowest_on_and_before_any_section() {
    let house = House::new().await;
    let mut orders = Vec::new();
    for seat in 1..=4 {
        orders.push(house.order("ann", seat).await);
    }
    let lowest = |number: i32| seat((1, number));
    let others = |number: i32| seats_and_sections(&[(2, number), (3, number)]);

    let (rival, paid) = (house.rival().await, Notice::of(&orders[0]));
    assert_eq!(house.runs_into(&lowest(1), &others(1), rival.pid, async move { rival.settle(&[paid]).await }).await, ["paid"]);
    let (rival, wrong) = (house.rival().await, Notice { amount_minor: 1, ..Notice::of(&orders[1]) });
    assert_eq!(house.runs_into(&lowest(2), &others(2), rival.pid, async move { rival.settle(&[wrong]).await }).await, ["refund_due"]);
    let (rival, order_id) = (house.rival().await, orders[2].order_id);
    house.runs_into(&lowest(3), &others(3), rival.pid, async move { rival.cancel(order_id, "ann").await.expect("cancelled") }).await;
    let (rival, order_id) = (house.rival().await, orders[3].order_id);
    make_due(&house.server, order_id).await;
    assert_eq!(house.runs_into(&lowest(4), &others(4), rival.pid, async move { rival.expire(order_id).await }).await, "expired");
    // Seats that an operator and a box office block, in whatever order they list them.
    let (operator, pid) = operator(&house).await;
    let (event_id, higher) = (house.event.id, seats_and_sections(&[(1, 8), (1, 9), (2, 9), (3, 7)]));
    let blocked = async move { block(&operator, event_id, "C 7, B 9, A 9 8 7").await };
    assert_eq!(house.runs_into(&lowest(7), &higher, pid, blocked).await, 5);
    let (rival, higher) = (house.rival().await, seats_and_sections(&[(1, 11), (1, 12)]));
    let pid = rival.pid;
    let blocked = async move { rival.block(1, &[12, 11, 10]).await };
    assert_eq!(house.runs_into(&lowest(10), &higher, pid, blocked).await, Ok(3));
    house.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_locked_from_the_lowest_id_on() {
    let house = House::new().await;
    let mut orders = Vec::new();
    for seat in 1..=4 {
        orders.push(house.order("ann", seat).await);
    }
    orders.sort_by_key(|order| order.order_id);
    let order = |index: usize| format!("select from rowlock.orders where order_id = '{}' for update", orders[index].order_id);
    let others = |index: usize| {
        let higher = rows_are_free("orders", &format!("order_id = '{}'", orders[index].order_id));
        [vec![higher], seats_and_sections(&[(1, 1), (1, 2), (1, 3), (1, 4)])].concat()
    };
    let ids: Vec<Uuid> = orders[..2].iter().rev().map(|order| order.order_id).collect();
    for order_id in &ids {
        make_due(&house.server, *order_id).await;
    }
    let rival = house.rival().await;
    house.runs_into(&order(0), &others(1), rival.pid, async move { rival.expire_all(&ids).await }).await;
    let (rival, notices) = (house.rival().await, [Notice::of(&orders[3]), Notice::of(&orders[2])]);
    let paid = house.runs_into(&order(2), &others(3), rival.pid, async move { rival.settle(&notices).await }).await;
    assert_eq!(paid, ["paid", "paid"]);
    house.server.assert_invariants().await;
}

/// A reference identifies a payment: two servers that get the same notices at once must both lock the lowest one first.
#[tokio::test(flavor = "multi_thread")]
async fn payments_are_recorded_from_the_lowest_identity_on() {
    let house = House::new().await;
    let mut orders = Vec::new();
    for seat in 1..=4 {
        orders.push(house.order("ann", seat).await);
    }
    let notice = |index: usize, reference: &str| Notice { reference: reference.to_owned(), ..Notice::of(&orders[index]) };
    house.session.begin().await;
    assert_eq!(house.session.settle(&[notice(0, "a")]).await, ["paid"]);
    let (rival, notices) = (house.rival().await, [notice(1, "c"), notice(2, "b"), notice(3, "a")]);
    let pid = rival.pid;
    let settling = tokio::spawn(async move { rival.settle(&notices).await });
    until_it_waits(&house.server, pid).await;
    let probe = house.server.connect().await;
    let insert = "begin; set local lock_timeout = '200ms';
        insert into rowlock.payments (event_id, provider, provider_reference, order_id, amount_minor, currency, status, outcome, received_at)
        select event_id, 'testpay', reference, gen_random_uuid(), 1, 'TWD', 'failed', 'failed_recorded', now()
        from rowlock.events cross join unnest(array['b', 'c']) reference";
    probe.batch_execute(insert).await.expect("whoever waits for payment a has not recorded b or c");
    probe.batch_execute("rollback").await.expect("undone");
    house.session.rollback().await;
    assert_eq!(settling.await.expect("no panic"), ["paid", "paid", "paid"]);
    house.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_are_locked_from_the_lowest_key_on_and_before_any_seat() {
    let house = House::new().await;
    let names = ["ann", "bob", "cid"];
    let keys = advisory_keys(&house, &names).await;
    let late = house.cancelled(&names).await;
    let held = advisory(1, keys[0]);
    let free = [advisory_are_free(1, &keys[1..]), seats_and_sections(&[(1, 1), (1, 2), (1, 3), (1, 10), (2, 11), (3, 12)])].concat();

    // Whatever the order of the requests.
    for names in [names, ["cid", "bob", "ann"], ["bob", "ann", "cid"]] {
        let claims: Vec<Ask> = names.iter().zip(1..).map(|(name, seat)| Ask::seats(name, &[(1, seat)])).collect();
        let rival = house.rival().await;
        let pid = rival.pid;
        let claimed = async move {
            rival.begin().await;
            rival.claim(&claims).await.iter().for_each(|claim| drop(claim.order()));
            rival.rollback().await;
        };
        house.runs_into(&held, &free, pid, claimed).await;
    }
    let (rival, notices) = (house.rival().await, late.iter().map(Notice::of).collect::<Vec<_>>());
    let settled = house.runs_into(&held, &free, rival.pid, async move { rival.settle(&notices).await }).await;
    assert_eq!(settled, ["late_reclaimed"; 3]);
    house.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_are_locked_from_the_lowest_key_on_and_before_any_seat() {
    let house = House::new().await;
    let keys = advisory_keys(&house, &["1", "2", "3"]).await;
    let free = [advisory_are_free(2, &keys[1..]), seats_and_sections(&[(1, 1), (2, 1), (3, 1)])].concat();
    let asks: Vec<Ask> = SECTIONS.into_iter().map(|section| Ask::best("ann", section, 1)).collect();
    let reversed = asks.iter().rev().map(|ask| Ask { order_id: Uuid::now_v7(), ..ask.clone() }).collect();
    for asks in [asks, reversed] {
        let rival = house.rival().await;
        let pid = rival.pid;
        let claimed = async move { rival.claim(&asks).await.iter().for_each(|claim| drop(claim.order())) };
        house.runs_into(&advisory(2, keys[0]), &free, pid, claimed).await;
    }
    house.server.assert_invariants().await;
}
