use fabrica::prelude::*;

#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1", selectable = "rack")]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct DeviceSpec {
    rack: String,
}

fn main() {}
