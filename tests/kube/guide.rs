//! The program that the guide shows.

use kube::api::PostParams;

use super::kinds::Device;
use super::lab::lab;

// shown from here
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

/// Switches the devices of a rack on, waits until each of them runs, and says how many there are.
async fn switch_on(client: Client, rack: &str) -> Result<usize, Box<dyn std::error::Error>> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("lab.example.io", "v1", "Device"));
    let devices: Api<DynamicObject> = Api::all_with(client, &kind);
    let of_rack = devices.list(&ListParams::default().fields(&format!("spec.rack={rack}"))).await?;
    for device in &of_rack {
        let running = Patch::Merge(json!({ "spec": { "desired": "running" } }));
        devices.patch(&device.name_any(), &PatchParams::default(), &running).await?;
        let runs = |device: Option<&DynamicObject>| device.is_some_and(|it| it.data["status"]["power"] == "running");
        await_condition(devices.clone(), &device.name_any(), runs).await?;
    }
    Ok(of_rack.items.len())
}
// to here

#[test]
fn the_program_of_the_guide_does_what_it_says() {
    lab(async |lab| {
        let devices: Api<Device> = Api::all(lab.client());
        for (name, rack) in [("a", "r1"), ("b", "r1"), ("c", "r2")] {
            let mut device = Device::new(name, rack);
            device.spec.desired = "stopped".into();
            devices.create(&PostParams::default(), &device).await.unwrap();
        }
        assert_eq!(switch_on(lab.client(), "r1").await.unwrap(), 2);
        let is_on = async |name| devices.get(name).await.unwrap().spec.desired == "running";
        assert!(is_on("a").await && is_on("b").await && !is_on("c").await);
    });
}

#[test]
fn the_guide_shows_this_program() {
    let shown =
        include_str!("guide.rs").split("// shown from here\n").nth(1).and_then(|text| text.split("// to here").next());
    assert!(include_str!("../../docs/guide.md").contains(shown.unwrap()), "copy it from here to docs/guide.md");
}
