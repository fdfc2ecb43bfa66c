//! A rack of machines, grown from a template: racks own chassis, chassis own blades, blades own nodes and BMCs.
//!
//! `cargo run --example rack -- run --data data --apply examples/rack/` grows the rack of the manifests in that folder.
//! While it runs: change the template's numbers, take the rack's document away, or kill the program and start it again.
//!
//! - `template.rs`: the kind `RackTemplate`, which can't go while a rack uses it
//! - `rack.rs`, `chassis.rs`, `blade.rs`, `node.rs`, `bmc.rs`: a kind each, with its reconcile function
//! - `counts.rs`: how many of everything there are, added up from the blades to the rack
//! - `hardware.rs`: the machines themselves, simulated

mod blade;
mod bmc;
mod chassis;
mod counts;
mod hardware;
mod node;
mod rack;
mod template;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use fabrica::cli::App;
use fabrica::prelude::*;
use hardware::Hardware;

fn main() -> ExitCode {
    App::new().configure(|builder| builder.state(Hardware::of(Duration::from_secs(1)))).main()
}
