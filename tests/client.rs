//! What the client promises.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use fabrica::ErrorKind;
use fabrica::client::{Applied, Change, Client, ClientSettings, DeleteOptions, ListOptions, Patch, WatchOptions};
use fabrica::event::EventBus;
use fabrica::prelude::*;
use fabrica::resource::{
    FieldSelector, GroupKind, LabelSelector, Namespace, ObjectKey, OwnerReference, ResourceVersion, downcast,
};
use fabrica::store::{Fault, MemoryStore, Revision, Store};
use futures_util::FutureExt as _;
use serde_json::json;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DeviceSpec {
    /// At most 3000.
    #[schemars(range(max = 3000))]
    watts: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rack: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serial_number: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct DeviceStatus {
    state: String,
    count: u64,
}

#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1", selectable = ".spec.rack")]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
    status: DeviceStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
struct NoteSpec {
    text: String,
}

#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1", namespaced)]
struct Note {
    metadata: Metadata,
    spec: NoteSpec,
}

async fn start_on(store: &MemoryStore) -> Client {
    let types = vec![Device::TYPE, Note::TYPE];
    Client::start(Arc::new(store.clone()), types, EventBus::new(), ClientSettings::default()).await.unwrap()
}

async fn start() -> (MemoryStore, Client) {
    let store = MemoryStore::new();
    let client = start_on(&store).await;
    (store, client)
}

async fn revision(store: &MemoryStore) -> Revision {
    store.revision().await.unwrap()
}

fn device(name: &str) -> Device {
    Device::new(name, DeviceSpec::default()).with_uid(name)
}

fn in_rack(name: &str, rack: &str) -> Device {
    Device::new(name, DeviceSpec { rack: Some(rack.into()), ..DeviceSpec::default() }).with_uid(name)
}

fn note(namespace: &str, name: &str) -> Note {
    Note::new(name, NoteSpec::default()).in_namespace(namespace)
}

fn names<T: Resource>(objects: &[Arc<T>]) -> Vec<&str> {
    objects.iter().map(|object| object.name()).collect()
}

#[tokio::test]
async fn a_new_object_gets_what_its_user_does_not_give() {
    let (_, client) = start().await;
    let created = client.create(Device::new("a", DeviceSpec::default())).await.unwrap();
    let metadata = &created.metadata;
    assert_eq!((metadata.uid.len(), metadata.generation), (36, 1));
    assert!(metadata.creation_timestamp.is_some() && !metadata.resource_version.is_unset());
    let note = client.create(Note::new("n", NoteSpec::default())).await.unwrap();
    assert_eq!(note.namespace(), "default");
    assert!(Arc::ptr_eq(&client.get::<Device>(created.uid()).await.unwrap(), &created), "decoded once");
}

#[tokio::test]
async fn a_status_belongs_to_who_observes_it() {
    let (_, client) = start().await;
    let mut given = device("a");
    given.status.count = 3;
    assert_eq!(client.create(given.clone()).await.unwrap().status.count, 0);
    let mut read = (*client.update_status(given).await.unwrap()).clone();
    assert_eq!(read.status.count, 3);
    // An update of the one leaves the other alone.
    read.status.count = 4;
    read.spec.watts = 5;
    let updated = client.update(read).await.unwrap();
    assert_eq!((updated.spec.watts, updated.status.count), (5, 3));
    let mut read = (*updated).clone();
    read.spec.watts = 6;
    read.status.count = 7;
    let updated = client.update_status(read.clone()).await.unwrap();
    assert_eq!((updated.spec.watts, updated.status.count, updated.metadata.generation), (5, 7, 2));
    assert!(client.update_status(read).await.unwrap_err().is_conflict(), "it names an old version");
    let patch = Patch::Merge(json!({ "spec": { "watts": 9 }, "status": { "state": "on" } }));
    let patched = client.patch_status::<Device>("a", patch).await.unwrap();
    assert_eq!((patched.spec.watts, patched.status.count, patched.status.state.as_str()), (5, 7, "on"));
    let error = client.patch_status::<Device>("a", Patch::Merge(json!({ "status": { "count": -1 } }))).await;
    assert_eq!(error.unwrap_err().faults()[0].path, "status.count");
}

#[tokio::test]
async fn a_uid_and_a_name_are_taken_once() {
    let (_, client) = start().await;
    client.create(device("a")).await.unwrap();
    let error = client.create(Device::new("b", DeviceSpec::default()).with_uid("a")).await.unwrap_err();
    assert!(error.is_already_exists() && error.to_string().contains("uid a"), "{error}");
    let error = client.create(Device::new("a", DeviceSpec::default())).await.unwrap_err();
    assert!(error.is_already_exists() && error.to_string().contains("Device a exists"), "{error}");
    // The same name in another kind, and in another namespace, is another name.
    client.create(Namespace::new("lab")).await.unwrap();
    client.create(note("", "a")).await.unwrap();
    client.create(note("lab", "a")).await.unwrap();
    assert!(client.create(note("lab", "a")).await.unwrap_err().is_already_exists());
    client.delete::<Device>("a").await.unwrap();
    client.create(Device::new("a", DeviceSpec::default())).await.unwrap();
}

#[tokio::test]
async fn generated_names_start_as_asked_and_differ() {
    let (_, client) = start().await;
    for _ in 0..50 {
        let mut device = Device::new("", DeviceSpec::default());
        device.metadata.generate_name = "dev-".into();
        let created = client.create(device).await.unwrap();
        assert!(created.name().starts_with("dev-") && created.name().len() == 9, "{}", created.name());
    }
    assert_eq!(client.cache::<Device>().len(), 50);
}

#[tokio::test]
async fn a_validation_lists_every_fault_and_names_the_object() {
    let (store, client) = start().await;
    let before = revision(&store).await;
    let mut wrong = device("dev-123").with_label("no label!", "x").with_finalizer("a b");
    wrong.spec.watts = 4000;
    wrong.metadata.resource_version = ResourceVersion::new(7);
    let error = client.create(wrong).await.unwrap_err();
    let mut paths: Vec<&str> = error.faults().iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    let expected = ["metadata.finalizers[0]", "metadata.labels[no label!]", "metadata.resourceVersion", "spec.watts"];
    assert_eq!(paths, expected);
    assert!(error.to_string().starts_with("Device dev-123 is invalid:"), "{error}");
    let wrong = json!({
        "apiVersion": "example.io/v1", "kind": "Device", "metadata": { "name": "Dev" },
        "spec": { "watts": "many", "rak": "r1" },
    });
    let error = client.create_json(Device::TYPE, wrong).await.err().unwrap();
    let mut paths: Vec<&str> = error.faults().iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["metadata.name", "spec.rak", "spec.watts"], "{error}");
    assert_eq!(revision(&store).await, before);
}

