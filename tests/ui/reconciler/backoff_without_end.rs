use fabrica::prelude::*;

#[reconciler(backoff(base = "1s"))]
async fn reconcile_device(device: &mut Device) -> Result<Action> {
    let _ = device;
    Ok(Action::AwaitChange)
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
