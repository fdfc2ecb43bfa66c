use fabrica::prelude::*;

// The language lets nobody see across functions and crates that a kind has two; the check at the start does.
#[reconciler]
async fn first(device: &mut Device) -> Result<Action> {
    let _ = device;
    Ok(Action::AwaitChange)
}

#[reconciler]
async fn second(device: &mut Device) -> Result<Action> {
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

fn main() {
    let message = fabrica::check().expect_err("two reconcilers").to_string();
    for part in ["Device.example.io", "`first`", "two_reconcilers_for_one_kind.rs:5:10", "`second`", "_kind.rs:11:10"] {
        assert!(message.contains(part), "{part} in {message}");
    }
}
