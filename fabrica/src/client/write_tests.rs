//! What deletions and updates tell, and that what is only tried is never written.

use std::sync::Arc;

use super::delete::Deleted;
use super::sample::{Device, device};
use super::*;
use crate::event::EventBus;
use crate::resource::{Metadata, ObjectKey, Resource, ResourceVersion};
use crate::store::{MemoryStore, Revision, Store, Transaction};
use crate::{Error, Fault};

async fn start(store: &MemoryStore) -> Client {
    let types = vec![Device::TYPE];
    Client::start(Arc::new(store.clone()), types, EventBus::new(), ClientSettings::default()).await.unwrap()
}

fn key(uid: &str) -> ObjectKey {
    ObjectKey::of::<Device>(uid)
}

fn by(propagation: Propagation) -> DeleteOptions {
    DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() }
}

async fn delete(client: &Client, options: &DeleteOptions) -> crate::Result<Deleted> {
    client.delete_key(&key("a"), options).await
}

async fn finalizers(client: &Client, options: DeleteOptions) -> Option<Vec<String>> {
    match delete(client, &options).await.unwrap() {
        Deleted::Waiting(object) => Some(object.metadata(&"a".into()).finalizers),
        Deleted::Gone(_) => None,
    }
}

#[tokio::test]
async fn a_deletion_tells_what_is_gone_and_what_waits() {
    let client = start(&MemoryStore::new()).await;
    client.create(device("a").with_finalizer("x.io/one").with_label("l", "1")).await.unwrap();
    let Ok(Deleted::Waiting(waiting)) = delete(&client, &DeleteOptions::default()).await else { panic!() };
    assert!(waiting.is_deleting());
    assert_eq!(Some(waiting.modified()), client.cached(&key("a")).map(|now| now.modified()));
    let Ok(Deleted::Waiting(again)) = delete(&client, &DeleteOptions::default()).await else { panic!() };
    assert_eq!(again.modified(), waiting.modified(), "once is enough");
    client.remove_finalizer(&waiting, "x.io/one").await.unwrap();
    client.create(device("b").with_label("l", "2").with_uid("a")).await.unwrap();
    let Ok(Deleted::Gone(last)) = delete(&client, &DeleteOptions::default()).await else { panic!() };
    assert_eq!((last.uid(), last.metadata(&"a".into()).labels["l"].as_str()), (&"a".into(), "2"));
    assert!(delete(&client, &DeleteOptions::default()).await.err().unwrap().is_not_found());
}

