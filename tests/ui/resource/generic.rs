use fabrica::prelude::*;

#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1")]
struct Device<T> {
    metadata: Metadata,
    spec: T,
}

fn main() {}
