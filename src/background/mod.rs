//! What a server does without being asked.

pub(crate) mod expiry;
