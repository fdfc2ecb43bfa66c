//! The command line that a program gets, tested on a program that runs as a process.

#![allow(missing_docs, clippy::unwrap_used)]

mod apply;
mod backup;
#[path = "../built.rs"]
mod built;
mod data;
mod declarations;
mod dump;
mod program;
mod run;
mod table;
