use fabrica::prelude::*;

#[reconciler]
pub async fn reconcile_hidden(hidden: &mut hidden::Hidden) -> Result<Action> {
    let _ = hidden;
    Ok(Action::AwaitChange)
}

mod hidden {
    use super::*;

    #[derive(Clone, Debug, Resource)]
    #[resource(group = "example.io", version = "v1")]
    pub(super) struct Hidden {
        metadata: Metadata,
        spec: DeviceSpec,
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
