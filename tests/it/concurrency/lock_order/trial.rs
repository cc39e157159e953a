//! An event, and what locks parts of it.

use crate::harness::{EventHandle, TestServer};
use crate::stored::{Ask, Placed, Session, server_without_expiry, take_lock, unhurried, until_it_waits};

/// The sections of the event, in the order of their numbers; each order here has a seat in all of them.
pub(super) const SECTIONS: [i32; 3] = [1, 2, 3];

pub(super) struct Trial {
    pub(super) server: TestServer,
    pub(super) event: EventHandle,
    pub(super) session: Session,
}

impl Trial {
    pub(super) async fn new() -> Self {
        let server = server_without_expiry().await;
        let event = server.event(unhurried(&[("A", 1000, 400), ("B", 1000, 400), ("C", 1000, 400)])).await;
        // With few seats, or without statistics, the planner may read a section from its first seat on, which hides a wrong order.
        server.db.batch_execute("analyze rowlock.seats").await.expect("analyzed");
        let session = Session::new(&server, &event).await;
        Self { server, event, session }
    }

    /// A session that will wait for a lock.
    pub(super) async fn rival(&self) -> Session {
        let rival = Session::new(&self.server, &self.event).await;
        rival.wait_for_long().await;
        rival
    }

    /// An order with the seat of that number in each section, higher sections first.
    pub(super) async fn order(&self, customer: &str, seat: i32) -> Placed {
        let seats: Vec<_> = SECTIONS.into_iter().rev().map(|section| (section, seat)).collect();
        self.session.claim_one(Ask::seats(customer, &seats)).await.order()
    }

    /// Orders of those customers that have lost their seats.
    pub(super) async fn cancelled(&self, customers: &[&str]) -> Vec<Placed> {
        let mut orders = Vec::new();
        for (customer, seat) in customers.iter().zip(10..) {
            let order = self.order(customer, seat).await;
            self.session.cancel(order.order_id, customer).await.expect("cancelled");
            orders.push(order);
        }
        orders
    }

    /// Holds what `held` locks, lets another session wait for it, and fails unless each of `free`, which tries to lock, succeeds.
    pub(super) async fn runs_into<T: Send + 'static>(
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
pub(super) fn section(number: i32) -> String {
    format!("select from rowlock.sections where section_no = {number} for no key update")
}

pub(super) fn sections_above(number: i32) -> Vec<String> {
    let higher = SECTIONS.into_iter().filter(|section| *section > number);
    higher.map(|section| rows_are_free("sections", &format!("section_no = {section}"))).collect()
}

pub(super) fn seat((section, seat): (i32, i32)) -> String {
    format!("select from rowlock.seats where (section_no, seat_no) = ({section}, {seat}) for update")
}

/// Those seats, and all sections.
pub(super) fn seats_and_sections(seats: &[(i32, i32)]) -> Vec<String> {
    let seats = seats.iter().map(|(section, seat)| rows_are_free("seats", &format!("(section_no, seat_no) = ({section}, {seat})")));
    seats.chain(sections_above(0)).collect()
}

/// Whether nobody has locked the one row of a table that satisfies a condition.
pub(super) fn rows_are_free(table: &str, condition: &str) -> String {
    format!("select count(*) = 1 from (select from rowlock.{table} where {condition} for update skip locked) f")
}

/// The names (customers or sections of the event) in the order of the keys of their advisory locks of a class.
pub(super) async fn in_order_of_keys(trial: &Trial, class: i32, names: &[&str]) -> Vec<String> {
    let mut keyed = Vec::new();
    for name in names {
        trial.server.db.batch_execute(&format!("begin; {}", advisory(trial, class, name))).await.expect("its lock");
        keyed.push((trial.server.ask::<i64>(OWN_KEY).await, (*name).to_owned()));
        trial.server.db.batch_execute("rollback").await.expect("released");
    }
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, name)| name).collect()
}

/// The key of the one advisory lock that the session has.
const OWN_KEY: &str = "select classid::bigint << 32 | objid::bigint from pg_locks
    where locktype = 'advisory' and objsubid = 1 and pid = pg_backend_pid()";

pub(super) fn advisory(trial: &Trial, class: i32, name: &str) -> String {
    take_lock(class, trial.event.id, name, true)
}

pub(super) fn advisory_are_free(trial: &Trial, class: i32, names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("{} = 1", take_lock(class, trial.event.id, name, false))).collect()
}