#[tokio::test]
async fn what_went_while_it_was_to_be_deleted_is_not_found() {
    let store = MemoryStore::new();
    let client = start(&store).await;
    client.create(device("a")).await.unwrap();
    // The cache doesn't know yet that somebody else was faster.
    let gone = Transaction::new().delete("o/example.io/Device/a").delete("n/example.io/Device//a");
    store.txn(gone).await.unwrap();
    let error = delete(&client, &DeleteOptions::default()).await.err().unwrap();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn a_precondition_that_does_not_hold_is_named_with_both_values() {
    let client = start(&MemoryStore::new()).await;
    let created = client.create(device("a")).await.unwrap().metadata.resource_version;
    let uid = DeleteOptions { uid: Some("other".into()), ..DeleteOptions::default() };
    let old = DeleteOptions { resource_version: Some(ResourceVersion::new(7777)), ..DeleteOptions::default() };
    for (options, named) in [(uid, ["uid", "`a`", "`other`"]), (old, ["resourceVersion", &created.to_string(), "7777"])]
    {
        let error = delete(&client, &options).await.err().unwrap();
        assert!(error.is_conflict());
        let message = error.to_string();
        assert!(message.contains("Device a") && named.iter().all(|part| message.contains(part)), "{message}");
    }
    let right = DeleteOptions { uid: Some("a".into()), resource_version: Some(created), ..DeleteOptions::default() };
    assert!(matches!(delete(&client, &right).await, Ok(Deleted::Gone(_))));
}

#[tokio::test]
async fn a_later_deletion_says_anew_what_becomes_of_what_belongs_to_it() {
    let (foreground, orphan) = (Metadata::FOREGROUND_FINALIZER, Metadata::ORPHAN_FINALIZER);
    let client = start(&MemoryStore::new()).await;
    client.create(device("a").with_finalizer("x.io/one")).await.unwrap();
    let own = "x.io/one";
    assert_eq!(finalizers(&client, by(Propagation::Foreground)).await.unwrap(), [own, foreground]);
    let began = client.get::<Device>("a").await.unwrap().metadata.deletion_timestamp;
    assert_eq!(finalizers(&client, DeleteOptions::default()).await.unwrap(), [own, foreground], "not said anew");
    assert_eq!(finalizers(&client, by(Propagation::Orphan)).await.unwrap(), [own, orphan]);
    assert_eq!(finalizers(&client, by(Propagation::Foreground)).await.unwrap(), [own, foreground]);
    assert_eq!(finalizers(&client, by(Propagation::Background)).await.unwrap(), [own]);
    assert_eq!(client.get::<Device>("a").await.unwrap().metadata.deletion_timestamp, began);
    // Without a finalizer of its own it goes at once when nothing else is to be waited for.
    client.create(device("b").with_uid("b").with_finalizer(orphan)).await.unwrap();
    let options = by(Propagation::Background);
    assert!(matches!(client.delete_key(&key("b"), &options).await, Ok(Deleted::Gone(_))));
    client.create(device("c").with_finalizer(foreground)).await.unwrap();
    assert!(matches!(client.delete_key(&key("c"), &DeleteOptions::default()).await, Ok(Deleted::Waiting(_))));
}

#[tokio::test]
async fn an_update_is_for_the_object_of_its_name_uid_and_version() {
    let client = start(&MemoryStore::new()).await;
    let read = client.create(device("a")).await.unwrap().as_ref().clone();
    client.create(device("b")).await.unwrap();
    for other in ["b", "x"] {
        let given = read.clone().with_uid(other);
        for error in [client.update(given.clone()).await.unwrap_err(), client.update_status(given).await.unwrap_err()] {
            assert!(error.is_conflict(), "{error}");
            let message = error.to_string();
            assert!(message.contains("`a`") && message.contains(&format!("`{other}`")), "{message}");
        }
    }
    let mut unversioned = read.clone();
    unversioned.metadata.resource_version = ResourceVersion::UNSET;
    let error = client.update(unversioned.clone()).await.unwrap_err();
    let fault: &Fault = &error.faults()[0];
    assert_eq!(fault.path, "metadata.resourceVersion");
    assert!(fault.message.starts_with("must be specified for an update"), "{fault}");
    // Who it is comes first.
    assert!(client.update(unversioned.clone().with_uid("x")).await.unwrap_err().is_conflict());
    unversioned.metadata.name = "none".into();
    assert!(client.update(unversioned.with_uid("none")).await.unwrap_err().is_not_found());

    let mut newer = read.clone();
    newer.spec.watts = 1;
    let newer = client.update(newer).await.unwrap().metadata.resource_version;
    for error in [client.update(read.clone()).await.unwrap_err(), client.update_status(read).await.unwrap_err()] {
        assert!(error.is_conflict() && error.to_string().contains(&newer.to_string()), "{error}");
    }
}

async fn revision(store: &MemoryStore) -> Revision {
    store.revision().await.unwrap()
}

#[tokio::test]
async fn what_a_reconciler_tries_is_not_written() {
    let store = MemoryStore::new();
    let client = start(&store).await;
    client.create(device("a").with_finalizer("x.io/one")).await.unwrap();
    let owner = Owner::new(&client.cached(&key("a")).unwrap()).unwrap();
    let adopted = |name: &str, watts| {
        let mut child = device(name);
        child.spec.watts = watts;
        owner.adopt(&mut child).unwrap();
        child
    };
    client.own_object(&owner, &adopted("there", 1)).await.unwrap();
    let before = revision(&store).await;

    let tried = client.dry_run();
    for (name, watts, expected) in
        [("new", 1, Applied::Created), ("there", 2, Applied::Configured), ("there", 1, Applied::Unchanged)]
    {
        let Ok(Owned::Done(applied, object)) = tried.own_object(&owner, &adopted(name, watts)).await else { panic!() };
        assert_eq!((applied, typed::<Device>(&object).unwrap().spec.watts), (expected, watts));
    }
    assert!(tried.delete_owned(&owner, &key("there")).await.unwrap());
    let base = client.cached(&key("a")).unwrap();
    let mut after = typed::<Device>(&base).unwrap().as_ref().clone();
    after.status.count = 7;
    assert!(matches!(tried.save_status(&base, None, &after).await, Ok(Saved::Written { .. })));
    assert!(matches!(tried.add_finalizer(&base, "x.io/two").await, Ok(Saved::Written { .. })));
    assert!(matches!(tried.remove_finalizer(&base, "x.io/one").await, Ok(Saved::Written { .. })));
    assert_eq!(revision(&store).await, before);
    assert_eq!(client.keys(Device::TYPE.group_kind()).len(), 2);
    // What would fail fails.
    let stranger: Error = tried.create(device("there")).await.unwrap_err();
    assert!(stranger.is_already_exists());
}
