//! What the controller relies on: the order of things, and what becomes of a status.

use std::sync::Arc;

use parking_lot::Mutex;

use super::sample::{Device, device, other};
use super::*;
use crate::ErrorKind;
use crate::event::{Delivery, EventBus, Pattern};
use crate::resource::{GroupKind, ObjectKey, Resource};
use crate::store::{Fault, Guard, MemoryStore, Revision, Store, Transaction};

async fn start(store: &MemoryStore) -> Client {
    start_with(store, EventBus::new()).await
}

async fn start_with(store: &MemoryStore, bus: EventBus) -> Client {
    Client::start(Arc::new(store.clone()), vec![Device::TYPE], bus, ClientSettings::default()).await.unwrap()
}

fn key(uid: &str) -> ObjectKey {
    ObjectKey::of::<Device>(uid)
}

fn base(client: &Client, uid: &str) -> CachedObject {
    client.cached(&key(uid)).unwrap()
}

/// What a reconciler leaves behind.
fn changed(base: &CachedObject, change: impl FnOnce(&mut Device)) -> Device {
    let mut device = base.object().unwrap().downcast_ref::<Device>().unwrap().clone();
    change(&mut device);
    device
}

fn written(saved: Saved) -> (Revision, Revision, CachedObject) {
    match saved {
        Saved::Written { previous, revision, object } => (previous, revision, object),
        Saved::Unchanged => panic!("unchanged"),
        Saved::Gone => panic!("gone"),
    }
}

/// Writes as another program would.
async fn foreign_spec(store: &MemoryStore, uid: &str, from: &str, to: &str) {
    let key = format!("o/example.io/Device/{uid}").as_str().into();
    let entry = store.get(&key, None).await.unwrap().0.unwrap();
    let text = String::from_utf8(entry.value.to_vec()).unwrap();
    assert!(text.contains(from), "{text}");
    store.txn(Transaction::new().put(key, text.replace(from, to))).await.unwrap();
}

#[derive(Default)]
struct Seen(Mutex<Vec<SeenChange>>);

/// The uid, the versions before and after, and whether a relist found it.
type SeenChange = (String, Option<u64>, Option<u64>, bool);

impl Observer for Seen {
    fn changed(&self, change: &ObjectChange) {
        let modified = |object: &Option<CachedObject>| object.as_ref().map(|object| object.modified().get());
        self.0.lock().push((change.key.uid.to_string(), modified(&change.old), modified(&change.new), change.relisted));
    }
}

