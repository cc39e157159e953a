//! Were the promises kept? What the buyers were told is held against what the database says.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use anyhow::Context;
use futures_util::StreamExt;
use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::Uuid;

use super::{
    buyer::{Buyer, Purchase},
    client::Connection,
    sale::Sale,
    views::{OrderSeat, SeatMap},
};
use crate::db::Endpoint;

/// Violations and mismatches that are written out; the rest is counted.
const EXAMPLES_MAX: usize = 5;
/// How long after the payment window the last pending order must have ended.
const EXPIRY_GRACE: Duration = Duration::from_secs(3);
const POLL_INTERVAL: Duration = Duration::from_millis(250);
const READERS: usize = 64;

/// A ticket: its seat and its order.
pub type Ticket = (OrderSeat, Uuid);

/// What came out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Seats in the hands of two buyers.
    pub oversold: usize,
    /// Rows of `admin.invariant_violations`; `None`: nobody could ask.
    pub violations: Option<usize>,
    /// The most available seats any section has left.
    pub left_together: usize,
    /// Broken promises, in words.
    pub broken: Vec<String>,
}

impl Findings {
    fn add(&mut self, examples: Vec<String>) {
        let count = examples.len();
        self.broken.extend(examples.into_iter().take(EXAMPLES_MAX));
        if count > EXAMPLES_MAX {
            self.broken.push(format!("… and {} more like these", count - EXAMPLES_MAX));
        }
    }

    /// Holds the paid purchases against the tickets. `only_ours`: nobody else buys at this concert.
    fn compare(&mut self, purchases: &[&Purchase], tickets: &[Ticket], only_ours: bool) {
        let mut owners: HashMap<&OrderSeat, Uuid> = HashMap::new();
        let mut oversold = HashSet::new();
        for purchase in purchases.iter().filter(|purchase| purchase.paid) {
            for seat in &purchase.seats {
                if owners.insert(seat, purchase.order_id).is_some_and(|other| other != purchase.order_id) {
                    oversold.insert(seat);
                }
            }
        }
        let mut issued: HashMap<&OrderSeat, Uuid> = HashMap::new();
        for (seat, order_id) in tickets {
            if issued.insert(seat, *order_id).is_some_and(|other| other != *order_id) {
                oversold.insert(seat);
            }
        }
        self.oversold = oversold.len();
        self.add(oversold.iter().map(|seat| format!("seat {} {} was sold twice", seat.section, seat.seat)).collect());
        let missing = owners.iter().filter(|(seat, order_id)| issued.get(*seat) != Some(*order_id));
        self.add(
            missing
                .map(|(seat, id)| format!("order {id} was answered paid but has no ticket for {} {}", seat.section, seat.seat))
                .collect(),
        );
        let ours: HashSet<Uuid> = purchases.iter().map(|purchase| purchase.order_id).collect();
        let untold = issued.iter().filter(|(seat, id)| owners.get(*seat) != Some(*id) && (only_ours || ours.contains(*id)));
        self.add(
            untold
                .map(|(seat, id)| format!("order {id} has a ticket for {} {} that no buyer was told of", seat.section, seat.seat))
                .collect(),
        );
    }
}

/// Asks the database: its invariants until no order is pending any more, then every ticket.
///
/// # Errors
/// When the database cannot be reached or read.
pub async fn ask_database(endpoint: &Endpoint, sale: &Sale, buyers: &[Buyer], only_ours: bool) -> anyhow::Result<Findings> {
    let (client, _driver) = endpoint.connect().await.context("cannot ask the database for the invariants")?;
    let mut findings = Findings::default();
    ask_invariants(&client, sale, &mut findings).await?;
    let event_id = sale.concert.event_id;
    let sql = "select s.code, t.seat_no, t.order_id from rowlock.tickets t join rowlock.sections s using (event_id, section_no) where event_id = $1";
    let rows = client.query(sql, &[&event_id]).await.context("cannot read the tickets")?;
    let tickets: Vec<Ticket> = rows.iter().map(|row| (OrderSeat { section: row.get(0), seat: row.get(1) }, row.get(2))).collect();
    let purchases: Vec<&Purchase> = buyers.iter().flat_map(|buyer| &buyer.purchases).collect();
    findings.compare(&purchases, &tickets, only_ours);
    let row = client.query_one("select max(available) from rowlock.sections where event_id = $1", &[&event_id]).await?;
    findings.left_together = usize::try_from(row.get::<_, Option<i32>>(0).unwrap_or(0))?;
    Ok(findings)
}

