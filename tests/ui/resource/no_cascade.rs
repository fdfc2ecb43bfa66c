use fabrica::prelude::*;

#[derive(Clone, Debug, Resource)]
#[resource(group = "example io", version = "v1", conditions(Ready))]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
    status: DeviceStatus,
}

#[reconciler]
async fn reconcile_device(device: &mut Device) -> Result<Action> {
    device.set_ready(true, "Seen", "It was seen");
    Ok(Action::AwaitChange)
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
