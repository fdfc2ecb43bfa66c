use fabrica::prelude::*;

// The item itself stays as it was: a test can call it.
#[reconciler]
async fn reconcile_device(device: &mut Device) -> Result<Action> {
    device.spec.rack.push('!');
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
    let mut device = Device::new("d", DeviceSpec::default());
    {
        let run = std::pin::pin!(reconcile_device(&mut device));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(std::future::Future::poll(run, &mut context).is_ready());
    }
    assert_eq!(device.spec.rack, "!");
}
