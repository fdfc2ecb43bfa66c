//! What a patch may change, and what it answers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::patch::{Part, UnknownFields};
use super::sample::{Device, device};
use super::*;
use crate::event::EventBus;
use crate::resource::{ObjectKey, Resource};
use crate::store::{MemoryStore, Revision, Store, Transaction};
use crate::{Error, ErrorKind, Fault, FaultReason};

struct Lab {
    store: MemoryStore,
    client: Client,
}

impl Lab {
    async fn start() -> Self {
        let store = MemoryStore::new();
        let types = vec![Device::TYPE];
        let client = Client::start(Arc::new(store.clone()), types, EventBus::new(), ClientSettings::default()).await;
        Self { store, client: client.unwrap() }
    }

    async fn with(device: Device) -> Self {
        let lab = Self::start().await;
        lab.client.create(device).await.unwrap();
        lab
    }

    async fn revision(&self) -> Revision {
        self.store.revision().await.unwrap()
    }

    async fn patch(&self, part: Part, patch: Patch) -> crate::Result<Device> {
        self.patch_as(part, patch, UnknownFields::Prune).await.map(|(device, _)| device)
    }

    async fn patch_as(&self, part: Part, patch: Patch, unknown: UnknownFields) -> crate::Result<(Device, Vec<Fault>)> {
        let (object, unknown) = self.client.patch_part(&ObjectKey::of::<Device>("a"), &patch, part, unknown).await?;
        Ok((typed::<Device>(&object)?.as_ref().clone(), unknown))
    }

    async fn merge(&self, patch: Value) -> crate::Result<Device> {
        self.patch(Part::Main, Patch::Merge(patch)).await
    }

    async fn json(&self, patch: Value) -> crate::Result<Device> {
        self.patch(Part::Main, Patch::Json(patch)).await
    }

    /// Writes as another program would.
    async fn put(&self, envelope: Value) {
        let put = Transaction::new().put("o/example.io/Device/a", envelope.to_string());
        self.client.wait_seen(self.store.txn(put).await.unwrap()).await;
    }
}

fn paths(error: &Error) -> Vec<&str> {
    error.faults().iter().map(|fault| fault.path.as_str()).collect()
}

#[tokio::test]
async fn a_patch_changes_what_a_user_may_change_of_the_metadata() {
    let lab = Lab::with(device("a").with_label("old", "1").with_finalizer("x.io/one")).await;
    let owner = json!({ "apiVersion": "example.io/v1", "kind": "Device", "name": "b", "uid": "b" });
    let metadata = json!({
        "labels": { "old": null, "new": "1" }, "annotations": { "note": "x" }, "finalizers": ["x.io/two"],
        "ownerReferences": [owner],
    });
    let patched = lab.merge(json!({ "metadata": metadata })).await.unwrap().metadata;
    assert_eq!(patched.labels.keys().collect::<Vec<_>>(), ["new"]);
    assert_eq!(patched.annotations["note"], "x");
    assert_eq!(patched.finalizers, ["x.io/two"]);
    assert_eq!(patched.owner_references[0].uid, "b");
    assert_eq!(patched.generation, 1, "the spec is the same");
    // As Go and Python write what is not set.
    let nulls = ["labels", "annotations", "finalizers", "ownerReferences"]
        .map(|field| json!({ "op": "replace", "path": format!("/metadata/{field}"), "value": null }));
    let patched = lab.json(json!(nulls)).await.unwrap().metadata;
    assert!(patched.labels.is_empty() && patched.finalizers.is_empty() && patched.owner_references.is_empty());
}

#[tokio::test]
async fn what_the_client_keeps_of_the_metadata_is_put_back() {
    let lab = Lab::with(device("a").with_finalizer("x.io/one")).await;
    lab.client.delete::<Device>("a").await.unwrap();
    let before = lab.client.get::<Device>("a").await.unwrap().metadata.clone();
    let revision = lab.revision().await;
    let foreign = json!({
        "creationTimestamp": null, "generation": "many", "deletionTimestamp": null, "selfLink": "/x", "generateName": "b-",
        "managedFields": [{}], "deletionGracePeriodSeconds": 30, "uid": null, "resourceVersion": null, "namespace": "",
    });
    assert_eq!(lab.merge(json!({ "metadata": foreign })).await.unwrap().metadata, before);
    let operations = json!([
        { "op": "add", "path": "/metadata/managedFields", "value": [{}] },
        { "op": "remove", "path": "/metadata/uid" },
        { "op": "remove", "path": "/metadata/resourceVersion" },
        { "op": "replace", "path": "/metadata/creationTimestamp", "value": "2001-01-01T00:00:00Z" },
    ]);
    assert_eq!(lab.json(operations).await.unwrap().metadata, before);
    let (_, unknown) =
        lab.patch_as(Part::Main, Patch::Merge(json!({ "metadata": foreign })), UnknownFields::Refuse).await.unwrap();
    assert_eq!(unknown, []);
    assert_eq!(lab.revision().await, revision, "nothing changed, and nothing is written");
}

