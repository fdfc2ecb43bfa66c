use fabrica::prelude::*;

#[derive(Clone, Debug, Resource)]
#[resource(group, version = "v1")]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct DeviceSpec {
    rack: String,
}

fn main() {}
