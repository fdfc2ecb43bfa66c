use fabrica::prelude::*;

#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1", conditions(Ready))]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
    status: DeviceStatus,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct DeviceStatus {
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct DeviceSpec {
    rack: String,
}

fn main() {}