#[tokio::test]
async fn another_name_or_kind_is_refused_and_another_uid_or_version_is_a_conflict() {
    let lab = Lab::with(device("a")).await;
    let revision = lab.revision().await;
    for (patch, path) in [
        (json!({ "metadata": { "name": "b" } }), "metadata.name"),
        (json!({ "metadata": { "name": null } }), "metadata.name"),
        (json!({ "metadata": { "namespace": "lab" } }), "metadata.namespace"),
        (json!({ "kind": "Rack" }), "kind"),
        (json!({ "apiVersion": "example.io/v2" }), "apiVersion"),
        (json!({ "metadata": { "resourceVersion": "new" } }), "metadata.resourceVersion"),
        (json!({ "metadata": { "resourceVersion": 7 } }), "metadata.resourceVersion"),
    ] {
        let error = lab.merge(patch).await.unwrap_err();
        assert_eq!(paths(&error), [path], "{error}");
    }
    let version = revision.get().to_string();
    for (field, wrong, right) in [("uid", "b", "a"), ("resourceVersion", "1000", version.as_str())] {
        for part in [Part::Main, Part::Status] {
            let wanted = |value| Patch::Merge(json!({ "metadata": { field: value } }));
            let error = lab.patch(part, wanted(wrong)).await.unwrap_err();
            assert!(error.is_conflict(), "{error}");
            let message = error.to_string();
            assert!(message.contains(field) && message.contains(wrong) && message.contains(right), "{message}");
            lab.patch(part, wanted(right)).await.unwrap();
        }
    }
    assert_eq!(lab.revision().await, revision);
    let old = json!([{ "op": "test", "path": "/metadata/resourceVersion", "value": "1" }]);
    assert!(matches!(lab.json(old).await.unwrap_err().kind(), ErrorKind::Invalid(_)));
}

#[tokio::test]
async fn a_document_that_is_no_patch_is_told_from_one_that_can_not_be_done() {
    let lab = Lab::with(device("a")).await;
    for patch in [Patch::Json(json!({})), Patch::Json(json!([{ "op": "add" }])), Patch::Merge(json!([]))] {
        let error = lab.patch(Part::Main, patch).await.unwrap_err();
        assert_eq!((paths(&error), error.faults()[0].reason), (vec![""], FaultReason::TypeInvalid), "{error}");
    }
    for patch in [
        json!([{ "op": "test", "path": "/spec/watts", "value": 8 }]),
        json!([{ "op": "remove", "path": "/spec/rack" }]),
        json!([{ "op": "replace", "path": "", "value": 1 }]),
    ] {
        let error = lab.json(patch).await.unwrap_err();
        assert_eq!((paths(&error), error.faults()[0].reason), (vec![""], FaultReason::Invalid), "{error}");
    }
}

#[tokio::test]
async fn a_patch_that_asks_for_too_much_is_refused_as_too_large() {
    let lab = Lab::with(device("a").with_annotation("big", "x".repeat(200_000))).await;
    let copies: Vec<_> = (0..30)
        .map(|n| json!({ "op": "copy", "from": "/metadata/annotations/big", "path": format!("/metadata/annotations/{n}") }))
        .collect();
    for patch in [json!(copies), json!(vec![json!({ "op": "remove", "path": "/spec/rack" }); 10_001])] {
        let error = lab.json(patch).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::TooLarge, "{error}");
        assert!(error.to_string().contains("Device a") && error.to_string().contains("several steps"), "{error}");
    }
}

#[tokio::test]
async fn a_status_patch_changes_the_status_only_and_a_main_patch_never_does() {
    let lab = Lab::with(device("a")).await;
    let status = json!({ "count": 1, "seen": 2, "conditions": [] });
    let both = json!({ "metadata": { "labels": { "l": "1" }, "name": "b" }, "spec": { "watts": 9 }, "status": status });
    let patched = lab.patch(Part::Status, Patch::Merge(both)).await.unwrap();
    assert_eq!((patched.status.count, patched.spec.watts, patched.metadata.labels.len()), (1, 0, 0));
    let revision = lab.revision().await;
    let patched = lab.merge(json!({ "status": { "count": 7, "odd": 1 } })).await.unwrap();
    assert_eq!((patched.status.count, lab.revision().await), (1, revision));
}

#[tokio::test]
async fn a_status_of_a_wrong_type_is_refused_with_the_path() {
    let lab = Lab::with(device("a")).await;
    let status = json!({ "count": 1, "seen": 2, "conditions": [] });
    lab.patch(Part::Status, Patch::Merge(json!({ "status": status }))).await.unwrap();
    for (patch, path) in [
        (Patch::Merge(json!({ "status": { "count": "many" } })), "status.count"),
        (Patch::Merge(json!({ "status": { "seen": null } })), "status.seen"),
        (Patch::Json(json!([{ "op": "replace", "path": "/status/seen", "value": [] }])), "status.seen"),
        (Patch::Json(json!([{ "op": "replace", "path": "/status", "value": 7 }])), "status"),
    ] {
        let error = lab.patch(Part::Status, patch).await.unwrap_err();
        assert_eq!(paths(&error), [path], "{error}");
    }
}

