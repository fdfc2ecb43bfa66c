//! The command line that a program gets: `run`, `backup`, `restore`, `dump`, `load`, `schemas`, `crds`, `graph`,
//! `check`, and `kubeconfig` with feature `api`.
//!
//! Flags go before the environment (`FABRICA_..`), which goes before the defaults; `--help` states all of them. The log
//! and errors go to stderr, everything else to stdout. The exit code is 0, or 1 after an error, or 2 for wrong usage.

mod app;
mod apply;
mod args;
mod backup;
mod check;
mod copy;
mod crds;
mod data;
mod dump;
mod graph;
#[cfg(feature = "api")]
mod kubeconfig;
mod log;
#[cfg(feature = "testing")]
pub(crate) mod parsers;
mod run;
mod schemas;
mod signals;
mod table;

use std::process::ExitCode;

pub use app::App;
pub use data::DataDir;

/// The command line for everything that is linked into the program; `fabrica::main()`.
///
/// It makes its own tokio runtime, so `main` is a plain function. For a program with states or with something to do at
/// its start and end, see [`App`].
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     fabrica::main()
/// }
/// ```
#[must_use]
pub fn main() -> ExitCode {
    App::new().main()
}
