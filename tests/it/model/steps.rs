//! What may happen to an event: drawn at random, made concrete, and carried out.

use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use crate::harness::TestServer;
use crate::stored::{Ask, Claimed, Notice, Placed, Seat, Session, Wanted, make_due};

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
    customer: u8,
    key: Option<u8>,
    wanted: Wanted,
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
        1 => (number(), number()).prop_map(|(notice, order)| Money::Other { notice, order }),
    ]
}

/// What has happened so far, for steps that refer to it.
#[derive(Default)]
pub struct Past {
    asks: Vec<Ask>,
    orders: Vec<(Placed, String)>,
    notices: Vec<Notice>,
}

impl Past {
    /// Makes an action concrete.
    pub fn step(&mut self, action: &Action) -> Step {
        match action.clone() {
            Action::Claim(wishes) => {
                let asks: Vec<Ask> = wishes.into_iter().map(Wish::ask).collect();
                self.asks.extend_from_slice(&asks);
                Step::Claim(asks)
            }
            Action::Repeat(ask) => Step::Claim(pick(&self.asks, ask).into_iter().collect()),
            Action::Pay(monies) => Step::Settle(monies.into_iter().map(|money| self.notice(money)).collect()),
            Action::Cancel { order, is_own } => {
                let (order, owner) = self.order(order);
                let customer_id = if is_own { owner } else { "a stranger".to_owned() };
                Step::Cancel { order_id: order.order_id, customer_id }
            }
            Action::Release { order, is_own, keep, is_stray } => {
                let (order, owner) = self.order(order);
                let is_kept = |place: &usize| keep & (1 << (place % 8)) != 0;
                let kept = order.seats.iter().enumerate().filter(|(place, _)| is_kept(place)).map(|(_, seat)| *seat);
                let kept = kept.chain(is_stray.then_some((1, 99))).collect();
                let customer_id = if is_own { owner } else { "a stranger".to_owned() };
                Step::Release { order_id: order.order_id, customer_id, kept }
            }
            Action::Expire { order, make_due } => Step::Expire { order_id: self.order(order).0.order_id, make_due },
            Action::Block { section_no, seat_nos } => Step::Block { section_no, seat_nos },
            Action::Unblock { section_no, seat_nos } => Step::Unblock { section_no, seat_nos },
            Action::SetOpen(open) => Step::SetOpen(open),
            Action::SetOver(over) => Step::SetOver(over),
        }
    }

    /// Remembers the orders that a step created, and their new amounts.
    pub fn learn(&mut self, step: &Step, outcome: &Outcome) {
        if let (Step::Release { order_id, kept, .. }, Outcome::Released(Ok((_, amount_minor)))) = (step, outcome)
            && let Some((order, _)) = self.orders.iter_mut().find(|(order, _)| order.order_id == *order_id)
        {
            order.amount_minor = *amount_minor;
            order.seats.retain(|seat| kept.contains(seat));
        }
        if let (Step::Claim(asks), Outcome::Claimed(answers)) = (step, outcome) {
            let made = asks.iter().zip(answers).filter(|(_, answer)| answer.outcome == "claimed");
            self.orders.extend(made.map(|(ask, answer)| (answer.order(), ask.customer_id.clone())));
        }
    }

    /// An order created so far, or an unknown one if there is none yet.
    fn order(&self, number: usize) -> (Placed, String) {
        let unknown = || Placed { order_id: Uuid::now_v7(), status: String::new(), seats: vec![], amount_minor: 1, window_ms: 0 };
        pick(&self.orders, number).unwrap_or_else(|| (unknown(), "nobody".to_owned()))
    }

    fn notice(&mut self, money: Money) -> Notice {
        let good = |order| Notice::of(&self.order(order).0);
        let earlier = |number| pick(&self.notices, number).unwrap_or_else(|| good(number));
        let notice = match money {
            Money::Right { order } => good(order),
            Money::TooLittle { order } => Notice { amount_minor: (good(order).amount_minor - 1).max(0), ..good(order) },
            Money::WrongCurrency { order } => Notice { currency: "EUR".to_owned(), ..good(order) },
            Money::Failed { order } => Notice { succeeded: false, ..good(order) },
            Money::Same { notice } => earlier(notice),
            Money::Succeeded { notice } => Notice { succeeded: true, ..earlier(notice) },
            Money::Other { notice, order } => Notice { reference: earlier(notice).reference, ..good(order) },
        };
        self.notices.push(notice.clone());
        notice
    }
}

fn pick<T: Clone>(past: &[T], number: usize) -> Option<T> {
    (!past.is_empty()).then(|| past[number % past.len()].clone())
}

impl Wish {
    fn ask(self) -> Ask {
        let key = self.key.map(|key| format!("key-{key}"));
        Ask { order_id: Uuid::now_v7(), customer_id: format!("customer-{}", self.customer), key, wanted: self.wanted }
    }
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
