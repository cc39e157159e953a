//! What a server does in the background.

pub(crate) mod expiry;
pub(crate) mod pruning;
