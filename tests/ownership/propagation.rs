//! What becomes of the children: background, foreground, orphan.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fabrica::client::Propagation;
use fabrica::prelude::*;
use fabrica::store::{Fault, Guard, MemoryStore, Op, Store as _, StoreError, Transaction};
use parking_lot::Mutex;

use super::kinds::{EVERY_WAY, Node, Rack, bare, by, names, node, node_of, picture, rack, settle, until};
use super::logs::Logs;

/// A controller, with the rack `r` that the nodes `a` and `b` belong to, and `leaf` that belongs to `a`.
async fn tree(store: &Arc<MemoryStore>) -> Controller {
    let controller = bare(store).await;
    let client = controller.client();
    let r = client.create(rack("r", 0)).await.unwrap();
    let a = client.create(node_of("a", &*r)).await.unwrap();
    client.create(node_of("b", &*r)).await.unwrap();
    client.create(node_of("leaf", &*a)).await.unwrap();
    controller
}

/// Notes the order in which objects go for good.
fn note_deletions(store: &MemoryStore) -> Arc<Mutex<Vec<String>>> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let deleted = Arc::clone(&log);
    store.faults().on_txn(move |txn| {
        let key = txn.ops.iter().find_map(|op| match op {
            Op::Delete(key) => Some(key.to_string()),
            Op::Put(..) => None,
        });
        deleted
            .lock()
            .extend(key.and_then(|key| key.strip_prefix("o/").and_then(|k| k.rsplit('/').next()).map(str::to_owned)));
        None
    });
    log
}

