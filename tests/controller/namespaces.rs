//! Deleting a namespace deletes what is in it.

use std::sync::Arc;

use fabrica::prelude::*;
use fabrica::resource::{Namespace, ResourceVersion};
use fabrica::store::{MemoryStore, Store as _, Transaction};

use super::kinds::{GadgetSpec, settle};

#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", namespaced, register = false)]
struct Cable {
    metadata: Metadata,
    spec: GadgetSpec,
}

#[tokio::test(start_paused = true)]
async fn a_deleted_namespace_goes_when_the_last_object_in_it_is_gone() {
    let controller = Controller::empty().resource::<Cable>().build().await.unwrap();
    controller.start().await.unwrap();
    let client = controller.client();
    let cable = |name: &str, namespace: &str| Cable::new(name, GadgetSpec::default()).in_namespace(namespace);
    assert!(client.create(cable("a", "lab")).await.is_err(), "there is no such namespace");
    client.create(Namespace::new("lab")).await.unwrap();
    client.create(cable("a", "lab").with_uid("a")).await.unwrap();
    client.create(cable("held", "lab").with_uid("held").with_finalizer("example.org/hold")).await.unwrap();
    client.create(cable("elsewhere", "").with_uid("elsewhere")).await.unwrap();

    let lab = client.get_by_name::<Namespace>("", "lab").await.unwrap();
    client.delete::<Namespace>(lab.uid()).await.unwrap();
    client.wait_deleted::<Cable>("a").await.unwrap();
    settle().await;
    assert!(client.get::<Namespace>(lab.uid()).await.is_ok(), "one object is still held");
    assert!(client.create(cable("late", "lab")).await.is_err(), "the namespace is going");

    let mut held = Cable::clone(&*client.get::<Cable>("held").await.unwrap());
    held.metadata.finalizers.clear();
    client.update(held).await.unwrap();
    client.wait_deleted::<Namespace>(lab.uid()).await.unwrap();
    assert_eq!(client.get::<Cable>("elsewhere").await.unwrap().namespace(), "default");
    controller.stop().await.unwrap();
}

#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", register = false)]
struct Room {
    metadata: Metadata,
    spec: GadgetSpec,
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_also_where_no_kind_lives_in_one() {
    let controller = Controller::empty().resource::<Room>().build().await.unwrap();
    controller.start().await.unwrap();
    let lab = controller.client().create(Namespace::new("lab")).await.unwrap();
    controller.client().delete::<Namespace>(lab.uid()).await.unwrap();
    settle().await;
    assert!(controller.client().get::<Namespace>(lab.uid()).await.is_err());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_also_if_the_last_object_in_it_can_not_be_read() {
    let store = Arc::new(MemoryStore::new());
    let builder = Controller::empty().resource::<Cable>().shared_store(Arc::clone(&store) as _);
    let controller = builder.build().await.unwrap();
    controller.start().await.unwrap();
    let client = controller.client();
    client.create(Namespace::new("lab").with_uid("lab")).await.unwrap();
    let torn = r#"{"metadata":{"name":"torn","namespace":"lab","finalizers":["example.org/hold"]},"spec":7}"#;
    store.txn(Transaction::new().put("o/tests.example.io/Cable/torn", torn)).await.unwrap();
    client.delete::<Namespace>("lab").await.unwrap();
    settle().await;
    assert!(client.get::<Namespace>("lab").await.is_ok(), "it is held");

    let (entry, _) = store.get(&"o/tests.example.io/Cable/torn".into(), None).await.unwrap();
    let mut mended = Cable::new("torn", GadgetSpec::default()).in_namespace("lab").with_uid("torn");
    mended.metadata.resource_version = ResourceVersion::new(entry.unwrap().modified.get());
    // It goes with that, so that there is nothing to answer with.
    let _ = client.update(mended).await;
    settle().await;
    assert!(client.get::<Cable>("torn").await.unwrap_err().is_not_found());
    assert!(client.get::<Namespace>("lab").await.unwrap_err().is_not_found());
    controller.stop().await.unwrap();
}
