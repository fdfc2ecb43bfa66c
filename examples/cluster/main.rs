//! Objects that own others: a cluster names its nodes, makes them, and says how many of them are ready.
//!
//! `cargo run --example cluster -- run --apply examples/cluster/` shows it live. While it runs: edit the manifest, and see
//! nodes come and go; take it away, and see them go with their cluster.
//!
//! - `cluster.rs`: the kind `Cluster`, which owns nodes
//! - `node.rs`: the kind `Node`, which boots for a while before it is ready

mod cluster;
mod node;
#[cfg(test)]
mod tests;

fn main() -> std::process::ExitCode {
    fabrica::main()
}
