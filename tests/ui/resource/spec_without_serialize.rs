use fabrica::prelude::*;

#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1")]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
struct DeviceSpec {
    rack: String,
}

fn main() {}
