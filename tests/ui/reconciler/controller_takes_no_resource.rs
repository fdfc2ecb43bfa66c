use fabrica::prelude::*;

struct DeviceController;

#[reconciler]
impl DeviceController {
    async fn reconcile(&self, ctx: &Context) -> Result<Action> {
        let _ = ctx;
        Ok(Action::AwaitChange)
    }
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
