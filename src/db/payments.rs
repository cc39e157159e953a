//! What is known of payments.

use super::{Db, DbError};
use crate::domain::PaymentOutcome;

impl Db {
    /// What became of a payment when it was settled; `None` if it is not recorded.
    pub async fn payment_outcome(
        &self,
        event_id: i64,
        provider: &str,
        provider_reference: &str,
    ) -> Result<Option<PaymentOutcome>, DbError> {
        let sql = "select rowlock.payment_outcome($1, $2, $3)";
        let row = self.query_one(sql, &[&event_id, &provider, &provider_reference]).await?;
        let Some(name) = row.get::<_, Option<&str>>(0) else { return Ok(None) };
        let outcome = PaymentOutcome::from_name(name);
        outcome.map(Some).ok_or_else(|| DbError::Internal(format!("unknown payment outcome {name}")))
    }
}
