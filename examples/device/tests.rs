//! What the device does, without waiting for it: time stands still until everybody waits, then jumps.

use fabrica::testing::{Harness, explore};

use super::{Device, DeviceSpec, Power};
use fabrica::prelude::*;

fn device(desired: Power) -> Device {
    Device::new("dev-123", DeviceSpec { desired, config: None }).with_uid("dev-123")
}

#[tokio::test]
async fn a_device_is_started_by_exactly_one_reconcile() -> Result<()> {
    let h = Harness::start(Controller::discover()).await?;
    h.apply(device(Power::Running)).await?;
    h.settle().await?;
    assert_eq!(h.runs().len(), 1, "{}", h.story());
    h.assert_writes(["created Device dev-123", "status Device dev-123"]);
    h.assert_events("io.example.**", ["io.example.device.started"]);
    Ok(())
}

#[tokio::test]
async fn a_device_goes_from_running_to_stopped_and_back() -> Result<()> {
    let h = Harness::start(Controller::discover()).await?;
    let rounds = [
        (Power::Running, "io.example.device.started", "DeviceRunning"),
        (Power::Stopped, "io.example.device.stopped", "DeviceStopped"),
        (Power::Running, "io.example.device.started", "DeviceRunning"),
    ];
    for (round, (power, event, reason)) in (1..).zip(rounds) {
        h.apply(device(power)).await?;
        h.settle().await?;
        let device = h.get::<Device>("dev-123");
        assert_eq!((device.status.state, device.is_ready()), (power, power == Power::Running));
        let ready = device.ready().ok_or_else(|| Error::terminal("no condition"))?;
        assert_eq!((&*ready.reason, ready.observed_generation), (reason, Some(round)));
        h.assert_events("io.example.**", [event]);
        assert_eq!(h.runs().len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_device_is_looked_at_every_five_minutes_and_left_as_it_is() -> Result<()> {
    let h = Harness::start(Controller::discover()).await?;
    h.apply(device(Power::Running)).await?;
    h.settle().await?;
    h.look_away();
    h.advance(Duration::from_hours(1)).await?;
    assert_eq!(h.runs().len(), 12);
    h.assert_idle();
    Ok(())
}

#[test]
fn a_device_that_should_be_stopped_and_is_needs_nothing() -> Result<()> {
    // Without a macro, the harness brings the runtime.
    Harness::run(Controller::discover(), async |h| {
        h.apply(device(Power::Stopped)).await?;
        h.settle().await?;
        h.assert_writes(["created Device dev-123"]);
        Ok(())
    })
}

#[tokio::test]
async fn a_device_gets_there_whatever_happens_on_the_way() {
    explore()
        .step("start", async |client| client.apply(device(Power::Running)).await)
        .step("stop", async |client| client.apply(device(Power::Stopped)).await)
        .step("delete", async |client| client.delete::<Device>("dev-123").await)
        .strict()
        .run()
        .await
        .assert_clean();
}
