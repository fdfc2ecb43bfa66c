use fabrica::prelude::*;

#[derive(Clone, Debug, Resource)]
#[resource(version = "1", colour = "red", conditions(ready))]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
    status: DeviceStatus,
    extra: u8,
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
