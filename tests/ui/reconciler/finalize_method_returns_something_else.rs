use fabrica::prelude::*;

#[reconciler]
impl Device {
    async fn reconcile(&mut self) -> Result<Action> {
        Ok(Action::AwaitChange)
    }

    async fn finalize(&mut self) -> Result<bool> {
        Ok(true)
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
