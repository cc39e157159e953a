//! The database: schema, functions, roles, migrations, and the view of violated invariants.

mod advisory_locks;
mod backup;
mod calls;
mod compose;
mod deadlines;
mod function_files;
pub mod functions;
mod grown_answers;
mod hardening;
mod hot_updates;
mod inconsistent;
mod invariants;
mod migrations;
mod roles;
mod round_trips;
mod schema;
mod small_plans;
mod sqlstates;
mod tls;