#[tokio::test]
async fn an_update_of_an_old_version_is_a_conflict() {
    let (_, client) = start().await;
    let read = client.create(device("a")).await.unwrap();
    let mut first = (*read).clone();
    first.spec.watts = 1;
    client.update(first).await.unwrap();
    let mut second = (*read).clone();
    second.spec.watts = 2;
    let error = client.update(second.clone()).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("Device a"), "{error}");
    second.metadata.resource_version = ResourceVersion::UNSET;
    let error = client.update(second).await.unwrap_err();
    assert!(error.to_string().contains("read the object"), "{error}");
    assert_eq!(client.get::<Device>("a").await.unwrap().spec.watts, 1);
}

#[tokio::test]
async fn an_update_is_never_repeated_behind_its_caller_s_back() {
    let (store, client) = start().await;
    let mut read = (*client.create(device("a")).await.unwrap()).clone();
    read.spec.watts = 2;
    store.faults().fail_next(1, Fault::Conflict);
    assert!(client.update(read.clone()).await.unwrap_err().is_conflict());
    // What only says what should be is.
    store.faults().fail_next(3, Fault::Conflict);
    assert_eq!(client.apply(read).await.unwrap().spec.watts, 2);
}

#[tokio::test]
async fn the_generation_moves_only_with_the_spec_and_nothing_is_written_without_a_difference() {
    let (store, client) = start().await;
    let created = client.create(device("a")).await.unwrap();
    let before = revision(&store).await;
    assert!(Arc::ptr_eq(&client.update((*created).clone()).await.unwrap(), &created));
    client.apply(device("a")).await.unwrap();
    client.update_status((*created).clone()).await.unwrap();
    client.patch::<Device>("a", Patch::Merge(json!({ "spec": { "watts": 0 } }))).await.unwrap();
    assert_eq!(revision(&store).await, before);
    let labelled = client.update((*created).clone().with_label("rack", "r1")).await.unwrap();
    assert_eq!(labelled.metadata.generation, 1);
    let mut changed = (*labelled).clone();
    changed.spec.watts = 1;
    assert_eq!(client.update(changed).await.unwrap().metadata.generation, 2);
}

