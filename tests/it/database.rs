//! The database as it is shipped: schema, functions, roles, migrations, and the view that judges it.

mod backup;
mod calls;
mod compose;
mod deadlines;
pub mod functions;
mod hot_updates;
mod invariants;
mod migrations;
mod roles;
mod round_trips;
mod schema;
mod sqlstates;
