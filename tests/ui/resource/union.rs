use fabrica::prelude::*;

#[derive(Clone, Copy, Resource)]
#[resource(group = "example.io", version = "v1")]
union Device {
    spec: u8,
    status: u8,
}

fn main() {}
