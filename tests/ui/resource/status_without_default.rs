use fabrica::prelude::*;

#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1")]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
    status: DeviceStatus,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct DeviceStatus {
    conditions: Conditions,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct DeviceSpec {
    rack: String,
}

fn main() {}
