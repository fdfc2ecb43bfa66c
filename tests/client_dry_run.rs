//! What is only tried is answered as if it were done, and never written.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use fabrica::client::{Applied, Client, ClientSettings, DeleteOptions, Patch, Propagation};
use fabrica::event::EventBus;
use fabrica::prelude::*;
use fabrica::resource::{Namespace, ObjectKey, ResourceVersion};
use fabrica::store::{MemoryStore, Revision, Store};
use serde_json::{Value, json};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
struct DeviceSpec {
    #[schemars(range(max = 3000))]
    watts: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct DeviceStatus {
    count: u64,
}

#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1", register = false)]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
    status: DeviceStatus,
}

fn device(name: &str, watts: u64) -> Device {
    Device::new(name, DeviceSpec { watts }).with_uid(name)
}

struct Lab {
    store: MemoryStore,
    client: Client,
    tried: Client,
    before: Revision,
}

impl Lab {
    /// With the devices `a` and, which carries a finalizer, `held`.
    async fn start() -> Self {
        let store = MemoryStore::new();
        let types = vec![Device::TYPE];
        let client = Client::start(Arc::new(store.clone()), types, EventBus::new(), ClientSettings::default());
        let client = client.await.unwrap();
        client.create(device("a", 1)).await.unwrap();
        client.create(device("held", 1).with_finalizer("x.io/hold")).await.unwrap();
        let before = store.revision().await.unwrap();
        Self { tried: client.dry_run(), store, client, before }
    }

    async fn get(&self, uid: &str) -> Device {
        self.client.get::<Device>(uid).await.unwrap().as_ref().clone()
    }

    fn key(uid: &str) -> ObjectKey {
        ObjectKey::of::<Device>(uid)
    }

    fn json(&self, uid: &str, watts: u64) -> Value {
        let mut json = self.client.get_json(&Self::key(uid)).unwrap();
        json["spec"]["watts"] = watts.into();
        json
    }

    async fn nothing_is_written(self) {
        assert_eq!(self.store.revision().await.unwrap(), self.before);
        let held = self.get("held").await;
        assert!(!held.metadata.is_deleting() && held.metadata.has_finalizer("x.io/hold"));
        assert_eq!((self.get("a").await.spec.watts, self.client.cache::<Device>().len()), (1, 2));
    }
}

#[tokio::test]
async fn a_tried_create_has_all_but_a_version() {
    let lab = Lab::start().await;
    let created = lab.tried.create(device("b", 2)).await.unwrap();
    assert_eq!((created.metadata.generation, created.metadata.resource_version), (1, ResourceVersion::UNSET));
    assert!(created.metadata.creation_timestamp.is_some());
    let named = Device { metadata: Metadata { generate_name: "d-".into(), ..Metadata::default() }, ..device("", 1) };
    assert!(lab.tried.create(named).await.unwrap().name().starts_with("d-"));
    let mut json = lab.json("a", 2);
    json["metadata"] = json!({ "name": "c" });
    assert_eq!(lab.tried.create_json(Device::TYPE, json).await.unwrap().metadata().name, "c");
    assert!(lab.tried.create(device("a", 2)).await.unwrap_err().is_already_exists());
    assert_eq!(lab.tried.create(device("b", 3001)).await.unwrap_err().faults()[0].path, "spec.watts");
    lab.nothing_is_written().await;
}

#[tokio::test]
async fn a_tried_update_answers_with_the_version_that_is_there() {
    let lab = Lab::start().await;
    let mut read = lab.get("a").await;
    let version = read.metadata.resource_version;
    read.spec.watts = 2;
    let updated = lab.tried.update(read.clone()).await.unwrap();
    assert_eq!((updated.spec.watts, updated.metadata.generation, updated.metadata.resource_version), (2, 2, version));
    assert_eq!(lab.tried.update_json(Device::TYPE, lab.json("a", 3)).await.unwrap().metadata().generation, 2);
    read.metadata.resource_version = ResourceVersion::new(1);
    assert!(lab.tried.update(read).await.unwrap_err().is_conflict());
    lab.nothing_is_written().await;
}

