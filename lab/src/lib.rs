//! Everything that tries Rowlock out: private servers, crowds of buyers, benchmarks. The product never uses it; its tests do.

pub mod bench;
pub mod charts;
pub mod client;
pub mod commands;
pub mod embedded;
pub mod rush;
pub mod stack;
