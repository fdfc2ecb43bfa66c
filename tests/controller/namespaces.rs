//! Deleting a namespace deletes what is in it.

use fabrica::prelude::*;
use fabrica::resource::Namespace;

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