#[tokio::test]
async fn a_status_is_put_on_top_of_a_spec_that_changed_meanwhile() {
    let store = MemoryStore::new();
    let client = start(&store).await;
    client.create(device("a")).await.unwrap();
    let base = base(&client, "a");
    // The cache doesn't know of this one when the save begins: the store's conflict tells.
    foreign_spec(&store, "a", r#""watts":0"#, r#""watts":18446744073709551615,"odd":1.10"#).await;
    let after = changed(&base, |device| device.status.count = 7);
    let (previous, revision, object) = written(client.save_status(&base, None, &after).await.unwrap());
    assert!(base.modified() < previous && previous < revision);
    let device = client.get::<Device>("a").await.unwrap();
    assert_eq!((device.spec.watts, device.status.count), (u64::MAX, 7));
    assert_eq!(device.metadata.resource_version.get(), revision.get());
    assert_eq!(object.modified(), revision);
    let raw = String::from_utf8(object.raw.to_vec()).unwrap();
    assert!(raw.contains(r#""odd":1.10"#), "what the type doesn't know stays as it is: {raw}");
}

#[tokio::test]
async fn two_writers_of_a_status_both_get_their_part() {
    let client = start(&MemoryStore::new()).await;
    client.create(device("a")).await.unwrap();
    let old = base(&client, "a");
    let one = changed(&old, |device| {
        device.status.error = Some("disk on fire".into());
        device.status.conditions.set("Ready", true, "", "", None);
    });
    written(client.save_status(&old, None, &one).await.unwrap());
    let two = changed(&old, |device| {
        device.status.count = 2;
        device.status.conditions.set("Reachable", false, "", "", None);
    });
    written(client.save_status(&old, None, &two).await.unwrap());
    let both = base(&client, "a");
    let status = &changed(&both, |_| {}).status;
    assert_eq!((status.count, status.error.as_deref()), (2, Some("disk on fire")));
    assert!(status.conditions.is_true("Ready") && status.conditions.get("Reachable").is_some());
    // Removed fields disappear.
    let three = changed(&both, |device| device.status.error = None);
    written(client.save_status(&both, None, &three).await.unwrap());
    assert_eq!(client.get::<Device>("a").await.unwrap().status.error, None);
}

#[tokio::test]
async fn a_status_without_a_difference_is_not_written() {
    let store = MemoryStore::new();
    let client = start(&store).await;
    client.create(device("a")).await.unwrap();
    let before = store.revision().await.unwrap();
    let old = base(&client, "a");
    assert!(matches!(client.save_status(&old, None, &changed(&old, |_| {})).await.unwrap(), Saved::Unchanged));
    // Spec and metadata are none of its business.
    let after = changed(&old, |device| device.spec.watts = 9);
    assert!(matches!(client.save_status(&old, None, &after).await.unwrap(), Saved::Unchanged));
    assert_eq!(store.revision().await.unwrap(), before);
    // Nor is a difference that is there already.
    let after = changed(&old, |device| device.status.count = 9);
    written(client.save_status(&old, None, &after).await.unwrap());
    assert!(matches!(client.save_status(&old, None, &after).await.unwrap(), Saved::Unchanged));
}

#[tokio::test]
async fn a_status_is_not_saved_to_an_object_that_took_the_uid_over() {
    let client = start(&MemoryStore::new()).await;
    client.create(device("a")).await.unwrap();
    let old = base(&client, "a");
    let after = changed(&old, |device| device.status.count = 9);
    client.delete::<Device>("a").await.unwrap();
    assert!(matches!(client.save_status(&old, None, &after).await.unwrap(), Saved::Gone));
    client.create(device("a")).await.unwrap();
    assert!(matches!(client.save_status(&old, None, &after).await.unwrap(), Saved::Gone));
    assert!(matches!(client.add_finalizer(&old, "example.io/f").await.unwrap(), Saved::Gone));
    assert_eq!(client.get::<Device>("a").await.unwrap().status.count, 0);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_found_out() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied] {
        let store = MemoryStore::new();
        let client = start(&store).await;
        store.faults().fail_next(2, fault);
        client.create(device("a")).await.unwrap();
        let old = base(&client, "a");
        let after = changed(&old, |device| device.status.count = 9);
        store.faults().fail_next(2, fault);
        let (previous, ..) = written(client.save_status(&old, None, &after).await.unwrap());
        assert_eq!(previous, old.modified());
        store.faults().fail_next(2, fault);
        let mut device = (*client.get::<Device>("a").await.unwrap()).clone();
        device.spec.watts = 5;
        assert_eq!(client.update(device).await.unwrap().metadata.generation, 2);
        let revision = store.revision().await.unwrap();
        assert_eq!(revision, old.modified().next().next(), "each was done once");
        store.faults().fail_next(2, fault);
        client.delete::<Device>("a").await.unwrap();
        assert!(client.cached(&key("a")).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_stays_unknown_is_said_to_be() {
    let store = MemoryStore::new();
    let client = start(&store).await;
    store.faults().fail_next(100, Fault::UnknownNotApplied);
    let error = client.create(device("a")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unknown);
    assert!(error.to_string().contains("Device a"), "{error}");
    store.faults().clear();
    store.faults().fail_next(1, Fault::Unavailable);
    let error = client.create(device("a")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unavailable);
}

#[tokio::test]
async fn observers_know_before_the_writer_does_and_exactly_what_changed() {
    let client = start(&MemoryStore::new()).await;
    let seen = Arc::new(Seen::default());
    client.observe(seen.clone());
    let created = client.create(device("a")).await.unwrap().metadata.resource_version.get();
    assert_eq!(*seen.0.lock(), [("a".into(), None, Some(created), false)]);
    let old = base(&client, "a");
    let after = changed(&old, |device| device.status.count = 1);
    let (_, revision, _) = written(client.save_status(&old, None, &after).await.unwrap());
    assert_eq!(seen.0.lock()[1], ("a".into(), Some(created), Some(revision.get()), false));
    client.delete::<Device>("a").await.unwrap();
    assert_eq!(seen.0.lock()[2], ("a".into(), Some(revision.get()), None, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_reads_their_own_writes() {
    let client = start(&MemoryStore::new()).await;
    let seen = Arc::new(Seen::default());
    client.observe(seen.clone());
    let writers = (0..8).map(|writer| {
        let client = client.clone();
        tokio::spawn(async move {
            let uid = format!("d-{writer}");
            client.create(device(&uid)).await.unwrap();
            for count in 1..=200 {
                let old = base(&client, &uid);
                let after = changed(&old, |device| device.status.count = count);
                let (previous, revision, _) = written(client.save_status(&old, None, &after).await.unwrap());
                assert_eq!(previous, old.modified());
                let now = base(&client, &uid);
                assert_eq!((now.modified(), changed(&now, |_| {}).status.count), (revision, count));
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let seen = seen.0.lock();
    assert_eq!(seen.len(), 8 * 201);
    assert!(seen.is_sorted_by_key(|(_, _, new, _)| *new), "in the order of the store's history");
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_closed_by_a_relist_that_loses_nothing() {
    let store = MemoryStore::with_window(2);
    let client = start(&store).await;
    for uid in ["stays", "changes", "goes", "reborn"] {
        client.create(device(uid)).await.unwrap();
    }
    let seen = Arc::new(Seen::default());
    client.observe(seen.clone());
    let created = client.seen().get();
    // The store fails while others write on: the watch expires, and listing again has to be tried for a while.
    store.faults().compact();
    store.faults().fail_reads(5, crate::store::StoreError::Unavailable("maintenance".into()));
    let raw = base(&client, "stays").raw.clone();
    let text = String::from_utf8(raw.to_vec()).unwrap();
    let put = |uid: &str, text: String| Transaction::new().put(format!("o/example.io/Device/{uid}"), text);
    let named = |uid: &str| text.replace("stays", uid);
    store.txn(put("changes", named("changes").replace(r#""watts":0"#, r#""watts":1"#))).await.unwrap();
    store.txn(Transaction::new().delete("o/example.io/Device/goes").delete("n/example.io/Device//goes")).await.unwrap();
    store.txn(Transaction::new().delete("o/example.io/Device/reborn")).await.unwrap();
    store.txn(put("reborn", named("reborn"))).await.unwrap();
    let last = store.txn(put("new", named("new"))).await.unwrap();
    client.wait_until::<Device>("new", |_| true).await.unwrap();
    client.inner().progress.wait(last).await;

    let changes = seen.0.lock().clone();
    let uids: Vec<(&str, bool, bool)> =
        changes.iter().map(|(uid, old, new, _)| (uid.as_str(), old.is_some(), new.is_some())).collect();
    let expected = [
        ("goes", true, false),
        ("changes", true, true),
        ("reborn", true, false),
        ("reborn", false, true),
        ("new", false, true),
    ];
    assert_eq!(uids, expected);
    assert!(changes.iter().all(|(.., relisted)| *relisted));
    assert!(client.cached(&key("goes")).is_none());
    assert!(client.cache::<Device>().by_name("", "goes").is_none());
    assert_eq!(client.get::<Device>("changes").await.unwrap().spec.watts, 1);
    assert_eq!(client.seen(), last);
    // What comes after is followed as usual.
    client.delete::<Device>("reborn").await.unwrap();
    assert!(seen.0.lock().last().is_some_and(|(uid, _, new, relisted)| uid == "reborn" && new.is_none() && !relisted));
    assert!(created < client.seen().get());
}

#[tokio::test]
async fn what_can_not_be_decoded_is_kept_apart_and_can_be_mended() {
    let store = MemoryStore::new();
    let good = r#"{"apiVersion":"example.io/v1","kind":"Device","metadata":{"name":"good"},"spec":{"watts":1}}"#;
    let bad = good.replace("good", "bad").replace(r#""watts":1"#, r#""watts":"many""#);
    for (uid, text) in [("good", good), ("bad", &bad), ("worse", "no json")] {
        store.txn(Transaction::new().put(format!("o/example.io/Device/{uid}"), text.to_owned())).await.unwrap();
    }
    // Kinds that nobody knows are left alone.
    store.txn(Transaction::new().put("o/example.io/Gadget/x", "{}").put("o/odd", "").put("else", "")).await.unwrap();
    let client = start(&store).await;
    assert_eq!(client.keys(GroupKind::of::<Device>()).len(), 3);
    assert_eq!(client.list::<Device>(ListOptions::default()).await.unwrap().items.len(), 1);
    let error = client.get::<Device>("bad").await.unwrap_err();
    assert_eq!(error.faults()[0].path, "spec.watts");
    assert!(error.to_string().contains("Device bad"), "{error}");
    assert_eq!(base(&client, "bad").decoded().err().unwrap().path, "spec.watts");
    client.apply(device("bad")).await.unwrap();
    assert_eq!(client.get::<Device>("bad").await.unwrap().spec.watts, 0);
    client.delete::<Device>("worse").await.unwrap();
    assert_eq!(client.keys(GroupKind::of::<Device>()).len(), 2);
}

#[tokio::test]
async fn finalizers_hold_an_object_until_the_last_is_removed() {
    let client = start(&MemoryStore::new()).await;
    client.create(device("a")).await.unwrap();
    let (.., one) = written(client.add_finalizer(&base(&client, "a"), "example.io/one").await.unwrap());
    assert!(matches!(client.add_finalizer(&one, "example.io/one").await.unwrap(), Saved::Unchanged));
    written(client.add_finalizer(&one, "example.io/two").await.unwrap());
    client.delete::<Device>("a").await.unwrap();
    let deleting = base(&client, "a");
    assert!(deleting.object().unwrap().metadata().is_deleting());
    let error = client.add_finalizer(&deleting, "example.io/three").await.err().unwrap();
    assert!(error.to_string().contains("Device a") && !error.faults().is_empty(), "{error}");
    // From an older version, as a reconciler would that was slow.
    written(client.remove_finalizer(&one, "example.io/one").await.unwrap());
    assert!(matches!(client.remove_finalizer(&one, "example.io/one").await.unwrap(), Saved::Unchanged));
    assert!(matches!(client.remove_finalizer(&one, "example.io/two").await.unwrap(), Saved::Gone));
    assert!(client.get::<Device>("a").await.unwrap_err().is_not_found());
    client.create(device("a")).await.unwrap();
}

#[tokio::test]
async fn two_types_for_one_kind_are_refused_with_both_places() {
    let store = Arc::new(MemoryStore::new());
    let types = vec![Device::TYPE, Device::TYPE, other::Device::TYPE];
    let error = Client::start(store, types, EventBus::new(), ClientSettings::default()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Startup);
    assert_eq!(error.to_string().matches("sample.rs:").count(), 2, "{error}");
    let client = start(&MemoryStore::new()).await;
    assert!(
        client.create(other::Device::new("a", super::sample::DeviceSpec::default())).await.unwrap_err().is_not_found()
    );
}

#[tokio::test]
async fn events_tell_of_what_the_watch_saw() {
    let bus = EventBus::new();
    let store = MemoryStore::new();
    let client = start_with(&store, bus.clone()).await;
    let mut events = bus.subscribe(Pattern::parse("io.fabrica.**").unwrap());
    client.create(device("a")).await.unwrap();
    let old = base(&client, "a");
    let after = changed(&old, |device| assert!(device.set_ready(true, "Up", "")));
    written(client.save_status(&old, None, &after).await.unwrap());
    client.delete::<Device>("a").await.unwrap();
    bus.close();
    let mut types = Vec::new();
    while let Some(Delivery::Event(event)) = events.next().await {
        assert_eq!(event.about().unwrap().uid, "a");
        assert_eq!(event.subject(), Some("Device/a"));
        types.push(event.event_type().to_owned());
    }
    let expected = [
        "io.fabrica.device.created",
        "io.fabrica.device.updated",
        "io.fabrica.condition.ready",
        "io.fabrica.device.deleted",
    ];
    assert_eq!(types, expected);
}

#[tokio::test]
async fn a_closed_client_keeps_no_writer_waiting() {
    let store = MemoryStore::new();
    let client = start(&store).await;
    let mut watch = client.watch::<Device>(WatchOptions::default()).unwrap();
    client.close();
    assert_eq!(client.create(device("a")).await.unwrap().name(), "a");
    assert!(watch.next().await.is_none());
    assert_eq!(client.wait_until::<Device>("b", |_| true).await.unwrap_err().kind(), &ErrorKind::Unavailable);
    let stored = store.get(&"o/example.io/Device/a".into(), None).await.unwrap().0;
    assert!(stored.is_some(), "the write itself is done");
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_last_clone() {
    let store = MemoryStore::new();
    let client = start(&store).await;
    let shared = Arc::downgrade(client.inner());
    drop(client.clone());
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    assert!(shared.upgrade().is_some());
    drop(client);
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    assert!(shared.upgrade().is_none());
}

#[tokio::test]
async fn a_name_that_another_object_took_over_in_a_gap_stays_with_it() {
    let store = MemoryStore::with_window(1);
    let client = start(&store).await;
    client.create(device("a")).await.unwrap();
    let text = String::from_utf8(base(&client, "a").raw.to_vec()).unwrap();
    store.faults().compact();
    store.txn(Transaction::new().delete("o/example.io/Device/a")).await.unwrap();
    store.txn(Transaction::new().put("o/example.io/Device/0", text)).await.unwrap();
    client.wait_until::<Device>("0", |_| true).await.unwrap();
    client.wait_deleted::<Device>("a").await.unwrap();
    assert_eq!(client.get_by_name::<Device>("", "a").await.unwrap().uid(), &"0");
    // A guard that fails for the name alone says so.
    let guard = Guard::Absent("n/example.io/Device//a".into());
    assert!(store.txn(Transaction::new().when(guard)).await.is_err());
}

#[tokio::test]
async fn a_closed_client_does_not_say_that_it_has_caught_up() {
    let store = MemoryStore::new();
    let client = start(&store).await;
    client.close();
    client.catch_up("devices").await.unwrap();
    store.txn(Transaction::new().put("x", "1")).await.unwrap();
    let error = client.catch_up("devices").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unavailable) && error.to_string().contains("devices"), "{error}");
}
