//! The `rowlock` binary, as people and scripts run it.

mod advice;
mod bench;
mod demo;
mod help;
mod log;
pub mod process;
mod rush;
mod secrets;
mod serve;
