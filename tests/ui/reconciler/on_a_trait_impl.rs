use fabrica::prelude::*;

#[reconciler]
impl Drop for DeviceSpec {
    fn drop(&mut self) {}
}

#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1")]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct DeviceSpec {
    rack: String,
}

fn main() {}
