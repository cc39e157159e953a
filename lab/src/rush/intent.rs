//! What each buyer of a crowd wants and when it arrives, drawn from the plan's seed before the start.

use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng, seq::SliceRandom};

use super::Plan;

/// What a buyer wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intent {
    /// How many seats, in one order.
    pub quantity: usize,
    /// Lets the server pick the seats.
    pub best_available: bool,
    /// Claims, and never pays.
    pub abandon: bool,
    /// Reads the sections and the seats before the first claim.
    pub reads: bool,
    /// Leaves when its first claim is refused.
    pub one_try: bool,
    /// Which seats it tries first.
    pub spot: Option<Spot>,
    /// When it arrives, counted from the start.
    pub arrival: Duration,
}

/// A place a buyer has in mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The position of its section.
    pub section: usize,
    /// The first of its seats; the others follow it.
    pub seat_no: i32,
}

/// A buyer's intent, and the random numbers for what it chooses later.
pub type Drawn = (Intent, SmallRng);

/// Draws every buyer's intent for an event whose sections have these capacities. The same plan and event give the same intents.
pub fn draw(plan: &Plan, capacities: &[usize]) -> Vec<Drawn> {
    let mut crowd_rng = SmallRng::seed_from_u64(plan.seed);
    let own = if plan.own_seat { own_spots(plan, capacities, &mut crowd_rng) } else { Vec::new() };
    let mut arrival = Duration::ZERO;
    (0..plan.buyers)
        .map(|index| {
            let mut rng = rng_of(plan.seed, index);
            let mut intent = Intent {
                quantity: plan.seats_per_order,
                best_available: rng.random_bool(plan.best_available),
                abandon: rng.random_bool(plan.abandon),
                reads: plan.reads,
                one_try: plan.one_try,
                spot: None,
                arrival,
            };
            if plan.own_seat && !intent.best_available {
                intent.spot = own.get(index).copied();
            } else if !plan.reads {
                intent.spot = any_spot(plan.seats_per_order, capacities, &mut rng);
            }
            if let Some(rate) = plan.rate {
                arrival += gap(rate, &mut crowd_rng);
            }
            (intent, rng)
        })
        .collect()
}

/// The generators of one seed must not be those of the next seed, shifted by one buyer.
fn rng_of(seed: u64, index: usize) -> SmallRng {
    SmallRng::seed_from_u64(seed ^ (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// The time to the next arrival of a Poisson stream of `rate` arrivals per second.
fn gap(rate: f64, rng: &mut impl Rng) -> Duration {
    let left: f64 = 1.0 - rng.random::<f64>();
    Duration::from_secs_f64(-left.ln() / rate)
}

/// Places that do not overlap, in random order: one for each buyer, as long as there are any.
fn own_spots(plan: &Plan, capacities: &[usize], rng: &mut impl Rng) -> Vec<Spot> {
    let quantity = plan.seats_per_order;
    let mut spots: Vec<Spot> = capacities
        .iter()
        .enumerate()
        .flat_map(|(section, capacity)| (0..capacity / quantity).map(move |group| spot(section, group * quantity)))
        .collect();
    let (chosen, _) = spots.partial_shuffle(rng, plan.buyers);
    chosen.to_vec()
}

/// A random place: every seat of the event is equally likely.
fn any_spot(quantity: usize, capacities: &[usize], rng: &mut impl Rng) -> Option<Spot> {
    let room = |capacity: &usize| (capacity + 1).saturating_sub(quantity);
    let total: usize = capacities.iter().map(room).sum();
    let mut rest = if total == 0 { return None } else { rng.random_range(0..total) };
    for (section, capacity) in capacities.iter().enumerate() {
        if rest < room(capacity) {
            return Some(spot(section, rest));
        }
        rest -= room(capacity);
    }
    None
}

fn spot(section: usize, seat_index: usize) -> Spot {
    Spot { section, seat_no: i32::try_from(seat_index + 1).unwrap_or(i32::MAX) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const CAPACITIES: [usize; 3] = [7, 1, 5];

    fn plan() -> Plan {
        Plan { buyers: 50, abandon: 0.5, best_available: 0.3, seed: 7, ..Plan::default() }
    }

    fn intents(plan: &Plan) -> Vec<Intent> {
        draw(plan, &CAPACITIES).into_iter().map(|(intent, _)| intent).collect()
    }

    #[test]
    fn the_same_seed_draws_the_same_intents_and_another_seed_others() {
        let plan = Plan { reads: false, rate: Some(100.0), ..plan() };
        assert_eq!(intents(&plan), intents(&plan));
        assert_ne!(intents(&plan), intents(&Plan { seed: 8, ..plan.clone() }));
        let next: Vec<u32> = draw(&plan, &CAPACITIES).iter_mut().map(|(_, rng)| rng.random()).collect();
        let again: Vec<u32> = draw(&plan, &CAPACITIES).iter_mut().map(|(_, rng)| rng.random()).collect();
        assert_eq!(next, again);
        assert_eq!(next.iter().collect::<HashSet<_>>().len(), next.len(), "buyers share their random numbers");
    }

    #[test]
    fn own_seats_never_overlap() {
        for quantity in 1..=3 {
            let plan = Plan { own_seat: true, seats_per_order: quantity, best_available: 0.0, ..plan() };
            let mut seen = HashSet::new();
            for spot in intents(&plan).into_iter().filter_map(|intent| intent.spot) {
                assert!(spot.seat_no as usize + quantity - 1 <= CAPACITIES[spot.section], "{spot:?} is outside of its section");
                for seat_no in spot.seat_no..spot.seat_no + quantity as i32 {
                    assert!(seen.insert((spot.section, seat_no)), "two buyers want {seat_no}");
                }
            }
            let places: usize = CAPACITIES.iter().map(|capacity| capacity / quantity).sum();
            assert_eq!(seen.len(), places * quantity, "{quantity} seats an order");
        }
    }

    #[test]
    fn those_who_do_not_read_go_anywhere_within_the_house() {
        let plan = Plan { reads: false, buyers: 500, seats_per_order: 2, best_available: 0.0, ..plan() };
        let seen: HashSet<(usize, i32)> =
            intents(&plan).iter().map(|intent| intent.spot.expect("a spot")).map(|spot| (spot.section, spot.seat_no)).collect();
        let all = (1..=6).map(|seat_no| (0, seat_no)).chain((1..=4).map(|seat_no| (2, seat_no))).collect();
        assert_eq!(seen, all);
        assert!(intents(&Plan { seats_per_order: 8, ..plan }).iter().all(|intent| intent.spot.is_none()));
    }

    #[test]
    fn everybody_comes_at_once_unless_a_rate_spreads_them() {
        assert!(intents(&plan()).iter().all(|intent| intent.arrival.is_zero() && intent.spot.is_none()));
        let spread = intents(&Plan { buyers: 2000, rate: Some(100.0), ..plan() });
        assert!(spread.is_sorted_by_key(|intent| intent.arrival));
        let seconds = spread[1999].arrival.as_secs_f64();
        assert!((17.0..23.0).contains(&seconds), "2000 buyers at 100/s came within {seconds} s");
        // The gaps of a Poisson stream: a share of 1 − 1/e is shorter than the mean.
        let short = spread.windows(2).filter(|pair| pair[1].arrival - pair[0].arrival < Duration::from_millis(10)).count();
        assert!((1150..1380).contains(&short), "{short} of 1999 gaps are short");
    }
}
