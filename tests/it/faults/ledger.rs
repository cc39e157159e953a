//! Buyers at work while something breaks, and a record of their answers to compare with the database.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::harness::{Answer, Customer, EventHandle, Gateway, PATIENCE, TestServer, patience_left};

/// Seats of each of the two sections of [`sections`]: nobody runs out of them.
const SEATS: i32 = 20_000;
const BACKOFF: Duration = Duration::from_millis(50);

/// The sections: in A, each buyer takes different seats; in B, any.
pub const SECTIONS: &[(&str, i64, i32)] = &[("A", 1000, SEATS), ("B", 500, SEATS)];

/// The answers they got.
#[derive(Default)]
struct Told {
    /// Customer and seats by the id of each order that was confirmed.
    claimed: HashMap<String, (String, Value)>,
    /// Reference of the payment that was confirmed, by order.
    paid: HashMap<String, String>,
    /// Orders that were answered `outcome_unknown`.
    unknown: BTreeSet<String>,
}

/// Buyers who continue until they are stopped.
pub struct Shoppers {
    told: Arc<Mutex<Told>>,
    stop: Arc<AtomicBool>,
    sold: Arc<AtomicUsize>,
    refusals: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shopper {
    number: i32,
    of: i32,
    customer: Customer,
    gateway: Gateway,
    event: EventHandle,
    told: Arc<Mutex<Told>>,
    sold: Arc<AtomicUsize>,
    refusals: Arc<AtomicUsize>,
}

impl Shoppers {
    /// Starts this many buyers on an event with [`SECTIONS`].
    pub fn start(server: &TestServer, event: EventHandle, count: i32) -> Self {
        let mut shoppers =
            Self { told: Arc::default(), stop: Arc::default(), sold: Arc::default(), refusals: Arc::default(), tasks: Vec::new() };
        for number in 0..count {
            let shopper = Shopper {
                number,
                of: count,
                customer: server.customer(&format!("shopper {number}")),
                gateway: server.gateway(),
                event,
                told: Arc::clone(&shoppers.told),
                sold: Arc::clone(&shoppers.sold),
                refusals: Arc::clone(&shoppers.refusals),
            };
            shoppers.tasks.push(tokio::spawn(shopper.shop(Arc::clone(&shoppers.stop))));
        }
        shoppers
    }

    pub fn sold(&self) -> usize {
        self.sold.load(Ordering::Relaxed)
    }

    pub fn refusals(&self) -> usize {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Lets them finish what they have started.
    pub async fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks.drain(..) {
            task.await.expect("a shopper");
        }
    }

    /// Lets them finish, and compares their answers with the database, which nobody else has used.
    pub async fn stop_and_check(mut self, db: &Client) {
        self.stop().await;
        let (orders, payments) = (orders(db).await, payments(db).await);
        let told = self.told.lock().expect("the ledger");
        for (order_id, (customer, seats)) in &told.claimed {
            let (owner, status, owned) = orders.get(order_id).unwrap_or_else(|| panic!("order {order_id} was confirmed and is not there"));
            assert_eq!((customer, seats), (owner, owned), "order {order_id} is another one than was confirmed");
            let paid = told.paid.contains_key(order_id);
            assert_eq!(status, if paid { "paid" } else { "pending_payment" }, "order {order_id}");
        }
        for order_id in orders.keys() {
            let known = told.claimed.contains_key(order_id) || told.unknown.contains(order_id);
            assert!(known, "order {order_id} exists, and its buyer was told that it does not");
        }
        assert_eq!(payments, told.paid, "payments recorded, and payments confirmed");
    }
}

/// Customer, status and seats of every order.
async fn orders(db: &Client) -> HashMap<String, (String, String, Value)> {
    let sql = "
        select o.order_id::text, o.customer_id, o.status::text,
            (select jsonb_agg(jsonb_build_array(s.code, l.seat_no) order by s.code, l.seat_no)
             from unnest(o.section_nos, o.seat_nos) l (section_no, seat_no) join rowlock.sections s using (section_no)
             where s.event_id = o.event_id)
        from rowlock.orders o";
    db.query(sql, &[]).await.expect("the orders").iter().map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3)))).collect()
}

