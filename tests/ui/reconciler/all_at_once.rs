use fabrica::prelude::*;

#[reconciler(timeout = "soon", speed = 3)]
fn reconcile_device(device: &Device, log: impl Sized) {
    let _ = (device, log);
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
