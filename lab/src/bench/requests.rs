//! What the connections of a load ask for.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::ensure;
use hyper::{StatusCode, header::HeaderValue};

use super::{
    load::Work,
    stage::{Seat, Stage},
};
use crate::{
    client::{Answer, Call, Connection},
    rush::{
        bodies::{OrderBody, PaymentBody, plain},
        sale::Sale,
    },
};

/// Claims of one seat each, another one every time.
pub struct Claims {
    sale: Arc<Sale>,
    seats: Vec<Seat>,
    customers: Arc<[HeaderValue]>,
}

impl Claims {
    /// Claims of these seats of the event.
    pub fn new(stage: &Stage, sale: &Arc<Sale>, seats: Vec<Seat>) -> Arc<Self> {
        Arc::new(Self { sale: sale.clone(), seats, customers: stage.customers.clone() })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.seats.len()
    }

    async fn claim(&self, connection: &mut Connection, number: usize) -> anyhow::Result<Answer> {
        let ((section, seat), customer) = (self.seats[number], customer(&self.customers, number));
        // Of the seat, not the number: the same event may be claimed in by several loads.
        let key = format!("{section}-{seat}");
        expect(connection, &self.sale.claim_seats(section, &[seat], customer, &key)?, StatusCode::CREATED).await
    }
}

impl Work for Claims {
    async fn once(&self, connection: &mut Connection, number: usize) -> anyhow::Result<()> {
        self.claim(connection, number).await.map(drop)
    }
}

/// The same, and the payment of each.
pub struct Orders(pub Arc<Claims>);

impl Work for Orders {
    async fn once(&self, connection: &mut Connection, number: usize) -> anyhow::Result<()> {
        let order: OrderBody = serde_json::from_slice(&self.0.claim(connection, number).await?.body)?;
        let answer = expect(connection, &self.0.sale.pay(&order)?, StatusCode::OK).await?;
        let payment: PaymentBody = serde_json::from_slice(&answer.body)?;
        ensure!(payment.outcome == "paid", "a payment in time was answered {}", payment.outcome);
        Ok(())
    }
}

/// Claims of one seat each that leave the choice to the server, all in the first section.
pub struct BestAvailable {
    sale: Arc<Sale>,
    customers: Arc<[HeaderValue]>,
}

impl BestAvailable {
    /// Claims in this event.
    pub fn new(stage: &Stage, sale: &Arc<Sale>) -> Arc<Self> {
        Arc::new(Self { sale: sale.clone(), customers: stage.customers.clone() })
    }
}

impl Work for BestAvailable {
    async fn once(&self, connection: &mut Connection, number: usize) -> anyhow::Result<()> {
        let call = self.sale.claim_best(0, 1, customer(&self.customers, number), &number.to_string())?;
        expect(connection, &call, StatusCode::CREATED).await.map(drop)
    }
}

/// Claims of one and the same seat: one wins, the others are told at once.
pub struct Rivals {
    calls: Vec<Call>,
    winners: AtomicUsize,
}

impl Rivals {
    /// Rivals for the first seat of this event, one per connection, with their requests ready to be sent.
    ///
    /// # Errors
    /// When a request cannot be written.
    pub fn new(stage: &Stage, sale: &Sale, count: usize) -> anyhow::Result<Arc<Self>> {
        let call = |number: usize| sale.claim_seats(0, &[1], customer(&stage.customers, number), &number.to_string());
        let calls = (0..count).map(call).collect::<anyhow::Result<_>>()?;
        Ok(Arc::new(Self { calls, winners: AtomicUsize::new(0) }))
    }

    /// How many were told that the seat is theirs.
    pub fn winners(&self) -> usize {
        self.winners.load(Ordering::Relaxed)
    }
}

impl Work for Rivals {
    async fn once(&self, connection: &mut Connection, number: usize) -> anyhow::Result<()> {
        let call = &self.calls[number];
        let answer = connection.send(call).await?;
        match answer.status {
            StatusCode::CREATED => {
                self.winners.fetch_add(1, Ordering::Relaxed);
            }
            StatusCode::CONFLICT => {}
            _ => return Err(refused(call, &answer)),
        }
        Ok(())
    }
}

/// One and the same request, `times` in a row.
pub struct Repeated {
    /// The request.
    pub call: Call,
    /// The answer it must get.
    pub expected: StatusCode,
    /// How often one piece of work sends it.
    pub times: usize,
}

impl Work for Repeated {
    async fn once(&self, connection: &mut Connection, _: usize) -> anyhow::Result<()> {
        for _ in 0..self.times {
            expect(connection, &self.call, self.expected).await?;
        }
        Ok(())
    }
}

/// The very bytes of a claim, sent to a route that does nothing with it.
///
/// # Errors
/// When the path is not valid.
pub fn no_op(stage: &Stage, sale: &Sale, path: &str, times: usize) -> anyhow::Result<Arc<Repeated>> {
    let call = sale.claim_seats(0, &[12], customer(&stage.customers, 0), "12345")?.at(path)?;
    Ok(Arc::new(Repeated { call, expected: StatusCode::CREATED, times }))
}

/// The summary of an event, or what else is read at `path` with the same headers.
///
/// # Errors
/// When the path is not valid.
pub fn read(sale: &Sale, path: Option<&str>) -> anyhow::Result<Arc<Repeated>> {
    let call = path.map_or_else(|| Ok(sale.summary_call.clone()), |path| sale.summary_call.at(path))?;
    Ok(Arc::new(Repeated { call, expected: StatusCode::OK, times: 1 }))
}

fn customer(customers: &[HeaderValue], number: usize) -> &HeaderValue {
    &customers[number % customers.len()]
}

async fn expect(connection: &mut Connection, call: &Call, status: StatusCode) -> anyhow::Result<Answer> {
    let answer = connection.send(call).await?;
    if answer.status == status { Ok(answer) } else { Err(refused(call, &answer)) }
}

fn refused(call: &Call, answer: &Answer) -> anyhow::Error {
    let text = plain(answer).unwrap_or_default();
    anyhow::anyhow!("{call}: {} {}", answer.status, String::from_utf8_lossy(&text))
}