/// The reference of each payment by its order.
async fn payments(db: &Client) -> HashMap<String, String> {
    let rows = db.query("select order_id::text, provider_reference from rowlock.payments where outcome = 'paid'", &[]).await;
    rows.expect("the payments").iter().map(|row| (row.get(0), row.get(1))).collect()
}

impl Shopper {
    async fn shop(self, stop: Arc<AtomicBool>) {
        for round in 0.. {
            let seat = 1 + self.number + round * self.of;
            if stop.load(Ordering::Relaxed) || seat > SEATS {
                return;
            }
            // Every second buyer repeats its claim under a key until it knows the outcome; the others move on.
            let key = (self.number % 2 == 0).then(|| format!("round-{round}"));
            let own_seat = json!({"seats": [{"section": "A", "seat": seat}]});
            let any_seat = json!({"best_available": {"section": "B", "quantity": 1}});
            let body = if round % 3 == 2 { any_seat } else { own_seat };
            if let Some(order) = self.claim(key.as_deref(), &body).await {
                self.pay(&order).await;
            }
        }
    }

    async fn claim(&self, key: Option<&str>, body: &Value) -> Option<Value> {
        let begun = Instant::now();
        loop {
            let answer = match key {
                Some(key) => self.customer.claim_once(&self.event, key, body.clone()).await,
                None => self.customer.claim(&self.event, body.clone()).await,
            };
            // Nobody else wants the seat: `seat_taken` would mean that an order of this buyer exists after all.
            if answer.status != 503 {
                let order = answer.expect(201);
                let order_id = order["order_id"].as_str().expect("an id").to_owned();
                let seats = order["seats"].as_array().expect("seats").iter().map(|seat| json!([seat["section"], seat["seat"]])).collect();
                self.told.lock().expect("the ledger").claimed.insert(order_id, (self.customer.id.clone(), seats));
                return Some(order);
            }
            self.refused(&answer);
            assert!(begun.elapsed() < patience_left(PATIENCE), "no definite answer for {} s", begun.elapsed().as_secs());
            // Without a key, the claim cannot be repeated.
            key?;
            tokio::time::sleep(BACKOFF).await;
        }
    }

    /// Sends the same notice until it is settled, as a gateway does.
    async fn pay(&self, order: &Value) {
        let (begun, notice) = (Instant::now(), self.gateway.notice(order));
        loop {
            let answer = self.gateway.notify(notice.clone()).await;
            if answer.status != 503 {
                let outcome = answer.expect(200)["outcome"].as_str().expect("an outcome").to_owned();
                assert!(["paid", "duplicate"].contains(&outcome.as_str()), "{outcome}");
                let ids = [&notice["order_id"], &notice["provider_reference"]].map(|id| id.as_str().expect("an id").to_owned());
                let [order_id, reference] = ids;
                self.told.lock().expect("the ledger").paid.insert(order_id, reference);
                self.sold.fetch_add(1, Ordering::Relaxed);
                return;
            }
            self.refused(&answer);
            assert!(begun.elapsed() < patience_left(PATIENCE), "no definite answer for {} s", begun.elapsed().as_secs());
            tokio::time::sleep(BACKOFF).await;
        }
    }

    /// A 503 says when to retry, and `outcome_unknown` of a claim also says which order to check.
    fn refused(&self, answer: &Answer) {
        let code = answer.body["code"].as_str().unwrap_or_default().to_owned();
        answer.problem(503, &code);
        assert!(answer.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok()), "{}", answer.text());
        assert!(["unavailable", "overloaded", "outcome_unknown"].contains(&code.as_str()), "{}", answer.text());
        if code == "outcome_unknown"
            && let Some(order_id) = answer.body["order_id"].as_str()
        {
            self.told.lock().expect("the ledger").unknown.insert(order_id.to_owned());
        }
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }
}
