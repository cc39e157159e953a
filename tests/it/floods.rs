//! Clients that take all they can get: nobody shuts the others out by connections, bodies, work or slowness.

mod bodies;
mod connections;
mod large_requests;
mod rate_limits;
mod slow_readers;
