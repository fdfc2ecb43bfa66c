use fabrica::prelude::*;

#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1", conditions(Ready, Reachable, Ready))]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
    status: DeviceStatus,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct DeviceSpec {
    rack: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct DeviceStatus {
    conditions: Conditions,
}

fn main() {}
