//! Stored functions that do a part of the work, put in the place of the real ones while a load runs: what a claim and a payment cost
//! with less and less of them, over the very same way, until only the way is left.
//!
//! They keep none of the promises, know requests of one seat each only, and exist in the private database of a measurement alone.

use anyhow::Context;
use tokio_postgres::Client;

/// How much of the work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Nothing: PostgreSQL is asked, and answers at once.
    Asked,
    /// The order, and the payment, are written: as in any design.
    Written,
    /// The seats are held, and sold, too: the least with a row for each seat.
    Held,
    /// All of it: the real functions.
    Whole,
}

impl Part {
    /// The functions that do it; `None`: those that are there anyway.
    fn sql(self) -> Option<&'static str> {
        match self {
            Self::Asked => Some(include_str!("stand_ins/asked.sql")),
            Self::Written => Some(include_str!("stand_ins/written.sql")),
            Self::Held => Some(include_str!("stand_ins/held.sql")),
            Self::Whole => None,
        }
    }
}

/// The real functions, to be put back.
pub struct Originals(Vec<String>);

/// Has claims and payments do that part of their work only, until the originals are put back.
///
/// # Errors
/// When PostgreSQL refuses it.
pub async fn put_in(db: &Client, part: Part) -> anyhow::Result<Originals> {
    let Some(sql) = part.sql() else { return Ok(Originals(Vec::new())) };
    let real = "select pg_get_functiondef(p.oid) from pg_proc p
                 where p.pronamespace = 'rowlock'::regnamespace and p.proname in ('claim_seats', 'settle_payments')";
    let rows = db.query(real, &[]).await.context("cannot read the stored functions")?;
    db.batch_execute(sql).await.context("cannot replace the stored functions")?;
    Ok(Originals(rows.iter().map(|row| row.get(0)).collect()))
}

impl Originals {
    /// Puts the real functions back.
    ///
    /// # Errors
    /// When PostgreSQL refuses it.
    pub async fn put_back(self, db: &Client) -> anyhow::Result<()> {
        for definition in self.0 {
            db.batch_execute(&definition).await.context("cannot put the stored functions back")?;
        }
        Ok(())
    }
}
