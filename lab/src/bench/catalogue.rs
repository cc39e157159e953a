//! Every figure there is, in the order of the report.

use super::figure::Goal;

/// Figures that are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Ten thousand buyers on ten thousand seats.
    Rushes,
    /// Closed loops on 256 connections.
    Loops,
    /// A small event beside a large one.
    Sizes,
    /// Ten thousand readers while claims run.
    Reads,
    /// A claim that has the server to itself.
    Single,
    /// Ten thousand rivals for one seat.
    Rivals,
    /// Ten thousand orders due together.
    Expiry,
}

impl Group {
    /// All groups, in the order of a round.
    pub const ALL: [Self; 7] = [Self::Rushes, Self::Loops, Self::Sizes, Self::Reads, Self::Single, Self::Rivals, Self::Expiry];

    /// Its name while it runs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rushes => "rushes",
            Self::Loops => "256 connections",
            Self::Sizes => "event sizes",
            Self::Reads => "10,000 readers",
            Self::Single => "single claims",
            Self::Rivals => "one seat",
            Self::Expiry => "orders due together",
        }
    }
}

/// What a figure is, before it is measured.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Names it for `--only`.
    pub id: &'static str,
    /// The group it is measured with.
    pub group: Group,
    /// What it measures.
    pub what: &'static str,
    /// Its unit; empty for a ratio.
    pub unit: &'static str,
    /// What it is compared with.
    pub goal: Option<Goal>,
}

const fn at_most(id: &'static str, group: Group, what: &'static str, unit: &'static str, must: f64, aim: f64) -> Spec {
    Spec { id, group, what, unit, goal: Some(Goal::AtMost { must, aim }) }
}

const fn at_least(id: &'static str, group: Group, what: &'static str, must: f64, aim: f64) -> Spec {
    Spec { id, group, what, unit: "", goal: Some(Goal::AtLeast { must, aim }) }
}

/// The load generator may use a third of the CPU time that everything together uses.
const fn share(id: &'static str, group: Group, what: &'static str) -> Spec {
    at_most(id, group, what, "", 1.0 / 3.0, 1.0 / 3.0)
}

const fn base(id: &'static str, group: Group, what: &'static str, unit: &'static str) -> Spec {
    Spec { id, group, what, unit, goal: None }
}

