//! The kinds of all examples in one program, to export their schemas:
//! `cargo run --example catalog -- schemas --out schemas` (with `--check`: are the files there still right?).

#![allow(dead_code)] // the programs are here for their kinds: nothing calls their `main`

#[path = "../cluster/main.rs"]
mod clusters;
#[path = "../device/main.rs"]
mod device;
#[path = "../supervisor/process.rs"]
mod process;
#[path = "../rack/main.rs"]
mod racks;

fn main() -> std::process::ExitCode {
    fabrica::main()
}
