//! What may happen to an event: drawn at random, made concrete, and carried out.

use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use crate::harness::TestServer;
use crate::stored::{Ask, Claimed, Notice, Seat, Session, Wanted, make_due};

/// A random step: it refers to orders and earlier steps by number, modulo how many there are by then.
#[derive(Clone, Debug)]
pub enum Action {
    Claim(Vec<Wish>),
    Repeat(usize),
    Pay(Vec<Money>),
    Cancel {
        order: usize,
        is_own: bool,
    },
    /// Keeps every seat of the order whose index is in the pattern; a stray seat belongs to no order.
    Release {
        order: usize,
        is_own: bool,
        keep: u8,
        is_stray: bool,
    },
    Expire {
        order: usize,
        make_due: bool,
    },
    Block {
        section_no: i32,
        seat_nos: Vec<i32>,
    },
    Unblock {
        section_no: i32,
        seat_nos: Vec<i32>,
    },
    SetOpen(bool),
    SetOver(bool),
}

/// A random claim.
#[derive(Clone, Debug)]
pub struct Wish {
    pub(super) customer: u8,
    pub(super) key: Option<u8>,
    pub(super) wanted: Wanted,
}

/// A random payment notice.
#[derive(Clone, Debug)]
pub enum Money {
    Right {
        order: usize,
    },
    TooLittle {
        order: usize,
    },
    WrongCurrency {
        order: usize,
    },
    Failed {
        order: usize,
    },
    /// An earlier notice again.
    Same {
        notice: usize,
    },
    /// An earlier notice's reference, now successful.
    Succeeded {
        notice: usize,
    },
    /// An earlier notice's reference, now failed: a reversal if it had succeeded.
    Reversed {
        notice: usize,
    },
    /// An earlier notice's reference for some order.
    Other {
        notice: usize,
        order: usize,
    },
}

/// A concrete step.
#[derive(Clone, Debug)]
pub enum Step {
    Claim(Vec<Ask>),
    Settle(Vec<Notice>),
    Cancel { order_id: Uuid, customer_id: String },
    Release { order_id: Uuid, customer_id: String, kept: Vec<Seat> },
    Expire { order_id: Uuid, make_due: bool },
    Block { section_no: i32, seat_nos: Vec<i32> },
    Unblock { section_no: i32, seat_nos: Vec<i32> },
    SetOpen(bool),
    SetOver(bool),
}

/// The result of a step; a refusal by its SQLSTATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Claimed(Vec<Claimed>),
    Settled(Vec<String>),
    Cancelled(Result<String, String>),
    Released(Result<(String, i64), String>),
    Expired(String),
    Changed(Result<i32, String>),
    Done,
}

/// Any action; a batch of searches has at most `searches_max` of them.
pub fn action(searches_max: usize) -> impl Strategy<Value = Action> {
    let seats = (1..=3, vec(prop_oneof![30 => 1..=12_i32, 1 => Just(0), 1 => Just(13)], 1..=4));
    prop_oneof![
        8 => vec(wish(named_seats()), 1..=3).prop_map(Action::Claim),
        8 => vec(wish(any_seats()), 1..=searches_max).prop_map(Action::Claim),
        1 => any::<usize>().prop_map(Action::Repeat),
        8 => vec(money(), 1..=3).prop_map(Action::Pay),
        3 => (any::<usize>(), prop::bool::weighted(0.9)).prop_map(|(order, is_own)| Action::Cancel { order, is_own }),
        4 => (any::<usize>(), prop::bool::weighted(0.95), any::<u8>(), prop::bool::weighted(0.05))
            .prop_map(|(order, is_own, keep, is_stray)| Action::Release { order, is_own, keep, is_stray }),
        3 => (any::<usize>(), prop::bool::weighted(0.8)).prop_map(|(order, make_due)| Action::Expire { order, make_due }),
        2 => seats.clone().prop_map(|(section_no, seat_nos)| Action::Block { section_no, seat_nos }),
        3 => seats.prop_map(|(section_no, seat_nos)| Action::Unblock { section_no, seat_nos }),
        1 => prop::bool::weighted(0.7).prop_map(Action::SetOpen),
        1 => prop::bool::weighted(0.3).prop_map(Action::SetOver),
    ]
}

fn wish(wanted: impl Strategy<Value = Wanted>) -> impl Strategy<Value = Wish> {
    let parts = (0..4_u8, prop::option::weighted(0.3, 0..3_u8), wanted);
    parts.prop_map(|(customer, key, wanted)| Wish { customer, key, wanted })
}

fn named_seats() -> impl Strategy<Value = Wanted> {
    let section_no = || prop_oneof![40 => 1..=3_i32, 1 => Just(4)];
    let seat_no = || prop_oneof![60 => 1..=12_i32, 1 => Just(0), 1 => Just(13)];
    vec((section_no(), seat_no()), 0..=4).prop_map(Wanted::Seats)
}

fn any_seats() -> impl Strategy<Value = Wanted> {
    let section_no = prop_oneof![30 => 1..=3_i32, 1 => Just(4)];
    let quantity = prop_oneof![30 => 1..=5_i32, 1 => Just(0), 1 => Just(101)];
    (section_no, quantity).prop_map(|(section_no, quantity)| Wanted::Best { section_no, quantity })
}

fn money() -> impl Strategy<Value = Money> {
    let number = any::<usize>;
    prop_oneof![
        12 => number().prop_map(|order| Money::Right { order }),
        1 => number().prop_map(|order| Money::TooLittle { order }),
        1 => number().prop_map(|order| Money::WrongCurrency { order }),
        2 => number().prop_map(|order| Money::Failed { order }),
        2 => number().prop_map(|notice| Money::Same { notice }),
        2 => number().prop_map(|notice| Money::Succeeded { notice }),
        3 => number().prop_map(|notice| Money::Reversed { notice }),
        1 => (number(), number()).prop_map(|(notice, order)| Money::Other { notice, order }),
    ]
}

impl Step {
    /// Carries the step out on the real database.
    pub async fn perform(&self, server: &TestServer, session: &Session) -> Outcome {
        match self {
            Self::Claim(asks) if asks.is_empty() => Outcome::Claimed(vec![]),
            Self::Claim(asks) => Outcome::Claimed(session.claim(asks).await),
            Self::Settle(notices) => Outcome::Settled(session.settle(notices).await),
            Self::Cancel { order_id, customer_id } => Outcome::Cancelled(session.cancel(*order_id, customer_id).await),
            Self::Release { order_id, customer_id, kept } => Outcome::Released(session.release(*order_id, customer_id, kept).await),
            Self::Expire { order_id, make_due: is_made_due } => {
                if *is_made_due {
                    make_due(server, *order_id).await;
                }
                Outcome::Expired(session.expire(*order_id).await)
            }
            Self::Block { section_no, seat_nos } => Outcome::Changed(session.block(*section_no, seat_nos).await),
            Self::Unblock { section_no, seat_nos } => Outcome::Changed(session.unblock(*section_no, seat_nos).await),
            Self::SetOpen(open) => {
                session.set_open(*open).await;
                Outcome::Done
            }
            Self::SetOver(over) => {
                session.set_over(*over).await;
                Outcome::Done
            }
        }
    }
}
