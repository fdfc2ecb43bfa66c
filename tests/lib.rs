//! The contract tests stand beside this file. Here is what several of them share, and the code of the README and of
//! the guides is compiled and run.

pub mod folder;
pub mod fuzz;
pub mod ledger;
pub mod random;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../docs/guide.md")]
mod guide {}

#[cfg(doctest)]
#[doc = include_str!("../docs/ownership.md")]
mod ownership {}
