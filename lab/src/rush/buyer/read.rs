//! What a buyer reads.

use std::sync::Arc;

use uuid::Uuid;

use super::Buyer;
use crate::rush::{
    bodies::{OrderBody, SeatMap, Summary, plain},
    sale::Sale,
    tally::Step,
};

impl Buyer {
    /// Reads one of its own orders after the rush, which is not part of the rush.
    ///
    /// # Errors
    /// When the server answers anything but the order.
    pub async fn read_back(&mut self, sale: &Sale, order_id: Uuid) -> anyhow::Result<OrderBody> {
        let (tally, waiting_for) = (std::mem::take(&mut self.tally), self.waiting_for);
        let order = self.read_order(sale, order_id).await;
        (self.tally, self.waiting_for) = (tally, waiting_for);
        order
    }

    pub(super) async fn read_order(&mut self, sale: &Sale, order_id: Uuid) -> anyhow::Result<OrderBody> {
        let answer = self.ask_ok(sale, Step::ReadOrder, &sale.read_order(order_id, &self.authorization)?).await?;
        Ok(serde_json::from_slice(&plain(&answer)?)?)
    }

    pub(super) async fn read_summary(&mut self, sale: &Sale) -> anyhow::Result<Arc<Summary>> {
        let answer = self.ask_ok(sale, Step::ReadSections, &sale.summary_call).await?;
        sale.summary.read(&answer, |body| Ok(serde_json::from_slice(body)?))
    }

    pub(super) async fn read_seats(&mut self, sale: &Sale, section: usize) -> anyhow::Result<Arc<SeatMap>> {
        let answer = self.ask_ok(sale, Step::ReadSeats, &sale.sections[section].seats_call).await?;
        sale.sections[section].seats.read(&answer, SeatMap::of_section)
    }

    /// Whether no section has enough seats and no held seat may come back.
    pub(super) async fn is_sold_out(&mut self, sale: &Sale) -> anyhow::Result<bool> {
        let answer = self.ask_ok(sale, Step::ReadAvailability, &sale.availability_call).await?;
        let sections = sale.availability.read(&answer, SeatMap::of_availability)?;
        Ok(sections.iter().all(|(_, map)| map.held == 0 && map.available.len() < self.intent.quantity))
    }
}