#[tokio::test(start_paused = true)]
async fn in_the_background_the_owner_goes_first_and_all_below_it_after() {
    let store = Arc::new(MemoryStore::new());
    let controller = tree(&store).await;
    let order = note_deletions(&store);
    controller.client().delete::<Rack>("r").await.unwrap();
    settle().await;
    assert_eq!(picture(controller.client()), [""; 0]);
    assert_eq!(order.lock()[0], "r");
    assert_eq!(order.lock().len(), 4, "each once: {order:?}");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_the_foreground_the_deepest_goes_first_and_the_owner_last() {
    let store = Arc::new(MemoryStore::new());
    let controller = tree(&store).await;
    let order = note_deletions(&store);
    controller.client().delete_with::<Rack>("r", by(Propagation::Foreground)).await.unwrap();
    settle().await;
    assert_eq!(picture(controller.client()), [""; 0]);
    let order = order.lock().clone();
    let place = |name: &str| order.iter().position(|other| other == name).unwrap();
    assert!(place("leaf") < place("a") && place("a") < place("r") && place("b") < place("r"), "{order:?}");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_the_foreground_the_owner_waits_only_for_children_that_block_it() {
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    let client = controller.client();
    let r = client.create(rack("r", 0)).await.unwrap();
    client.create(node("free").with_owner(OwnerReference::to(&*r)).with_finalizer("example.org/hold")).await.unwrap();
    let held = client.create(node_of("held", &*r).with_finalizer("example.org/hold")).await.unwrap();
    client.delete_with::<Rack>("r", by(Propagation::Foreground)).await.unwrap();
    settle().await;
    assert!(client.get::<Rack>("r").await.unwrap().metadata.is_deleting(), "`held` is still there");
    assert!(client.get::<Node>("free").await.unwrap().metadata.is_deleting());
    let mut held = Node::clone(&*client.get::<Node>(held.uid().clone()).await.unwrap());
    held.metadata.finalizers.clear();
    client.update(held).await.unwrap();
    settle().await;
    assert_eq!(picture(client), ["free of r"], "it doesn't block");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn orphans_stay_and_know_their_owner_no_longer() {
    let store = Arc::new(MemoryStore::new());
    let controller = tree(&store).await;
    controller.client().delete_with::<Rack>("r", by(Propagation::Orphan)).await.unwrap();
    settle().await;
    assert_eq!(picture(controller.client()), ["a", "b", "leaf of a"]);
    assert_eq!(controller.client().get::<Node>("a").await.unwrap().metadata.generation, 1);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_two_share_stays_until_the_last_of_them_is_gone() {
    for way in EVERY_WAY {
        let store = Arc::new(MemoryStore::new());
        let controller = bare(&store).await;
        let client = controller.client();
        let (one, two) = (client.create(rack("one", 0)).await.unwrap(), client.create(rack("two", 0)).await.unwrap());
        client.create(node_of("shared", &*one).with_owner(OwnerReference::to(&*two))).await.unwrap();
        client.delete_with::<Rack>("one", by(way)).await.unwrap();
        settle().await;
        assert_eq!(picture(client), ["two", "shared of two"], "{way:?}: the reference to the one that is gone goes");
        client.delete_with::<Rack>("two", by(way)).await.unwrap();
        settle().await;
        let left: &[&str] = if way == Propagation::Orphan { &["shared"] } else { &[] };
        assert_eq!(picture(client), left, "{way:?}");
        controller.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn owners_in_a_circle_go_in_every_way() {
    for way in EVERY_WAY {
        for length in 1..=4 {
            let store = Arc::new(MemoryStore::new());
            let controller = bare(&store).await;
            let client = controller.client();
            for n in 0..length {
                client.create(node(&format!("n{n}"))).await.unwrap();
            }
            for n in 0..length {
                let owner = client.get::<Node>(format!("n{}", (n + 1) % length)).await.unwrap();
                let child = Node::clone(&*client.get::<Node>(format!("n{n}")).await.unwrap());
                client.update(child.with_owner(OwnerReference::to_controller(&*owner))).await.unwrap();
            }
            client.delete_with::<Node>("n0", by(way)).await.unwrap();
            tokio::time::sleep(Duration::from_secs(60)).await;
            let left = names(client);
            let expected = if way == Propagation::Orphan { length - 1 } else { 0 };
            assert_eq!(left.len(), expected, "{way:?}, {length} in a circle: {left:?}");
            controller.stop().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_of_a_circle_deleted_at_once_don_t_wait_for_each_other() {
    let store = Arc::new(MemoryStore::new());
    let controller =
        Controller::empty().resource::<Node>().shared_store(Arc::clone(&store) as _).build().await.unwrap();
    let client = controller.client();
    let a = client.create(node("a")).await.unwrap();
    let b = client.create(node_of("b", &*a)).await.unwrap();
    client.update(Node::clone(&a).with_owner(OwnerReference::to_controller(&*b))).await.unwrap();
    client.delete_with::<Node>("a", by(Propagation::Foreground)).await.unwrap();
    client.delete_with::<Node>("b", by(Propagation::Foreground)).await.unwrap();
    controller.start().await.unwrap();
    settle().await;
    assert_eq!(names(client), [""; 0]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_second_deletion_can_change_the_way() {
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    let client = controller.client();
    let r = client.create(rack("r", 0)).await.unwrap();
    client.create(node_of("held", &*r).with_finalizer("example.org/hold")).await.unwrap();
    client.delete_with::<Rack>("r", by(Propagation::Foreground)).await.unwrap();
    settle().await;
    assert_eq!(client.get::<Rack>("r").await.unwrap().metadata.finalizers, ["foregroundDeletion"]);
    client.delete_with::<Rack>("r", by(Propagation::Orphan)).await.unwrap();
    settle().await;
    assert_eq!(picture(client), ["held"]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_never_existed_takes_its_child_along() {
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    let client = controller.client();
    client.create(node_of("n", &rack("never", 0))).await.unwrap();
    settle().await;
    assert_eq!(picture(client), [""; 0]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_owner_of_a_kind_that_the_program_doesn_t_know_is_looked_up_in_the_store() {
    let store = Arc::new(MemoryStore::new());
    let key = "o/other.example.io/Plan/p";
    let put = |store: &Arc<MemoryStore>| {
        let store = Arc::clone(store);
        async move { store.txn(Transaction::new().put(key, "{}")).await.unwrap() }
    };
    put(&store).await;
    let plan = |uid: &str| OwnerReference {
        api_version: "other.example.io/v7".into(),
        kind: "Plan".into(),
        name: "p".into(),
        uid: uid.into(),
        controller: true,
        block_owner_deletion: true,
    };
    let controller = bare(&store).await;
    let client = controller.client();
    client.create(node("of-none").with_owner(plan("q"))).await.unwrap();
    client.create(node("n").with_owner(plan("p"))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(picture(client), ["n of p"]);
    store.txn(Transaction::new().delete(key)).await.unwrap();
    settle().await;
    assert_eq!(picture(client), [""; 0], "the program sees that it went, too");

    // Also if it went while the cache had a gap.
    put(&store).await;
    client.create(node("n").with_owner(plan("p"))).await.unwrap();
    store.faults().fail_next(1, Fault::ExpireWatches);
    store.txn(Transaction::new().delete(key)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(picture(client), [""; 0]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_can_t_answer_deletes_nothing() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    let client = controller.client();
    store.faults().fail_reads(5, StoreError::Unavailable("the disk is on fire".into()));
    client.create(node_of("n", &rack("never", 0))).await.unwrap();
    settle().await;
    assert_eq!(picture(client), ["n of never"], "nobody knows whether its owner exists");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(picture(client), [""; 0], "it was asked again");
    let text = logs.text();
    let warnings = text.lines().filter(|line| line.contains("WARN") && line.contains("the disk is on fire"));
    assert_eq!(warnings.count(), 5, "{text}");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_comes_between_the_look_and_the_deletion_keeps_its_child() {
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    let client = controller.client();
    let guarded = Arc::new(AtomicBool::new(false));
    let there = Arc::new(AtomicBool::new(false));
    let (seen, is_there) = (Arc::clone(&guarded), Arc::clone(&there));
    // Until the owner is there each deletion is refused, as it is if the owner was created a moment before.
    store.faults().on_txn(move |txn| {
        let is_guard =
            |guard: &Guard| matches!(guard, Guard::Absent(key) if key.to_string() == "o/tests.example.io/Rack/late");
        let is_deletion = txn.ops.iter().any(|op| op.key().to_string().ends_with("/n") && matches!(op, Op::Delete(_)));
        let is_tried = is_deletion && txn.guards.iter().any(is_guard);
        seen.fetch_or(is_tried, Ordering::SeqCst);
        (is_tried && !is_there.load(Ordering::SeqCst)).then_some(Fault::Conflict)
    });
    client.create(node_of("n", &rack("late", 0))).await.unwrap();
    until("the deletion was tried", || guarded.load(Ordering::SeqCst)).await;
    store.txn(Transaction::new().put("o/tests.example.io/Rack/late", "{}")).await.unwrap();
    there.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(picture(client), ["n of late"]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_uid_that_a_child_still_names_can_t_be_taken_again() {
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    let client = controller.client();
    let r = client.create(rack("r", 0)).await.unwrap();
    client.create(node_of("held", &*r).with_finalizer("example.org/hold")).await.unwrap();
    client.delete::<Rack>("r").await.unwrap();
    settle().await;
    let error = client.create(rack("r", 0)).await.unwrap_err();
    assert!(error.is_already_exists(), "{error}");
    assert!(error.to_string().contains("Node/held") && error.to_string().contains("wait"), "{error}");
    client.create(node("r")).await.unwrap();
    let mut held = Node::clone(&*client.get::<Node>("held").await.unwrap());
    held.metadata.finalizers.clear();
    client.update(held).await.unwrap();
    settle().await;
    client.create(rack("r", 0)).await.unwrap();
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_leaves_orphans_keeps_every_child_that_is_not_going_yet() {
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    let client = controller.client();
    let r = client.create(rack("r", 0)).await.unwrap();
    client.create(node_of("held", &*r).with_finalizer("example.org/hold")).await.unwrap();
    let n = client.create(node_of("n", &*r)).await.unwrap();
    let hit = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&hit);
    // The answer to the collector's deletion is lost, and it is tried again after a pause.
    store.faults().on_txn(move |txn| {
        let is_deletion = txn.ops.iter().any(|op| op.key().to_string().ends_with("/n") && matches!(op, Op::Delete(_)));
        (is_deletion && !seen.swap(true, Ordering::SeqCst)).then_some(Fault::UnknownNotApplied)
    });
    client.delete_with::<Rack>("r", by(Propagation::Foreground)).await.unwrap();
    until("the deletion was tried", || hit.load(Ordering::SeqCst)).await;
    client.delete_with::<Rack>("r", by(Propagation::Orphan)).await.unwrap();
    assert!(client.get::<Node>(n.uid().clone()).await.is_ok());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(picture(client), ["held", "n"]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_somebody_else_was_faster_than_looks_again_at_once() {
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    let client = controller.client();
    let mut refused = 0;
    store.faults().on_txn(move |txn| {
        let is_deletion = txn.ops.iter().any(|op| op.key().to_string().ends_with("/n") && matches!(op, Op::Delete(_)));
        refused += usize::from(is_deletion);
        (is_deletion && refused <= 3).then_some(Fault::Conflict)
    });
    client.create(node_of("n", &rack("never", 0))).await.unwrap();
    settle().await;
    assert_eq!(picture(client), [""; 0], "it did not wait for a pause");
    controller.stop().await.unwrap();
}
