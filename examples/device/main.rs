//! A first program: one kind, one reconcile function, one object that converges.
//!
//! `cargo run --example device` creates a device that should be running. The controller sees that it is stopped, starts
//! it once, and the program shows what became of it.

use std::fmt;
use std::io::IsTerminal as _;

use fabrica::prelude::*;
use fabrica::resource::Object;

/// A machine that should be running or stopped.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "example.io",
    version = "v1",
    short_names(dev),
    conditions(Ready),
    column(name = "Desired", path = ".spec.desired"),
    column(name = "State", path = ".status.state")
)]
pub struct Device {
    pub metadata: Metadata,
    pub spec: DeviceSpec,
    pub status: DeviceStatus,
}

/// Whether a device is switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    #[default]
    Stopped,
    Running,
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stopped => "stopped",
            Self::Running => "running",
        })
    }
}

/// What the user asks for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceSpec {
    /// The power state to bring the device to.
    pub desired: Power,
    /// The configuration to start it with.
    pub config: Option<String>,
}

/// What was observed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceStatus {
    /// The power state that the device is in.
    pub state: Power,
    /// When the device was last heard of.
    pub last_seen: Option<Timestamp>,
    /// What is true of the device.
    pub conditions: Conditions,
}

/// Brings one device to its desired state. It runs for every device at start, whenever one changes, and as often as it
/// asks for; the status that it leaves behind is saved for it.
#[reconciler]
async fn reconcile_device(device: &mut Device, ctx: &Context) -> Result<Action> {
    let (desired, current) = (device.spec.desired, device.status.state);
    info!("Reconciling device {} (desired: {desired}, current: {current})", device.uid());

    match (desired, current) {
        (Power::Running, Power::Stopped) => {
            info!("Starting device {}", device.uid());
            device.status.state = Power::Running;
            device.status.last_seen = Some(Timestamp::now());
            device.set_ready(true, "DeviceRunning", "Device is running");
            ctx.emit("io.example.device.started", device).await?;
        }
        (Power::Stopped, Power::Running) => {
            info!("Stopping device {}", device.uid());
            device.status.state = Power::Stopped;
            device.status.last_seen = Some(Timestamp::now());
            device.set_ready(false, "DeviceStopped", "Device is stopped");
            ctx.emit("io.example.device.stopped", device).await?;
        }
        // It is as it should be. A run that changes nothing writes nothing.
        (Power::Running, Power::Running) | (Power::Stopped, Power::Stopped) => {}
    }
    Ok(Action::RequeueAfter(Duration::from_mins(5))) // look again, whether or not anything happens
}

#[tokio::main]
async fn main() -> Result<()> {
    // The log is only a log: the program goes on if nobody reads it (`| head`).
    tracing_subscriber::fmt().log_internal_errors(false).with_ansi(std::io::stdout().is_terminal()).init();

    // Every `#[derive(Resource)]` and `#[reconciler]` of the program is found; objects are kept in memory.
    let controller = Controller::discover().workers(5).build().await?;
    controller.start().await?;

    let spec = DeviceSpec { desired: Power::Running, config: Some("default".into()) };
    let client = controller.client();
    client.create(Device::new("dev-123", spec).with_uid("dev-123")).await?;
    let device = client.wait_until::<Device>("dev-123", Device::is_ready).await?;

    // Runs may finish before the controller stops, so that the log is complete.
    controller.stop().await?;
    let object: &dyn Object = &*device;
    print!("{}", serde_saphyr::to_string(&object.to_value()?)?);
    Ok(())
}

#[cfg(test)]
mod tests;