/// Every figure: first those with a goal, then what they are made of.
pub const SPECS: &[Spec] = &[
    at_most("rush_s", Group::Rushes, "reference rush, claim and pay: 10,000 buyers, connections and seats", "s", 3.0, 1.5),
    at_most("rush_with_reads_s", Group::Rushes, "the same with both reads before the claim", "s", 5.0, 3.0),
    at_least("claims_per_update", Group::Loops, "claims/s ÷ pgbench's bare one-row update per commit, 8 clients", 1.3, 2.0),
    at_least("claims_per_no_op", Group::Loops, "claims/s ÷ no-op typed POST/s, both at 256 connections", 0.5, 0.65),
    at_least("orders_per_no_op_pair", Group::Loops, "claim-and-pay orders/s ÷ pairs of no-op POSTs/s, 256 connections", 0.45, 0.6),
    at_least("best_per_claim", Group::Loops, "best-available claims/s, one section from empty to full ÷ claims/s", 0.7, 1.0),
    at_least("large_event_per_small", Group::Sizes, "claims/s in the large event ÷ in one of 10,000 seats", 0.85, 0.95),
    at_least("summaries_per_no_op", Group::Reads, "summaries/s to 10,000 connections while claims run ÷ no-op GET/s", 0.7, 0.9),
    at_most("large_summary_per_small", Group::Sizes, "p99 of an uncached summary, large event ÷ one of 10,000 seats", "", 1.5, 1.1),
    at_most("single_claim_per_call", Group::Single, "a single claim over HTTP ÷ its stored function called directly, p50", "", 2.0, 1.4),
    at_most("one_seat_s", Group::Rivals, "one seat, 10,000 rivals: one winner, all answered", "s", 1.5, 0.7),
    at_most("due_together_p99_ms", Group::Expiry, "10,000 orders due together: 99% of the seats on sale again", "ms", 250.0, 100.0),
    at_most("server_memory_mb", Group::Rushes, "server's memory with 10,000 connections open, after a rush", "MB", 400.0, 150.0),
    share("generator_rush", Group::Rushes, "generator's share of the CPU: reference rush"),
    share("generator_rush_with_reads", Group::Rushes, "generator's share of the CPU: rush with both reads"),
    share("generator_claims", Group::Loops, "generator's share of the CPU: claims"),
    share("generator_orders", Group::Loops, "generator's share of the CPU: claim and pay"),
    share("generator_best", Group::Loops, "generator's share of the CPU: best available"),
    share("generator_sizes", Group::Sizes, "generator's share of the CPU: claims in both events"),
    share("generator_rivals", Group::Rivals, "generator's share of the CPU: one seat"),
    share("generator_summaries", Group::Reads, "generator's share of the CPU: summaries"),
    share("generator_due_together", Group::Expiry, "generator's share of the CPU: orders due together"),
    base("hot_seats", Group::Rushes, "heap-only updates of seats, of all in the first round's rushes", ""),
    base("hot_orders", Group::Rushes, "heap-only updates of orders, of all in the first round's rushes", ""),
    base("hot_sections", Group::Rushes, "heap-only updates of sections, of all in the first round's rushes", ""),
    base("rush_choosing_s", Group::Rushes, "rush of buyers who read, choose and collide", "s"),
    base("generator_rush_choosing", Group::Rushes, "generator's share of the CPU: rush with choosing", ""),
    base("claims_per_s", Group::Loops, "claims, durable, of one seat each, 256 connections", "/s"),
    base("updates_per_s", Group::Loops, "pgbench: bare one-row update per commit, 8 clients", "/s"),
    base("no_ops_per_s", Group::Loops, "no-op typed POST, 256 connections", "/s"),
    base("customer_no_ops_per_s", Group::Loops, "no-op typed POST with the customer's token verified, 256 connections", "/s"),
    base("generator_no_ops", Group::Loops, "generator's share of the CPU: no-op POST", ""),
    base("generator_customer_no_ops", Group::Loops, "generator's share of the CPU: no-op POST with a token", ""),
    base("generator_no_op_pairs", Group::Loops, "generator's share of the CPU: pairs of no-op POSTs", ""),
    base("no_op_cpu_us", Group::Loops, "CPU of everything for a no-op POST", "µs"),
    base("customer_no_op_cpu_us", Group::Loops, "CPU of everything for a no-op POST with a token", "µs"),
    base("claim_cpu_us", Group::Loops, "CPU of everything for a claim", "µs"),
    base("orders_per_s", Group::Loops, "claim and pay, 256 connections", "/s"),
    base("no_op_pairs_per_s", Group::Loops, "pairs of no-op POSTs, 256 connections", "/s"),
    base("no_op_pair_cpu_us", Group::Loops, "CPU of everything for a pair of no-op POSTs", "µs"),
    base("order_cpu_us", Group::Loops, "CPU of everything for a claim and its payment", "µs"),
    base("best_per_s", Group::Loops, "best-available claims of one seat each, 256 connections", "/s"),
    base("small_event_claims_per_s", Group::Sizes, "claims in an event of 10,000 seats", "/s"),
    base("large_event_claims_per_s", Group::Sizes, "claims in the large event", "/s"),
    base("small_summary_p99_ms", Group::Sizes, "uncached summary of an event of 10,000 seats, p99", "ms"),
    base("large_summary_p99_ms", Group::Sizes, "uncached summary of the large event, p99", "ms"),
    base("summaries_per_s", Group::Reads, "section summaries to 10,000 connections while claims run", "/s"),
    base("no_op_reads_per_s", Group::Reads, "no-op typed GET to 10,000 connections while the same claims run", "/s"),
    base("claims_beside_summaries_per_s", Group::Reads, "claims that ran beside the summaries", "/s"),
    base("claims_beside_no_ops_per_s", Group::Reads, "claims that ran beside the no-op GETs", "/s"),
    base("single_claim_ms", Group::Single, "a single claim over HTTP, p50", "ms"),
    base("single_call_ms", Group::Single, "its stored function called directly, p50", "ms"),
    base("generator_single", Group::Single, "generator's share of the CPU: single claims and single calls", ""),
    base("one_seat_p99_ms", Group::Rivals, "one seat, 10,000 rivals: p99 of their answers", "ms"),
    base("due_together_last_ms", Group::Expiry, "10,000 orders due together: the last seat on sale again", "ms"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_figure_has_a_name_of_its_own_and_an_aim_at_least_as_hard_as_what_must_be() {
        assert_eq!(SPECS.iter().map(|spec| spec.id).collect::<BTreeSet<_>>().len(), SPECS.len());
        for spec in SPECS {
            assert!(spec.goal.is_none_or(|goal| goal.holds(goal.aim())), "{}", spec.id);
        }
    }

    #[test]
    fn the_page_of_benchmarks_has_every_figure_that_has_a_goal() {
        let page = include_str!("../../../BENCHMARKS.md");
        for spec in SPECS.iter().filter(|spec| spec.goal.is_some() && !spec.id.starts_with("generator_")) {
            assert!(page.contains(&format!("\n| `{}` | {} |", spec.id, spec.what)), "{}", spec.id);
        }
    }

    #[test]
    fn every_group_has_figures() {
        let groups: BTreeSet<_> = SPECS.iter().map(|spec| spec.group).collect();
        assert_eq!(groups, Group::ALL.into_iter().collect());
    }
}