#[tokio::test]
async fn a_tried_apply_says_what_it_would_do() {
    let lab = Lab::start().await;
    assert_eq!(lab.tried.apply(device("a", 2)).await.unwrap().spec.watts, 2);
    assert_eq!(lab.tried.apply(device("b", 2)).await.unwrap().spec.watts, 2);
    for (json, expected) in [(lab.json("a", 1), Applied::Unchanged), (lab.json("a", 2), Applied::Configured)] {
        assert_eq!(lab.tried.apply_json(Device::TYPE, json).await.unwrap().0, expected);
    }
    let mut json = lab.json("a", 1);
    json["metadata"] = json!({ "name": "b" });
    assert_eq!(lab.tried.apply_json(Device::TYPE, json).await.unwrap().0, Applied::Created);
    lab.nothing_is_written().await;
}

#[tokio::test]
async fn a_tried_patch_answers_with_what_would_come_of_it() {
    let lab = Lab::start().await;
    let merge = Patch::Merge(json!({ "spec": { "watts": 2 } }));
    assert_eq!(lab.tried.patch::<Device>("a", merge.clone()).await.unwrap().spec.watts, 2);
    assert_eq!(lab.tried.patch_object(&Lab::key("a"), merge).await.unwrap().metadata().generation, 2);
    let json = Patch::Json(json!([{ "op": "replace", "path": "/spec/watts", "value": 3 }]));
    assert_eq!(lab.tried.patch::<Device>("a", json).await.unwrap().spec.watts, 3);
    let wrong = Patch::Merge(json!({ "spec": { "watts": 3001 } }));
    assert_eq!(lab.tried.patch::<Device>("a", wrong).await.unwrap_err().faults()[0].path, "spec.watts");
    lab.nothing_is_written().await;
}

#[tokio::test]
async fn a_tried_status_is_not_written() {
    let lab = Lab::start().await;
    let patch = Patch::Merge(json!({ "status": { "count": 7 } }));
    assert_eq!(lab.tried.patch_status::<Device>("a", patch.clone()).await.unwrap().status.count, 7);
    lab.tried.patch_object_status(&Lab::key("a"), patch).await.unwrap();
    let mut read = lab.get("a").await;
    read.status.count = 8;
    assert_eq!(lab.tried.update_status(read).await.unwrap().status.count, 8);
    assert_eq!(lab.get("a").await.status.count, 0);
    lab.nothing_is_written().await;
}

#[tokio::test]
async fn a_tried_deletion_deletes_nothing() {
    let lab = Lab::start().await;
    for uid in ["a", "held"] {
        lab.tried.delete::<Device>(uid).await.unwrap();
        let options = DeleteOptions { propagation: Some(Propagation::Foreground), ..DeleteOptions::default() };
        lab.tried.delete_with::<Device>(uid, options).await.unwrap();
        let is_gone = lab.tried.delete_object(&Lab::key(uid), DeleteOptions::default()).await.unwrap();
        assert_eq!(is_gone, uid == "a");
    }
    assert!(lab.tried.delete::<Device>("none").await.unwrap_err().is_not_found());
    let other = DeleteOptions { uid: Some("b".into()), ..DeleteOptions::default() };
    assert!(lab.tried.delete_with::<Device>("a", other).await.unwrap_err().is_conflict());
    lab.nothing_is_written().await;
}

#[tokio::test]
async fn the_client_that_it_was_made_from_still_writes() {
    let lab = Lab::start().await;
    lab.tried.clone().create(Namespace::new("lab")).await.unwrap();
    assert!(lab.client.get_by_name::<Namespace>("", "lab").await.unwrap_err().is_not_found());
    lab.client.create(Namespace::new("lab")).await.unwrap();
    assert_eq!(lab.tried.get_by_name::<Namespace>("", "lab").await.unwrap().name(), "lab");
}
