//! A program for the tests that reach it from outside, as `kubectl` does: one kind that is reconciled, one that is not.

use std::process::ExitCode;

use fabrica::prelude::*;

/// A machine of the lab.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "lab.example.io",
    version = "v1",
    short_names(dev),
    categories(all),
    conditions(Ready),
    selectable = ".spec.rack",
    column(name = "Power", path = ".status.power"),
    column(name = "Rack", path = ".spec.rack")
)]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
    status: DeviceStatus,
}

/// Whether a machine runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Power {
    #[default]
    Stopped,
    Running,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DeviceSpec {
    /// The power state to bring the machine to.
    desired: Power,
    /// The rack that it stands in.
    #[serde(default)]
    rack: String,
    /// How many slots it has.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 16))]
    slots: u8,
    /// What is plugged in.
    #[serde(default)]
    ports: Vec<Port>,
    /// A note for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Port {
    /// What it is called.
    name: String,
    /// Its number.
    number: u16,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct DeviceStatus {
    power: Power,
    observed_generation: u64,
    conditions: Conditions,
}

fn one() -> u8 {
    1
}

/// What is looked at in the lab.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "lab.example.io",
    version = "v1",
    namespaced,
    short_names(smp),
    categories(all),
    conditions(Measured),
    column(name = "Mass", path = ".spec.mass"),
    column(name = "Result", path = ".status.result")
)]
struct Sample {
    metadata: Metadata,
    spec: SampleSpec,
    status: SampleStatus,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SampleSpec {
    /// How heavy it is, in milligrams.
    mass: u64,
    /// What it is called on its box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct SampleStatus {
    result: Option<String>,
    conditions: Conditions,
}

#[reconciler(finalize = switch_off)]
async fn power(device: &mut Device, ctx: &Context) -> Result<Action> {
    if device.spec.note.as_deref() == Some("broken") {
        device.set_ready(false, "Broken", "It is broken");
        return Err(Error::terminal("it is broken: put another note"));
    }
    if device.status.power != device.spec.desired {
        device.status.power = device.spec.desired;
        let what = if device.spec.desired == Power::Running { "started" } else { "stopped" };
        ctx.emit(format!("io.example.device.{what}"), device).await?;
    }
    device.status.observed_generation = device.metadata.generation;
    device.set_ready(true, "PowerIsRight", "It is as it should be");
    Ok(Action::AwaitChange)
}

#[allow(clippy::unused_async)] // a real one would be asked
async fn switch_off(device: &mut Device, _: &Context) -> Result<()> {
    info!("{} is switched off", device.name());
    Ok(())
}

fn main() -> ExitCode {
    fabrica::main()
}
