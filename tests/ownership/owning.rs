//! `own`, `owned`, `converge_owned`, and who is woken.

use std::sync::Arc;

use fabrica::client::Propagation;
use fabrica::prelude::*;
use fabrica::reconciler::{Converged, States};
use fabrica::resource::Namespace;
use fabrica::store::{Fault, MemoryStore};

use super::kinds::{Cable, Log, Node, NodeSpec, Rack, RackSpec, by, cable, names, node, rack, settle, start, until};

async fn started() -> (Controller, Log) {
    let log = Log::default();
    (start(&Arc::new(MemoryStore::new()), &log).await, log)
}

/// A controller that knows the kinds and reconciles none.
async fn idle() -> Controller {
    let builder = Controller::empty().resource::<Rack>().resource::<Node>().resource::<Cable>();
    builder.build().await.unwrap()
}

/// A context as a run of this object has it.
fn at(controller: &Controller, object: &impl Resource) -> Context {
    Context::detached(controller.client().clone(), object, States::default())
}

#[tokio::test(start_paused = true)]
async fn what_is_desired_comes_what_is_not_goes_and_nothing_is_written_twice() {
    let (controller, log) = started().await;
    let client = controller.client();
    client.create(rack("r", 3)).await.unwrap();
    client.wait_until::<Rack>("r", |r| r.status.nodes == 3).await.unwrap();
    settle().await;
    assert_eq!(names(client), ["r-0", "r-1", "r-2"]);
    assert!(log.last().unwrap().is_unchanged(), "{:?}", log.last());
    let owner = client.get::<Node>("r-1").await.unwrap().metadata.owner_references.clone();
    assert_eq!(owner.len(), 1);
    assert!(owner[0].controller && owner[0].block_owner_deletion && owner[0].uid == "r" && owner[0].kind == "Rack");

    let mut edited = Rack::clone(&*client.get::<Rack>("r").await.unwrap());
    edited.spec = RackSpec { nodes: 2, watts: 5 };
    client.update(edited).await.unwrap();
    client.wait_until::<Rack>("r", |r| r.status.nodes == 2).await.unwrap();
    assert_eq!(names(client), ["r-0", "r-1"]);
    assert_eq!(client.get::<Node>("r-0").await.unwrap().spec.watts, 5);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn converging_says_what_it_did() {
    let controller = idle().await;
    let client = controller.client();
    let owner = client.create(rack("r", 0)).await.unwrap();
    let ctx = at(&controller, &*owner);
    let child = |name: &str, watts| Node::new(name, NodeSpec { watts }).with_uid(name);
    let done = ctx.converge_owned(vec![child("b", 1), child("a", 1), child("c", 1)]).await.unwrap();
    assert_eq!(done.created, ["b", "a", "c"], "in the order in which they were given");
    let done = ctx.converge_owned(vec![child("b", 1), child("a", 2), child("d", 1)]).await.unwrap();
    let expected = Converged {
        created: vec!["d".into()],
        updated: vec!["a".into()],
        unchanged: vec!["b".into()],
        deleted: vec!["c".into()],
        waiting: vec![],
    };
    assert_eq!(done, expected);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_childs_change_and_its_end_wake_the_owner() {
    let (controller, log) = started().await;
    let client = controller.client();
    client.create(rack("r", 1)).await.unwrap();
    until("it is stable", || log.count() > 0 && log.last().is_ok_and(|done| done.is_unchanged())).await;
    settle().await;
    let before = log.count();
    let mut up = Node::clone(&*client.get::<Node>("r-0").await.unwrap());
    up.status.up = true;
    client.update_status(up).await.unwrap();
    settle().await;
    assert_eq!(log.reasons()[before..], ["Node/r-0 changed"]);
    client.delete::<Node>("r-0").await.unwrap();
    let is_new = || client.cache::<Node>().get("r-0").is_some_and(|node| !node.status.up);
    until("it was made anew", is_new).await;
    settle().await;
    assert!(log.reasons()[before + 1..].iter().all(|why| why == "Node/r-0 changed"), "{:?}", log.reasons());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_desired_children_of_one_name_are_refused_before_anything_is_done() {
    let controller = idle().await;
    let owner = controller.client().create(rack("r", 0)).await.unwrap();
    let error = at(&controller, &*owner).converge_owned(vec![node("a"), node("b"), node("a")]).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Invalid(_)), "{error}");
    assert!(error.to_string().contains("desired[2].metadata.name") && error.to_string().contains("`a`"), "{error}");
    assert!(names(controller.client()).is_empty());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_of_another_controller_is_left_alone_and_named() {
    let controller = idle().await;
    let client = controller.client();
    let (one, two) = (client.create(rack("one", 0)).await.unwrap(), client.create(rack("two", 0)).await.unwrap());
    at(&controller, &*one).own(node("n")).await.unwrap();
    let error = at(&controller, &*two).own(node("n")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Conflict);
    assert!(error.to_string().contains("Node n belongs to Rack one (uid one), not to Rack two"), "{error}");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_lives_in_its_owners_namespace() {
    let controller = idle().await;
    let client = controller.client();
    client.create(Namespace::new("lab")).await.unwrap();
    let trunk = client.create(cable("trunk").in_namespace("lab")).await.unwrap();
    let ctx = at(&controller, &*trunk);
    assert_eq!(ctx.own(cable("branch")).await.unwrap().namespace(), "lab");
    let error = ctx.own(cable("other").in_namespace("default")).await.unwrap_err().to_string();
    assert!(error.contains("metadata.namespace") && error.contains("`lab`"), "{error}");
    let error = ctx.own(node("n")).await.unwrap_err().to_string();
    assert!(error.contains("Cable lab/trunk") && error.contains("cluster-wide"), "{error}");
    let cluster_wide = client.create(rack("r", 0)).await.unwrap();
    let child = at(&controller, &*cluster_wide).own(cable("free").in_namespace("lab")).await.unwrap();
    assert_eq!(child.namespace(), "lab");
    assert_eq!(client.cache::<Cable>().all().len(), 3);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_changes_its_owner_wakes_both() {
    let (controller, log) = started().await;
    let client = controller.client();
    let (one, two) = (client.create(rack("one", 0)).await.unwrap(), client.create(rack("two", 0)).await.unwrap());
    let child = client.create(node("n").with_owner(OwnerReference::to(&*one))).await.unwrap();
    settle().await;
    let before = log.count();
    let mut moved = Node::clone(&child);
    moved.metadata.owner_references = vec![OwnerReference::to(&*two)];
    client.update(moved).await.unwrap();
    settle().await;
    assert_eq!(log.reasons()[before..], ["Node/n changed", "Node/n changed"]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_happened_to_a_child_while_the_watch_had_a_gap_wakes_its_owner() {
    let log = Log::default();
    let store = Arc::new(MemoryStore::new());
    let controller = start(&store, &log).await;
    let client = controller.client();
    client.create(rack("r", 2)).await.unwrap();
    client.wait_until::<Rack>("r", |r| r.status.nodes == 2).await.unwrap();
    settle().await;
    let before = log.count();
    store.faults().fail_next(1, Fault::ExpireWatches);
    let mut up = Node::clone(&*client.get::<Node>("r-0").await.unwrap());
    up.status.up = true;
    client.update_status(up).await.unwrap();
    store.faults().fail_next(1, Fault::ExpireWatches);
    client.delete::<Node>("r-1").await.unwrap();
    until("it came back", || names(client) == ["r-0", "r-1"]).await;
    settle().await;
    let why = log.reasons()[before..].join(", ");
    assert!(why.contains("Node/r-0 changed") && why.contains("Node/r-1 changed"), "{why}");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_without_a_controller_is_taken_over_and_keeps_what_others_gave_it() {
    let controller = idle().await;
    let client = controller.client();
    let (r, other) = (client.create(rack("r", 0)).await.unwrap(), client.create(rack("other", 0)).await.unwrap());
    client.create(node("n").with_label("by", "hand").with_owner(OwnerReference::to(&*other))).await.unwrap();
    let taken = at(&controller, &*r).own(Node::new("n", NodeSpec { watts: 3 })).await.unwrap();
    assert_eq!((taken.uid().as_str(), taken.spec.watts), ("n", 3));
    assert_eq!(taken.metadata.labels["by"], "hand");
    let owners: Vec<_> = taken.metadata.owner_references.iter().map(|owner| (&*owner.uid, owner.controller)).collect();
    assert_eq!(owners, [("other", false), ("r", true)]);
    let error = at(&controller, &*r).own(node("n").with_uid("another")).await.unwrap_err().to_string();
    assert!(error.contains("metadata.uid") && error.contains("has the uid `n`"), "{error}");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_with_the_owners_in_it_and_what_belongs_to_them() {
    let controller = idle().await;
    controller.start().await.unwrap();
    let client = controller.client();
    let lab = client.create(Namespace::new("lab")).await.unwrap();
    let mut owner = client.create(cable("c-0").in_namespace("lab")).await.unwrap();
    for n in 1..20 {
        let child = cable(&format!("c-{n}")).in_namespace("lab").with_owner(OwnerReference::to_controller(&*owner));
        owner = client.create(child).await.unwrap();
    }
    let elsewhere = client.create(node("n").with_owner(OwnerReference::to(&*owner))).await.unwrap();
    client.delete_with::<Cable>("c-0", by(Propagation::Foreground)).await.unwrap();
    client.delete::<Namespace>(lab.uid()).await.unwrap();
    until("all is gone", || {
        client.cache::<Cable>().is_empty() && names(client).is_empty() && client.cache::<Namespace>().len() == 1
    })
    .await;
    assert!(client.get::<Node>(elsewhere.uid()).await.unwrap_err().is_not_found());
    controller.stop().await.unwrap();
}
