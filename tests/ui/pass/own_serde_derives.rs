use fabrica::prelude::*;

// A resource may derive what it likes beside.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Resource)]
#[resource(group = "example.io", version = "v1")]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct DeviceSpec {
    rack: String,
}

fn main() {
    assert_eq!(Device::new("d", DeviceSpec::default()).kind(), "Device");
}
