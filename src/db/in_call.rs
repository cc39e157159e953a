//! A call under way, whose caller may go away before it ends.

use deadpool_postgres::Object;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::pool_turns::Turn;

/// A connection of the pool during a call.
///
/// If the caller goes away or waits no longer, PostgreSQL still carries out the call. The connection then goes back to the pool, and the
/// caller's turn ends, only once the call has ended: otherwise whoever hangs up again and again would have any number of calls under way,
/// with everybody else's queued behind them.
pub(super) struct InCall {
    client: Option<Object>,
    turn: Option<Turn>,
    /// When the connection counts as lost.
    lost_at: Instant,
}

impl InCall {
    pub(super) fn begin(client: Object, turn: Option<Turn>, lost_at: Instant) -> Self {
        Self { client: Some(client), turn, lost_at }
    }

    pub(super) fn client(&mut self) -> &mut Object {
        self.client.as_mut().expect("a call has its connection until it ends")
    }

    /// The call has ended.
    pub(super) fn end(mut self) -> Object {
        self.client.take().expect("a call has its connection until it ends")
    }
}

impl Drop for InCall {
    fn drop(&mut self) {
        let (client, turn, lost_at) = (self.client.take(), self.turn.take(), self.lost_at);
        // At a stop there is no runtime any more, and no pool either.
        let (Some(client), Ok(runtime)) = (client, Handle::try_current()) else { return };
        runtime.spawn(async move {
            if !matches!(timeout_at(lost_at, client.batch_execute("")).await, Ok(Ok(()))) {
                drop(Object::take(client));
            }
            drop(turn);
        });
    }
}
