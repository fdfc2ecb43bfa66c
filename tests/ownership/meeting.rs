//! `own` and `converge_owned` where others get in between: a name that is taken, an owner that goes, a store that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fabrica::prelude::*;
use fabrica::reconciler::States;
use fabrica::resource::ObjectKey;
use fabrica::store::{Fault, Guard, MemoryStore};
use parking_lot::Mutex;

use super::kinds::{
    Cable, Log, Node, NodeSpec, Rack, RackSpec, names, node, node_of, picture, rack, racks, settle, start,
};
use super::logs::Logs;

fn at(controller: &Controller, object: &impl Resource) -> Context {
    Context::detached(controller.client().clone(), object, States::default())
}

async fn let_go(client: &Client, uid: &str) {
    let mut held = Node::clone(&*client.get::<Node>(uid).await.unwrap());
    held.metadata.finalizers.retain(|finalizer| finalizer != "example.org/hold");
    client.update(held).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wanted_child_that_is_going_is_made_anew_when_it_is_gone_and_nothing_fails() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let (store, log) = (Arc::new(MemoryStore::new()), Log::default());
    let controller = start(&store, &log).await;
    let client = controller.client();
    client.create(rack("r", 2)).await.unwrap();
    client.wait_until::<Rack>("r", |r| r.status.nodes == 2).await.unwrap();
    let held = Node::clone(&*client.get::<Node>("r-0").await.unwrap()).with_finalizer("example.org/hold");
    client.update(held).await.unwrap();
    client.delete::<Node>("r-0").await.unwrap();
    settle().await;
    assert_eq!(log.last().unwrap().waiting, ["r-0"]);
    let runs = log.count();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(log.count(), runs, "it waits for the change");
    let_go(client, "r-0").await;
    settle().await;
    assert!(!client.get::<Node>("r-0").await.unwrap().metadata.is_deleting());
    assert!(log.last().unwrap().is_unchanged());
    assert!(!logs.text().contains("failed"), "{}", logs.text());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_child_of_an_owner_that_is_gone_makes_room_for_that_of_its_successor() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let (store, log) = (Arc::new(MemoryStore::new()), Log::default());
    let controller = start(&store, &log).await;
    let client = controller.client();
    // The same names with other uids: what was made for the first is not there for the second.
    let nameless = |nodes| Rack::new("r", RackSpec { nodes, watts: 0 });
    let first = client.create(nameless(2)).await.unwrap();
    client.wait_until::<Rack>(first.uid().clone(), |r| r.status.nodes == 2).await.unwrap();
    client
        .update(Node::clone(&*client.get::<Node>("r-0").await.unwrap()).with_finalizer("example.org/hold"))
        .await
        .unwrap();
    client.delete::<Rack>(first.uid().clone()).await.unwrap();
    let second = client.create(nameless(2)).await.unwrap();
    settle().await;
    assert_eq!(log.last().unwrap().waiting, ["r-0"]);
    let_go(client, "r-0").await;
    settle().await;
    let uid = second.uid();
    assert_eq!(picture(client), ["r".to_owned(), format!("r-0 of {uid}"), format!("r-1 of {uid}")]);
    assert!(!logs.text().contains("failed"), "{}", logs.text());
    controller.stop().await.unwrap();
}

/// As `racks`, with nodes that are other objects each time they are made.
#[reconciler(register = false)]
async fn racks_of_new_nodes(rack: &mut Rack, ctx: &Context) -> Result<Action> {
    let node = |n| Node::new(format!("{}-{n}", rack.name()), NodeSpec::default());
    ctx.converge_owned((0..rack.spec.nodes).map(node).collect()).await?;
    Ok(Action::AwaitChange)
}

#[reconciler(register = false)]
async fn nodes_with_cables(node: &mut Node, ctx: &Context) -> Result<Action> {
    let cable = |n| Cable::new(format!("{}-{n}", node.name()), NodeSpec::default());
    ctx.converge_owned((0..20).map(cable).collect()).await?;
    Ok(Action::AwaitChange)
}

