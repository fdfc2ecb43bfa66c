//! The examples do what they say.
#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod built;

#[allow(dead_code)] // its `main` is run as a program
#[path = "../examples/device/main.rs"]
mod device;

use std::process::{Command, Output};

use device::{Device, DeviceSpec, Power};
use fabrica::event::Delivery;
use fabrica::prelude::*;
use serde_json::Value;

fn run(name: &str, args: &[&str]) -> (Output, String) {
    let output = Command::new(built::example(name)).args(args).current_dir(built::root()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, text)
}

#[test]
fn the_device_prints_its_five_lines_once_each_and_in_order() {
    let (output, text) = run("device", &[]);
    assert!(output.status.success(), "{text}");
    let expected = [
        "Registered reconciler for Device",
        "Starting reconciliation controller with 5 workers",
        "Reconciling device dev-123 (desired: running, current: stopped)",
        "Starting device dev-123",
        "Emitted event io.example.device.started for Device/dev-123",
    ];
    let messages = text.lines().filter(|line| line.contains(" INFO"));
    let found: Vec<&str> =
        messages.filter_map(|line| expected.into_iter().find(|message| line.ends_with(message))).collect();
    assert_eq!(found, expected, "{text}");
    assert_eq!(text.matches("Reconciling device").count(), 1, "{text}");
    assert!(!text.contains(" WARN") && !text.contains("ERROR"), "{text}");
}

#[test]
fn the_device_shows_the_final_object_as_yaml() {
    let (_, text) = run("device", &[]);
    let yaml = &text[text.find("apiVersion:").unwrap()..];
    let object: Value = serde_saphyr::from_str(yaml).unwrap();
    assert_eq!((&object["kind"], &object["metadata"]["uid"]), (&"Device".into(), &"dev-123".into()));
    assert_eq!(object["status"]["state"], "running");
    let ready = &object["status"]["conditions"][0];
    assert_eq!(
        (&ready["type"], &ready["status"], &ready["reason"]),
        (&"Ready".into(), &"True".into(), &"DeviceRunning".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_device_goes_from_running_to_stopped_and_back() {
    let controller = Controller::discover().workers(5).build().await.unwrap();
    let mut events = controller.bus().subscribe(Pattern::parse("io.example.device.*").unwrap());
    controller.start().await.unwrap();
    let client = controller.client();
    let spec = DeviceSpec { desired: Power::Running, config: None };
    client.create(Device::new("dev-123", spec).with_uid("dev-123")).await.unwrap();
    let rounds = [
        (Power::Running, "io.example.device.started", "DeviceRunning"),
        (Power::Stopped, "io.example.device.stopped", "DeviceStopped"),
        (Power::Running, "io.example.device.started", "DeviceRunning"),
    ];
    for (round, (power, event_type, reason)) in (1..).zip(rounds) {
        if round > 1 {
            let mut device = Device::clone(&*client.get::<Device>("dev-123").await.unwrap());
            device.spec.desired = power;
            client.update(device).await.unwrap();
        }
        let device = client.wait_until::<Device>("dev-123", |device| device.status.state == power).await.unwrap();
        let ready = device.ready().unwrap();
        assert_eq!((device.is_ready(), &*ready.reason), (power == Power::Running, reason));
        assert_eq!(ready.observed_generation, Some(round));
        match events.next().await {
            Some(Delivery::Event(event)) => {
                assert_eq!((event.event_type(), event.subject()), (event_type, Some("Device/dev-123")));
            }
            other => panic!("{other:?}"),
        }
    }
    controller.stop().await.unwrap();
    assert!(events.next().await.is_none(), "no event beyond those three");
}

#[test]
fn the_shipped_schemas_are_those_of_the_programs() {
    let (output, text) = run("catalog", &["schemas", "--out", "schemas", "--check"]);
    assert!(output.status.success(), "{text}\nmend it: cargo run --example catalog -- schemas --out schemas");
    for schema in ["example.io/device_v1.json", "supervisor.example.io/process_v1.json"] {
        assert!(built::root().join("schemas").join(schema).is_file(), "{schema}");
    }
}
