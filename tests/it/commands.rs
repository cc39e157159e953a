//! The `rowlock` binary, as people and their machines run it.

mod bench;
mod demo;
mod help;
pub mod process;
mod rush;
mod secrets;
mod serve;