#[tokio::test(start_paused = true)]
async fn a_tree_whose_middle_is_deleted_comes_back_at_once_and_nothing_fails() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let builder = Controller::empty().reconciler::<racks_of_new_nodes>().reconciler::<nodes_with_cables>();
    let controller = builder.resource::<Cable>().build().await.unwrap();
    controller.start().await.unwrap();
    let client = controller.client();
    client.create(rack("r", 3)).await.unwrap();
    settle().await;
    for _ in 0..20 {
        let old = client.get_by_name::<Node>("", "r-1").await.unwrap();
        client.delete::<Node>(old.uid()).await.unwrap();
        settle().await;
        let new = client.get_by_name::<Node>("", "r-1").await.unwrap();
        assert_ne!(old.uid(), new.uid());
        let cables = client.cache::<Cable>().owned_by(&ObjectKey::of::<Node>(new.uid().clone()));
        assert_eq!((cables.len(), client.cache::<Cable>().len()), (20, 60));
    }
    assert!(!logs.text().contains("failed"), "{}", logs.text());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_with_a_uid_of_its_own_waits_for_what_belonged_to_the_one_before() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let (store, log) = (Arc::new(MemoryStore::new()), Log::default());
    let controller = start(&store, &log).await;
    let client = controller.client();
    client.create(rack("r", 2)).await.unwrap();
    client.wait_until::<Rack>("r", |r| r.status.nodes == 2).await.unwrap();
    let old = client.get::<Node>("r-0").await.unwrap();
    client.create(node_of("leaf", &*old).with_finalizer("example.org/hold")).await.unwrap();
    client.delete::<Node>("r-0").await.unwrap();
    settle().await;
    assert_eq!(log.last().unwrap().waiting, ["leaf"]);
    let_go(client, "leaf").await;
    settle().await;
    assert_eq!(picture(client), ["r", "r-0 of r", "r-1 of r"]);
    assert!(!logs.text().contains("failed"), "{}", logs.text());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_single_child_that_is_going_is_an_error_until_it_is_gone() {
    let controller =
        Controller::empty().reconciler::<racks>().resource::<Node>().state(Log::default()).build().await.unwrap();
    let client = controller.client();
    let r = client.create(rack("r", 0)).await.unwrap();
    client.create(node_of("n", &*r).with_finalizer("example.org/hold")).await.unwrap();
    client.delete::<Node>("n").await.unwrap();
    let error = at(&controller, &*r).own(node("n")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Conflict);
    assert!(error.to_string().contains("Node n is still on its way out"), "{error}");
    let_go(client, "n").await;
    at(&controller, &*r).own(node("n")).await.unwrap();
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_being_deleted_gets_no_new_children() {
    let (store, log) = (Arc::new(MemoryStore::new()), Log::default());
    let controller = start(&store, &log).await;
    let client = controller.client();
    let r = client.create(rack("r", 0).with_finalizer("example.org/hold")).await.unwrap();
    settle().await;
    client.delete::<Rack>("r").await.unwrap();
    let error = at(&controller, &*r).own(node("n")).await.unwrap_err();
    assert!(error.to_string().contains("its owner Rack r is being deleted"), "{error}");
    assert!(at(&controller, &*r).converge_owned(vec![node("n")]).await.is_err());
    assert_eq!(names(client), [""; 0]);
    // It can still delete those that it has.
    client.create(node_of("old", &*r)).await.unwrap();
    assert_eq!(at(&controller, &*r).converge_owned(Vec::<Node>::new()).await.unwrap().deleted, ["old"]);
    controller.stop().await.unwrap();
}

/// A run that makes a child after `before` did something to its owner.
type Before = Arc<dyn Fn(Client) -> futures_util::future::BoxFuture<'static, ()> + Send + Sync>;

#[reconciler(register = false)]
async fn interrupted(rack: &mut Rack, ctx: &Context, State(before): State<Before>) -> Result<Action> {
    let child = format!("{}-child", rack.name());
    // The check that the owner is there is passed, and then it goes.
    before(ctx.client().clone()).await;
    ctx.own(Node::new(&child, NodeSpec::default())).await?;
    Ok(Action::AwaitChange)
}

#[tokio::test(start_paused = true)]
async fn no_child_is_born_to_an_owner_that_is_gone_and_its_run_raises_no_alarm() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let store = Arc::new(MemoryStore::new());
    let before: Before = Arc::new(|client| Box::pin(async move { _ = client.delete::<Rack>("r").await }));
    let builder = Controller::empty().reconciler::<interrupted>().resource::<Node>().state(before);
    let controller = builder.shared_store(Arc::clone(&store) as _).build().await.unwrap();
    controller.start().await.unwrap();
    let created = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&created);
    store.faults().on_txn(move |txn| {
        count.fetch_add(
            usize::from(txn.ops.iter().any(|op| op.key().to_string().contains("r-child"))),
            Ordering::SeqCst,
        );
        None
    });
    controller.client().create(rack("r", 0)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(created.load(Ordering::SeqCst), 0);
    assert_eq!(picture(controller.client()), [""; 0]);
    assert!(!logs.text().contains("WARN"), "{}", logs.text());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_because_its_owners_deletion_began_raises_no_alarm() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let store = Arc::new(MemoryStore::new());
    let before: Before = Arc::new(|client| Box::pin(async move { _ = client.delete::<Rack>("r").await }));
    let builder = Controller::empty().reconciler::<interrupted>().resource::<Node>().state(before);
    let controller = builder.shared_store(Arc::clone(&store) as _).build().await.unwrap();
    controller.start().await.unwrap();
    controller.client().create(rack("r", 0).with_finalizer("example.org/hold")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(picture(controller.client()), ["r"]);
    assert!(logs.text().contains("being deleted") && !logs.text().contains("WARN"), "{}", logs.text());
    assert_eq!(controller.failure::<Rack>("r"), None);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_birth_of_a_child_is_guarded_by_its_owners_existence() {
    let store = Arc::new(MemoryStore::new());
    let builder = Controller::empty().resource::<Rack>().resource::<Node>();
    let controller = builder.shared_store(Arc::clone(&store) as _).build().await.unwrap();
    let r = controller.client().create(rack("r", 0)).await.unwrap();
    let created = r.metadata.resource_version.get();
    let fences = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&fences);
    store.faults().on_txn(move |txn| {
        let fence = |guard: &Guard| match guard {
            Guard::Created(key, revision) => Some((key.to_string(), revision.get())),
            _ => None,
        };
        seen.lock().push(txn.guards.iter().find_map(fence));
        None
    });
    let child = at(&controller, &*r).own(node("n")).await.unwrap();
    at(&controller, &*r).own(Node { spec: NodeSpec { watts: 7 }, ..node("n") }).await.unwrap();
    assert_eq!(child.name(), "n");
    let fence = Some(("o/tests.example.io/Rack/r".to_owned(), created));
    assert_eq!(*fences.lock(), [fence.clone(), fence]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_fails_keeps_no_other_from_being_done_and_all_that_failed_is_told() {
    let store = Arc::new(MemoryStore::new());
    let builder = Controller::empty().resource::<Rack>().resource::<Node>();
    let controller = builder.shared_store(Arc::clone(&store) as _).build().await.unwrap();
    let client = controller.client();
    let (r, other) = (client.create(rack("r", 0)).await.unwrap(), client.create(rack("other", 0)).await.unwrap());
    client.create(node_of("taken", &*other)).await.unwrap();
    client.create(node_of("old", &*r)).await.unwrap();
    let too_much = Node { spec: NodeSpec { watts: 100_000 }, ..node("hot") };
    let error =
        at(&controller, &*r).converge_owned(vec![node("taken"), node("a"), too_much, node("b")]).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("2 of 5 nodes failed") && text.contains("Node taken belongs to Rack other"), "{text}");
    assert!(text.contains("spec.watts") && text.contains("100000"), "{text}");
    assert_eq!(names(client), ["a", "b", "taken"]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_in_every_way_ends_with_the_children_that_are_wanted() {
    for fault in
        [Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::Unavailable, Fault::Conflict, Fault::ExpireWatches]
    {
        for nth in 0..12 {
            let (store, log) = (Arc::new(MemoryStore::new()), Log::default());
            let controller = start(&store, &log).await;
            let client = controller.client();
            client.create(rack("gone", 0)).await.unwrap();
            client.create(node_of("of-gone", &*client.get::<Rack>("gone").await.unwrap())).await.unwrap();
            settle().await;
            // Every third write fails, beginning with the nth; the test's own are the first two.
            let mut count = 0;
            store.faults().on_txn(move |_| {
                count += 1;
                (count > 2 && count % 3 == nth % 3 && count < 3 + nth).then_some(fault)
            });
            client.create(rack("r", 3)).await.unwrap();
            let _ = client.delete::<Rack>("gone").await;
            tokio::time::sleep(Duration::from_secs(120)).await;
            store.faults().clear();
            let _ = client.delete::<Rack>("gone").await;
            tokio::time::sleep(Duration::from_secs(600)).await;
            assert_eq!(picture(client), ["r", "r-0 of r", "r-1 of r", "r-2 of r"], "{fault:?}, {nth}");
            controller.stop().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_another_took_over_before_its_deletion_stays() {
    let store = Arc::new(MemoryStore::new());
    let builder = Controller::empty().resource::<Rack>().resource::<Node>();
    let controller = builder.shared_store(Arc::clone(&store) as _).build().await.unwrap();
    let client = controller.client();
    let (r, other) = (client.create(rack("r", 0)).await.unwrap(), client.create(rack("other", 0)).await.unwrap());
    let child = client.create(node_of("n", &*r)).await.unwrap();
    // The answer to the deletion is lost, and it is tried again after a pause, in which the child changes hands.
    store.faults().fail_next(1, Fault::UnknownNotApplied);
    let context = at(&controller, &*r);
    let (done, moved) = tokio::join!(context.converge_owned(Vec::<Node>::new()), async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut child = Node::clone(&*child);
        child.metadata.owner_references = vec![OwnerReference::to_controller(&*other)];
        client.update(child).await
    });
    moved.unwrap();
    assert_eq!(picture(client), ["other", "r", "n of other"]);
    assert!(done.unwrap().is_unchanged());
    controller.stop().await.unwrap();
}
