//! Programs to copy. Each folder beside this one is a program of its own: `cargo run --example device` runs
//! `device/main.rs`.
