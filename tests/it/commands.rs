//! The `rowlock` binary, as people and their machines run it.

mod demo;
mod help;
mod process;
mod rush;
mod secrets;
mod serve;
