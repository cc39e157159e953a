//! One customer does not cost what many do: neither seats, nor connections, nor time.

mod cooldown;
mod hoarders;
mod late_payers;
mod listing;
mod postgres_log;
mod pruning;
mod turns;