#[tokio::test]
async fn unknown_fields_are_refused_or_left_out_and_told() {
    let lab = Lab::with(device("a")).await;
    for (part, patch, path) in [
        (Part::Main, json!({ "spec": { "watts": 7, "volts": 1 } }), "spec.volts"),
        (Part::Main, json!({ "metadata": { "labels": { "l": "1" }, "owner": "x" } }), "metadata.owner"),
        (Part::Status, json!({ "status": { "count": 1, "seen": 1, "conditions": [], "odd": 1 } }), "status.odd"),
    ] {
        let revision = lab.revision().await;
        let error = lab.patch_as(part, Patch::Merge(patch.clone()), UnknownFields::Refuse).await.unwrap_err();
        assert_eq!((paths(&error), error.faults()[0].reason), (vec![path], FaultReason::UnknownField), "{error}");
        assert_eq!(lab.revision().await, revision);
        let (_, unknown) = lab.patch_as(part, Patch::Merge(patch), UnknownFields::Prune).await.unwrap();
        assert_eq!(unknown.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(), [path]);
        assert!(lab.revision().await > revision, "the rest is written");
        let stored = String::from_utf8(lab.client.cached(&ObjectKey::of::<Device>("a")).unwrap().raw.to_vec()).unwrap();
        assert!(!stored.contains(path.rsplit_once('.').unwrap().1), "{stored}");
    }
}

#[tokio::test]
async fn of_an_object_that_holds_unknown_fields_only_the_new_ones_count() {
    let lab = Lab::with(device("a")).await;
    let spec = json!({ "watts": 1, "volts": 1 });
    let envelope = json!({
        "apiVersion": "example.io/v1", "kind": "Device", "metadata": { "name": "a" }, "spec": spec,
    });
    lab.put(envelope).await;
    let refuse = async |patch| lab.patch_as(Part::Main, Patch::Merge(patch), UnknownFields::Refuse).await;
    let error = refuse(json!({ "spec": { "amps": 1 } })).await.unwrap_err();
    assert_eq!(paths(&error), ["spec.amps"]);
    let (patched, unknown) = refuse(json!({ "metadata": { "labels": { "l": "1" } } })).await.unwrap();
    assert_eq!((patched.metadata.labels.len(), unknown), (1, vec![]));
    assert_eq!(lab.client.get_json(&ObjectKey::of::<Device>("a")).unwrap()["spec"]["volts"], 1, "it stays");
}

#[tokio::test]
async fn the_patch_that_takes_the_last_finalizer_off_a_deleted_object_answers_with_what_it_was() {
    let lab = Lab::with(device("a").with_finalizer("x.io/one")).await;
    lab.client.delete::<Device>("a").await.unwrap();
    let more = lab.merge(json!({ "metadata": { "finalizers": ["x.io/one", "x.io/two"] } })).await.unwrap_err();
    assert_eq!(paths(&more), ["metadata.finalizers"]);
    let before = lab.client.get::<Device>("a").await.unwrap();
    // As kube-rs does it.
    let last = json!([
        { "op": "test", "path": "/metadata/finalizers/0", "value": "x.io/one" },
        { "op": "remove", "path": "/metadata/finalizers/0" },
        { "op": "add", "path": "/metadata/labels", "value": { "last": "words" } },
    ]);
    let answer = lab.json(last).await.unwrap();
    assert!(answer.metadata.finalizers.is_empty() && answer.metadata.is_deleting());
    assert_eq!(answer.metadata.labels["last"], "words");
    assert_eq!(answer.metadata.resource_version, before.metadata.resource_version);
    assert!(lab.client.get::<Device>("a").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_finalizer_comes_off_an_object_whose_spec_is_not_valid_any_more() {
    let lab = Lab::with(device("a")).await;
    let spec = json!({ "watts": 1, "rack": "no-longer-a-rack" });
    let metadata = json!({ "name": "a", "finalizers": ["x.io/one"], "deletionTimestamp": "2026-01-01T00:00:00Z" });
    lab.put(json!({ "apiVersion": "example.io/v1", "kind": "Device", "metadata": metadata, "spec": spec })).await;
    let error = lab.merge(json!({ "spec": { "watts": 2 } })).await.unwrap_err();
    assert_eq!(paths(&error), ["spec.rack"]);
    lab.merge(json!({ "metadata": { "finalizers": null } })).await.unwrap();
    assert!(lab.client.get::<Device>("a").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_update_answers_with_what_was_deleted_too() {
    let lab = Lab::with(device("a").with_finalizer("x.io/one")).await;
    lab.client.delete::<Device>("a").await.unwrap();
    let mut last = lab.client.get::<Device>("a").await.unwrap().as_ref().clone();
    last.metadata.finalizers.clear();
    last.spec.watts = 9;
    let answer = lab.client.update(last).await.unwrap();
    assert!(answer.metadata.finalizers.is_empty());
    assert_eq!((answer.spec.watts, answer.metadata.generation), (9, 2));
    assert!(lab.client.cached(&ObjectKey::of::<Device>("a")).is_none());
}