/// Asks for violations again and again until the last pending order has ended, and at least once.
async fn ask_invariants(client: &Client, sale: &Sale, findings: &mut Findings) -> anyhow::Result<()> {
    let started_at = Instant::now();
    let patience = Duration::from_millis(sale.concert.window_ms) + EXPIRY_GRACE;
    let pending_sql = "select count(*) from rowlock.orders where event_id = $1 and status = 'pending_payment'";
    let mut seen = HashMap::new();
    loop {
        let row = client.query_one(pending_sql, &[&sale.concert.event_id]).await.context("cannot read the orders")?;
        let pending: i64 = row.get(0);
        seen.extend(violations(client).await?);
        if pending == 0 {
            break;
        }
        if started_at.elapsed() > patience {
            findings.broken.push(format!("{pending} orders are pending still, {} ms after the rush", patience.as_millis()));
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    findings.violations = Some(seen.len());
    findings.add(seen.into_iter().map(|(what, detail)| format!("invariant violated: {what}: {detail}")).collect());
    Ok(())
}

/// The violations of this moment: what is violated, and the last column, which tells of the moment.
async fn violations(client: &Client) -> anyhow::Result<Vec<(String, String)>> {
    let messages = client.simple_query("select * from admin.invariant_violations").await.context("cannot ask for the invariants")?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            let mut columns: Vec<&str> = (0..row.len()).map(|column| row.get(column).unwrap_or("-")).collect();
            let detail = columns.pop().unwrap_or_default().to_owned();
            Some((columns.join(" "), detail))
        }
        _ => None,
    });
    Ok(rows.collect())
}

/// Without a database URL: every buyer reads its paid orders, and the house is counted.
///
/// # Errors
/// When the server cannot be reached.
pub async fn ask_server(sale: &Sale, buyers: &mut [Buyer], only_ours: bool) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let answers = futures_util::stream::iter(buyers.iter_mut()).map(|buyer| read_back(sale, buyer)).buffer_unordered(READERS);
    let (tickets, unread): (Vec<Vec<Ticket>>, Vec<Vec<String>>) = answers.unzip().await;
    findings.add(unread.concat());
    let tickets = tickets.concat();
    let purchases: Vec<&Purchase> = buyers.iter().flat_map(|buyer| &buyer.purchases).collect();
    findings.compare(&purchases, &tickets, only_ours);
    let house = read_house(sale).await?;
    findings.left_together = house.iter().map(|(_, map)| map.available.len()).max().unwrap_or(0);
    let sold: usize = house.iter().map(|(_, map)| map.sold).sum();
    if only_ours && sold != tickets.len() {
        findings.broken.push(format!("the house shows {sold} seats sold, the buyers hold {}", tickets.len()));
    }
    Ok(findings)
}

/// The tickets of one buyer as its paid orders show them, and what could not be read.
async fn read_back(sale: &Sale, buyer: &mut Buyer) -> (Vec<Ticket>, Vec<String>) {
    let paid: Vec<Uuid> = buyer.purchases.iter().filter(|purchase| purchase.paid).map(|purchase| purchase.order_id).collect();
    let (mut tickets, mut unread) = (Vec::new(), Vec::new());
    for order_id in paid {
        match buyer.read_order(sale, order_id).await {
            Ok(order) if order.status == "paid" => tickets.extend(order.seats.into_iter().map(|seat| (seat, order_id))),
            Ok(order) => unread.push(format!("order {order_id} was answered paid but is {}", order.status)),
            Err(error) => unread.push(format!("order {order_id} cannot be read: {error:#}")),
        }
    }
    (tickets, unread)
}

async fn read_house(sale: &Sale) -> anyhow::Result<Vec<(String, SeatMap)>> {
    let mut connection = Connection::open(&sale.target, 0).await?;
    let answer = connection.send(&sale.house_call).await?;
    anyhow::ensure!(answer.status.is_success(), "cannot read the house: {}", answer.status);
    SeatMap::of_house(&super::views::plain(&answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(number: i32) -> OrderSeat {
        OrderSeat { section: "A".to_owned(), seat: number }
    }

    fn purchase(order: u128, seats: &[i32], paid: bool) -> Purchase {
        Purchase { order_id: Uuid::from_u128(order), seats: seats.iter().copied().map(seat).collect(), paid, refund_due: false }
    }

    fn compared(purchases: &[Purchase], tickets: &[(i32, u128)], only_ours: bool) -> Findings {
        let tickets: Vec<Ticket> = tickets.iter().map(|&(number, order)| (seat(number), Uuid::from_u128(order))).collect();
        let mut findings = Findings::default();
        findings.compare(&purchases.iter().collect::<Vec<_>>(), &tickets, only_ours);
        findings
    }

    #[test]
    fn kept_promises_find_nothing() {
        let purchases = [purchase(1, &[1, 2], true), purchase(2, &[3], true), purchase(3, &[4], false)];
        let findings = compared(&purchases, &[(1, 1), (2, 1), (3, 2)], true);
        assert_eq!(findings, Findings::default());
    }

    #[test]
    fn a_seat_in_two_hands_is_oversold() {
        let findings = compared(&[purchase(1, &[1], true), purchase(2, &[1], true)], &[(1, 2)], true);
        assert_eq!(findings.oversold, 1);
        assert!(!findings.broken.is_empty());
    }

    #[test]
    fn a_paid_order_without_its_ticket_is_a_broken_promise() {
        let findings = compared(&[purchase(1, &[1, 2], true)], &[(1, 1)], true);
        assert_eq!(findings.oversold, 0);
        assert_eq!(findings.broken.len(), 1);
    }

    #[test]
    fn tickets_nobody_was_told_of_count_only_where_nobody_else_buys() {
        assert_eq!(compared(&[], &[(9, 9)], true).broken.len(), 1);
        assert_eq!(compared(&[], &[(9, 9)], false), Findings::default());
        assert_eq!(compared(&[purchase(9, &[9], false)], &[(9, 9)], false).broken.len(), 1);
    }
}
