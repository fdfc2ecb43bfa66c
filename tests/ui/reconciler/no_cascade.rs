use fabrica::prelude::*;

#[reconciler(timeout = "soon")]
async fn reconcile_device(device: &mut Device) -> Result<Action> {
    let _ = device;
    Ok(Action::AwaitChange)
}

fn registered() -> &'static str {
    <reconcile_device as fabrica::reconciler::Reconciler>::NAME
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

fn main() {
    registered();
}
