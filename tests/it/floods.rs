//! Clients that take all they can get: nobody shuts the others out by connections or bodies.

mod bodies;
mod connections;