#[tokio::test]
async fn an_apply_converges_and_leaves_what_others_added() {
    let (_, client) = start().await;
    client.apply(device("a").with_label("ours", "1")).await.unwrap();
    let theirs = (*client.get::<Device>("a").await.unwrap()).clone().with_label("theirs", "1").with_finalizer("x.io/y");
    client.update(theirs).await.unwrap();
    let mut again = device("a").with_label("ours", "2").with_annotation("note", "n");
    again.spec.watts = 3;
    let owner = OwnerReference {
        api_version: "v1".into(),
        kind: "Rack".into(),
        name: "r".into(),
        uid: "r".into(),
        controller: false,
        block_owner_deletion: false,
    };
    again.metadata.owner_references.push(owner);
    // By name, since it has no uid; the version doesn't matter.
    again.metadata.uid = "".into();
    again.metadata.resource_version = ResourceVersion::new(1);
    let applied = client.apply(again).await.unwrap();
    let labels: Vec<(&str, &str)> = applied.metadata.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(labels, [("ours", "2"), ("theirs", "1")]);
    assert_eq!((applied.spec.watts, applied.uid().as_str()), (3, "a"));
    assert_eq!((applied.metadata.finalizers.len(), applied.metadata.owner_references.len()), (1, 1));
    let json =
        json!({ "apiVersion": "example.io/v1", "kind": "Device", "metadata": { "name": "a" }, "spec": { "watts": 3 } });
    assert_eq!(client.apply_json(Device::TYPE, json).await.unwrap().0, Applied::Unchanged);
    let error = client.apply(Device::new("b", DeviceSpec::default()).with_uid("a")).await.unwrap_err();
    assert_eq!(error.faults()[0].path, "metadata.name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_applies_and_patches_all_take_effect() {
    let (_, client) = start().await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                for round in 0..20 {
                    client.apply(device("a").with_label(format!("l-{task}"), round.to_string())).await.unwrap();
                    let patch = json!({ "metadata": { "annotations": { format!("a-{task}"): round.to_string() } } });
                    let patched = client.patch::<Device>("a", Patch::Merge(patch)).await.unwrap();
                    assert_eq!(patched.metadata.labels[&format!("l-{task}")], round.to_string());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let device = client.get::<Device>("a").await.unwrap();
    assert!(device.metadata.labels.values().chain(device.metadata.annotations.values()).all(|value| value == "19"));
    assert_eq!((device.metadata.labels.len(), device.metadata.annotations.len()), (8, 8));
}

#[tokio::test]
async fn patches_change_what_they_say_and_no_more() {
    let (_, client) = start().await;
    let mut given = in_rack("a", "r1").with_label("old", "1");
    given.spec.serial_number = Some(9_007_199_254_740_993);
    client.create(given).await.unwrap();
    let merge = json!({ "metadata": { "labels": { "old": null, "new": "1" } }, "spec": { "watts": 7 }, "status": { "count": 3 } });
    let patched = client.patch::<Device>("a", Patch::Merge(merge)).await.unwrap();
    assert_eq!((patched.spec.watts, patched.spec.rack.as_deref(), patched.metadata.generation), (7, Some("r1"), 2));
    assert_eq!(patched.spec.serial_number, Some(9_007_199_254_740_993));
    assert!(patched.metadata.labels.contains_key("new") && !patched.metadata.labels.contains_key("old"));
    assert_eq!(patched.status.count, 0, "a status has its own patch");
    let json = json!([
        { "op": "test", "path": "/spec/watts", "value": 7 },
        { "op": "remove", "path": "/spec/rack" },
    ]);
    let patched = client.patch::<Device>("a", Patch::Json(json.clone())).await.unwrap();
    assert_eq!(patched.spec.rack, None);
    let bad = [
        Patch::Json(json),
        Patch::Json(json!([{ "op": "test", "path": "/spec/watts", "value": 8 }])),
        Patch::Json(json!({ "op": "remove" })),
        Patch::Json(json!([{ "op": "replace", "path": "", "value": 1 }])),
        Patch::Merge(json!([])),
        Patch::Merge(json!({ "spec": { "watts": 3001 } })),
        Patch::Merge(json!({ "spec": null })),
        Patch::Merge(json!({ "metadata": { "name": "b" }, "kind": "Rack" })),
        Patch::Merge(json!({ "metadata": { "labels": { "a b": "c" } } })),
    ];
    for patch in bad {
        let error = client.patch::<Device>("a", patch.clone()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid(_)), "{patch:?}: {error}");
        assert!(error.to_string().contains("Device a"), "{error}");
    }
    let version = patched.metadata.resource_version;
    let with_version =
        |version: u64| json!({ "metadata": { "resourceVersion": version.to_string() }, "spec": { "watts": 8 } });
    let error = client.patch::<Device>("a", Patch::Merge(with_version(version.get() - 1))).await.unwrap_err();
    assert!(error.is_conflict());
    assert_eq!(client.patch::<Device>("a", Patch::Merge(with_version(version.get()))).await.unwrap().spec.watts, 8);
}

#[tokio::test]
async fn a_deletion_waits_for_finalizers() {
    let (_, client) = start().await;
    client.create(device("a").with_finalizer("x.io/one")).await.unwrap();
    client.delete::<Device>("a").await.unwrap();
    let deleting = client.get::<Device>("a").await.unwrap();
    assert!(deleting.metadata.is_deleting());
    client.delete::<Device>("a").await.unwrap();
    assert_eq!(
        client.get::<Device>("a").await.unwrap().metadata,
        deleting.metadata,
        "a second deletion changes nothing"
    );
    let error = client.update((*deleting).clone().with_finalizer("x.io/two")).await.unwrap_err();
    assert_eq!(error.faults()[0].path, "metadata.finalizers");
    let mut last = (*deleting).clone();
    last.metadata.finalizers.clear();
    let mut waiting = Box::pin(client.wait_deleted::<Device>("a"));
    assert!((&mut waiting).now_or_never().is_none());
    client.update(last).await.unwrap();
    waiting.await.unwrap();
    assert!(client.get::<Device>("a").await.unwrap_err().is_not_found());
    assert!(client.delete::<Device>("a").await.unwrap_err().is_not_found());
    client.wait_deleted::<Device>("a").await.unwrap();
}

#[tokio::test]
async fn a_deletion_may_ask_for_one_version_of_one_object() {
    let (_, client) = start().await;
    let old = client.create(device("a")).await.unwrap().metadata.resource_version;
    let new = client.update((*client.get::<Device>("a").await.unwrap()).clone().with_label("l", "1")).await.unwrap();
    let version = |version| DeleteOptions { resource_version: Some(version), ..DeleteOptions::default() };
    assert!(client.delete_with::<Device>("a", version(old)).await.unwrap_err().is_conflict());
    let other = DeleteOptions { uid: Some("b".into()), ..DeleteOptions::default() };
    assert!(client.delete_with::<Device>("a", other).await.unwrap_err().is_conflict());
    client.delete_with::<Device>("a", version(new.metadata.resource_version)).await.unwrap();
    assert!(client.cache::<Device>().is_empty());
}

#[tokio::test]
async fn a_list_is_ordered_selected_and_paged() {
    let (_, client) = start().await;
    for namespace in ["lab", "lab-2"] {
        client.create(Namespace::new(namespace)).await.unwrap();
    }
    for (namespace, name) in [("lab-2", "a"), ("lab", "b"), ("lab", "a"), ("", "c")] {
        client.create(note(namespace, name).with_label("name", name)).await.unwrap();
    }
    let all = client.list::<Note>(ListOptions::default()).await.unwrap();
    let places: Vec<_> = all.items.iter().map(|note| (note.namespace(), note.name())).collect();
    assert_eq!(places, [("default", "c"), ("lab", "a"), ("lab", "b"), ("lab-2", "a")]);
    let lab = ListOptions { namespace: Some("lab".into()), ..ListOptions::default() };
    assert_eq!(names(&client.list::<Note>(lab.clone()).await.unwrap().items), ["a", "b"]);
    let labels = LabelSelector::parse("name in (a,c)").unwrap();
    let selected = client.list::<Note>(ListOptions { labels, ..ListOptions::default() }).await.unwrap();
    assert_eq!(names(&selected.items), ["c", "a", "a"]);
    let fields = FieldSelector::parse("metadata.namespace!=lab,metadata.name=a").unwrap();
    let selected = client.list::<Note>(ListOptions { fields, ..ListOptions::default() }).await.unwrap();
    assert_eq!(selected.items[0].namespace(), "lab-2");

    for options in [ListOptions::default(), lab] {
        let whole = client.list::<Note>(options.clone()).await.unwrap();
        let (mut paged, mut token) = (Vec::new(), None);
        loop {
            let page = ListOptions { limit: 1, continue_: token.take(), ..options.clone() };
            let page = client.list::<Note>(page).await.unwrap();
            assert_eq!(page.items.len(), 1);
            paged.extend(page.items);
            token = page.continue_;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(names(&paged), names(&whole.items));
    }
    let made_up = ListOptions { continue_: Some("x".into()), ..ListOptions::default() };
    assert_eq!(client.list::<Note>(made_up).await.unwrap_err().faults()[0].path, "continue");
}

#[tokio::test]
async fn an_index_follows_the_field() {
    let (_, client) = start().await;
    for (name, rack) in [("c", "r1"), ("a", "r1"), ("b", "r2")] {
        client.create(in_rack(name, rack)).await.unwrap();
    }
    client.create(device("none")).await.unwrap();
    let racked = |rack: &str| FieldSelector::parse(&format!("spec.rack={rack}")).unwrap();
    let list =
        async |fields| client.list::<Device>(ListOptions { fields, ..ListOptions::default() }).await.unwrap().items;
    let view = client.cache::<Device>();
    assert_eq!(names(&list(racked("r1")).await), ["a", "c"]);
    client.apply(in_rack("a", "r2")).await.unwrap();
    client.delete::<Device>("c").await.unwrap();
    assert!(list(racked("r1")).await.is_empty());
    assert_eq!(names(&list(racked("r2")).await), ["a", "b"]);
    assert_eq!(names(&view.select(".spec.rack", "r2")), ["a", "b"]);
    assert!(view.select("spec.watts", "0").is_empty());
    let page = ListOptions { fields: racked("r2"), limit: 1, ..ListOptions::default() };
    let first = client.list::<Device>(page.clone()).await.unwrap();
    let second = client.list::<Device>(ListOptions { continue_: first.continue_, ..page }).await.unwrap();
    assert_eq!((names(&first.items), names(&second.items), second.continue_), (vec!["a"], vec!["b"], None));
    let error = client
        .list::<Device>(ListOptions { fields: FieldSelector::parse("spec.watts=0").unwrap(), ..ListOptions::default() })
        .await
        .unwrap_err();
    assert!(error.to_string().contains("spec.rack"), "it says what can be selected by: {error}");
}

#[tokio::test]
async fn namespaces_hold_what_is_created_in_them() {
    let (store, client) = start().await;
    assert_eq!(names(&client.cache::<Namespace>().all()), ["default"]);
    let error = client.create(note("lab", "a")).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("no namespace lab"), "{error}");
    assert!(!client.create(device("a").in_namespace("lab")).await.unwrap_err().faults().is_empty());
    let lab = client.create(Namespace::new("lab")).await.unwrap();
    assert_eq!(lab.metadata.finalizers, [Namespace::CONTENTS_FINALIZER]);
    client.create(note("lab", "a")).await.unwrap();
    client.delete::<Namespace>(lab.uid()).await.unwrap();
    let error = client.create(note("lab", "b")).await.unwrap_err();
    assert!(error.to_string().contains("being deleted"), "{error}");
    let default = client.get_by_name::<Namespace>("", "default").await.unwrap();
    assert!(client.delete::<Namespace>(default.uid()).await.is_err());
    // Another start finds `default` there.
    let before = revision(&store).await;
    start_on(&store).await;
    assert_eq!(revision(&store).await, before);
}

#[tokio::test]
async fn a_watch_shows_what_is_and_then_every_change() {
    let (_, client) = start().await;
    client.create(in_rack("b", "r1")).await.unwrap();
    client.create(device("a")).await.unwrap();
    let mut all = client.watch::<Device>(WatchOptions::default()).unwrap();
    let fields = FieldSelector::parse("spec.rack=r1").unwrap();
    let mut racked = client.watch::<Device>(WatchOptions { fields, ..WatchOptions::default() }).unwrap();
    for watts in 1..=100 {
        client.patch::<Device>("a", Patch::Merge(json!({ "spec": { "watts": watts } }))).await.unwrap();
    }
    client.apply(in_rack("a", "r1")).await.unwrap();
    client.apply(device("a")).await.unwrap();
    client.delete::<Device>("b").await.unwrap();
    client.close();
    let mut shown = Vec::new();
    while let Some(change) = all.next().await {
        shown.push(match change {
            Change::Added(device) => format!("+{}", device.name()),
            Change::Modified { old, new } => {
                assert_eq!(old.name(), new.name());
                format!("{}>{}", old.spec.watts, new.spec.watts)
            }
            Change::Deleted(device) => format!("-{}", device.name()),
        });
    }
    let mut expected = vec!["+a".to_owned(), "+b".to_owned()];
    expected.extend((0..100).map(|watts| format!("{watts}>{}", watts + 1)));
    expected.extend(["100>0", "0>0", "-b"].map(str::to_owned));
    assert_eq!(shown, expected);
    let mut shown = Vec::new();
    while let Some(change) = racked.next().await {
        match change {
            Change::Added(device) => shown.push(format!("+{}", device.name())),
            Change::Modified { .. } => panic!("out of view"),
            Change::Deleted(device) => shown.push(format!("-{}", device.name())),
        }
    }
    assert_eq!(shown, ["+b", "+a", "-a", "-b"]);
}

#[tokio::test]
async fn a_watch_that_is_not_read_stays_bounded_and_ends_up_right() {
    let (_, client) = start().await;
    client.create(device("a")).await.unwrap();
    let mut watch = client.watch::<Device>(WatchOptions::default()).unwrap();
    for count in 1..=10_000_u64 {
        let mut device = device("a");
        device.status.count = count;
        client.update_status(device).await.unwrap();
    }
    client.delete::<Device>("a").await.unwrap();
    client.create(device("a")).await.unwrap();
    client.close();
    let Some(Change::Added(mut known)) = watch.next().await else { panic!("it was there") };
    let (mut changes, mut reborn) = (0, false);
    while let Some(change) = watch.next().await {
        changes += 1;
        match change {
            Change::Modified { old, new } => {
                assert_eq!(old.metadata.resource_version, known.metadata.resource_version, "no gap");
                known = new;
            }
            Change::Deleted(old) => assert_eq!(old.status.count, 10_000),
            Change::Added(_) => reborn = true,
        }
    }
    assert!(changes < 8200 && reborn, "{changes}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_survives_that_the_store_s_own_expires() {
    let store = MemoryStore::with_window(2);
    let client = start_on(&store).await;
    client.create(device("gone")).await.unwrap();
    let mut watch = client.watch::<Device>(WatchOptions::default()).unwrap();
    let other = start_on(&store).await;
    for round in 0..50_u64 {
        if round % 7 == 0 {
            store.faults().compact();
        }
        other.create(device(&format!("d-{round}"))).await.unwrap();
    }
    other.delete::<Device>("gone").await.unwrap();
    client.wait_until::<Device>("d-49", |_| true).await.unwrap();
    client.wait_deleted::<Device>("gone").await.unwrap();
    client.close();
    let mut known = std::collections::BTreeSet::new();
    while let Some(change) = watch.next().await {
        match change {
            Change::Added(device) => assert!(known.insert(device.name().to_owned()), "twice"),
            Change::Modified { .. } => {}
            Change::Deleted(device) => assert!(known.remove(device.name())),
        }
    }
    assert_eq!(known.len(), 50);
}

#[tokio::test]
async fn a_wait_ends_when_the_predicate_holds() {
    let (_, client) = start().await;
    let mut waiting = Box::pin(client.wait_until::<Device>("a", |device| device.spec.watts == 2));
    assert!((&mut waiting).now_or_never().is_none(), "it doesn't exist yet");
    client.create(device("a")).await.unwrap();
    assert!((&mut waiting).now_or_never().is_none());
    for watts in [2, 3] {
        client.patch::<Device>("a", Patch::Merge(json!({ "spec": { "watts": watts } }))).await.unwrap();
    }
    assert_eq!(waiting.await.unwrap().spec.watts, 2, "it held, though it doesn't any more");
    assert_eq!(client.wait_until::<Device>("a", |device| device.spec.watts == 3).await.unwrap().spec.watts, 3);
}

#[tokio::test]
async fn what_a_program_does_not_know_is_said() {
    let store = MemoryStore::new();
    let client = Client::start(Arc::new(store), vec![], EventBus::new(), ClientSettings::default()).await.unwrap();
    let error = client.create(device("a")).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("no kind Device.example.io"), "{error}");
    assert!(client.get::<Device>("a").await.unwrap_err().is_not_found());
    assert!(client.cache::<Device>().is_empty());
    assert_eq!(client.kinds().iter().map(|kind| kind.kind).collect::<Vec<_>>(), ["Event", "Namespace"]);
}

#[tokio::test]
async fn kinds_known_at_run_time_only_are_handled_alike() {
    let (_, client) = start().await;
    let lamp = json!({
        "apiVersion": "example.io/v1", "kind": "Device",
        "metadata": { "name": "lamp", "uid": "u-1" }, "spec": { "watts": 7 }, "status": { "count": 9 },
    });
    let (applied, object) = client.apply_json(Device::TYPE, lamp).await.unwrap();
    assert_eq!((applied, downcast::<Device>(object).unwrap().status.count), (Applied::Created, 0));
    let key = client.find(Device::TYPE, "", "lamp").unwrap();
    assert_eq!(key, ObjectKey { kind: GroupKind::of::<Device>(), uid: "u-1".into() });
    let mut json = client.get_json(&key).unwrap();
    assert_eq!(json["spec"]["watts"], 7);
    json["spec"]["watts"] = json!(8);
    let updated = client.update_json(Device::TYPE, json).await.unwrap();
    assert_eq!(updated.metadata().generation, 2);
    let patch = Patch::Merge(json!({ "spec": { "watts": 9 } }));
    assert_eq!(client.patch_object(&key, patch).await.unwrap().metadata().generation, 3);
    assert_eq!(client.list_objects(Device::TYPE, ListOptions::default()).unwrap().items.len(), 1);
    let mut watch = client.watch_objects(Device::TYPE, WatchOptions::default()).unwrap();
    assert!(matches!(watch.next().await, Some(Change::Added(_))));
    assert!(client.delete_object(&key, DeleteOptions::default()).await.unwrap());
    assert!(matches!(watch.next().await, Some(Change::Deleted(_))));
    assert!(client.get_object(&key).err().unwrap().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_a_while_costs_a_while() {
    let (store, client) = start().await;
    client.create(device("a")).await.unwrap();
    store.faults().fail_next(1, Fault::Unavailable);
    let error = client.apply(in_rack("a", "r1")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unavailable);
    store.faults().fail_next(1, Fault::ExpireWatches);
    assert_eq!(client.apply(in_rack("a", "r2")).await.unwrap().spec.rack.as_deref(), Some("r2"));
}
