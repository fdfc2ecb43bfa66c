use fabrica::prelude::*;

#[reconciler]
impl Device {
    async fn reconcile(&mut self) -> Result<Action> {
        Ok(Action::AwaitChange)
    }
}

mod elsewhere {
    use super::*;

    #[reconciler]
    impl Device {
        async fn reconcile(&mut self) -> Result<Action> {
            Ok(Action::AwaitChange)
        }
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
