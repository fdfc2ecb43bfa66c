//! The examples do what they say.
#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod built;

use std::process::{Command, Output};

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

#[test]
fn the_shipped_schemas_are_those_of_the_programs() {
    let (output, text) = run("catalog", &["schemas", "--out", "schemas", "--check"]);
    assert!(output.status.success(), "{text}\nmend it: cargo run --example catalog -- schemas --out schemas");
    let kinds = [
        "cluster.example.io/cluster_v1.json",
        "cluster.example.io/node_v1.json",
        "example.io/device_v1.json",
        "rack.example.io/bmc_v1.json",
        "rack.example.io/racktemplate_v1.json",
        "supervisor.example.io/process_v1.json",
    ];
    for schema in kinds {
        assert!(built::root().join("schemas").join(schema).is_file(), "{schema}");
    }
}
