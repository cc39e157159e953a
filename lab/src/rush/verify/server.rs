//! Without a database URL: every buyer reads its orders back, and the sold seats are counted.

use std::time::Duration;

use futures_util::StreamExt;
use rowlock::domain::OrderStatus;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Findings, SectionLeft, Ticket, Told};
use crate::{
    client::Connection,
    rush::{
        bodies::{OrderSeat, SeatMap, plain},
        buyer::Buyer,
        sale::Sale,
        setup::Setup,
    },
};

const READERS: usize = 64;
/// The longest that reading one buyer's orders, or the availability, may take: a server that is gone must not hold up the report.
const READ_PATIENCE: Duration = Duration::from_secs(5);

/// The same once the rush was stopped.
const STOPPED_PATIENCE: Duration = Duration::from_millis(50);

/// What one buyer's orders show.
#[derive(Default)]
struct ReadBack {
    tickets: Vec<Ticket>,
    statuses: Vec<OrderStatus>,
    unread: Vec<String>,
}

/// Asks the server instead of its database.
///
/// # Errors
/// When the server cannot be reached.
pub async fn ask_server(setup: &Setup, buyers: &mut [Buyer], stop: &CancellationToken) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let reading =
        futures_util::stream::iter(buyers.iter_mut()).map(|buyer| read_in_time(&setup.sale, buyer, stop)).buffer_unordered(READERS);
    let read: Vec<ReadBack> = reading.collect().await;
    for status in read.iter().flat_map(|read| &read.statuses) {
        findings.orders.add(*status, 1);
    }
    findings.add(read.iter().flat_map(|read| &read.unread).cloned().collect());
    let tickets: Vec<Ticket> = read.into_iter().flat_map(|read| read.tickets).collect();
    let told = Told::of(setup, buyers);
    findings.compare(&told, &tickets);
    match tokio::time::timeout(READ_PATIENCE, read_availability(&setup.sale)).await {
        Ok(Ok(sections)) => findings.sections = sections,
        Ok(Err(error)) => findings.broken.push(format!("the availability cannot be read: {error:#}")),
        Err(_) => findings.broken.push("the availability cannot be read: no answer in time".to_owned()),
    }
    let sold: usize = findings.sections.iter().map(|section| section.sold).sum();
    if setup.only_ours && !stop.is_cancelled() && sold != tickets.len() {
        findings.broken.push(format!("the server shows {sold} seats as sold, but the buyers hold {}", tickets.len()));
    }
    Ok(findings)
}

/// Reads all orders of one buyer, unless the server does not answer or, once the rush was stopped, answers late.
async fn read_in_time(sale: &Sale, buyer: &mut Buyer, stop: &CancellationToken) -> ReadBack {
    let orders: Vec<Uuid> = buyer.purchases.iter().map(|purchase| purchase.order_id).collect();
    let patience = async {
        tokio::time::sleep(READ_PATIENCE).await;
    };
    let hurried = async {
        stop.cancelled().await;
        tokio::time::sleep(STOPPED_PATIENCE).await;
    };
    tokio::select! {
        read = read_back(sale, buyer) => read,
        () = patience => cannot_be_read(&orders),
        () = hurried => cannot_be_read(&orders),
    }
}

fn cannot_be_read(orders: &[Uuid]) -> ReadBack {
    let unread = orders.iter().map(|order_id| format!("order {order_id} cannot be read: no answer in time")).collect();
    ReadBack { unread, ..ReadBack::default() }
}

/// Reads all orders of one buyer.
async fn read_back(sale: &Sale, buyer: &mut Buyer) -> ReadBack {
    let told: Vec<(Uuid, bool)> = buyer.purchases.iter().map(|purchase| (purchase.order_id, purchase.paid_at.is_some())).collect();
    let mut read = ReadBack::default();
    for (order_id, was_paid) in told {
        match buyer.read_back(sale, order_id).await {
            Ok(order) => {
                if order.status == OrderStatus::Paid {
                    let seat = |seat: OrderSeat| (seat, order_id);
                    read.tickets.extend(order.seats.into_iter().map(seat));
                } else if was_paid {
                    read.unread.push(format!("order {order_id} was reported as paid but is {}", order.status.as_str()));
                }
                read.statuses.push(order.status);
            }
            Err(error) => read.unread.push(format!("order {order_id} cannot be read: {error:#}")),
        }
    }
    read
}

async fn read_availability(sale: &Sale) -> anyhow::Result<Vec<SectionLeft>> {
    let mut connection = Connection::open(&sale.target, 0).await?;
    let answer = connection.send(&sale.availability_call).await?;
    anyhow::ensure!(answer.status.is_success(), "the server answers {}", answer.status);
    let sections = SeatMap::of_availability(&plain(&answer)?)?;
    let left = sections.into_iter().zip(&sale.concert.sections).map(|((section, map), known)| SectionLeft {
        section,
        capacity: known.capacity,
        available: map.available.len(),
        held: map.held,
        sold: map.sold,
    });
    Ok(left.collect())
}
