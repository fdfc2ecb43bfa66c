//! `fabrica::testing::explore`: what it finds, what it leaves alone, and what it says.

#![allow(clippy::unwrap_used, clippy::unused_async)] // helpers of tests are tests

mod faults;
mod mended;
mod oracles;
mod outside;
mod planted;
mod replay;
mod report;
mod things;
