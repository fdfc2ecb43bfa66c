//! An object that is still there a while after its deletion was asked for says why.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fabrica::client::Propagation;
use fabrica::controller::HeldBy;
use fabrica::prelude::*;
use fabrica::store::{Key, MemoryStore, Page, Store as _, Transaction};

use super::kinds::{Node, NodeSpec, Rack, bare, by, node, node_of, rack, settle};
use super::logs::Logs;

fn why(client: &Client) -> Option<(String, String)> {
    let rack = client.cache::<Rack>().get("r")?;
    let condition = rack.status.conditions.get("Deleting")?;
    assert!(rack.status.conditions.is_true("Deleting"));
    Some((condition.reason.clone(), condition.message.clone()))
}

#[tokio::test(start_paused = true)]
async fn after_ten_seconds_a_stuck_object_names_its_finalizers_in_a_condition_and_in_the_log() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    let client = controller.client();
    client.create(rack("r", 0).with_finalizer("example.org/one").with_finalizer("example.org/two")).await.unwrap();
    client.delete::<Rack>("r").await.unwrap();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(why(client), None);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (reason, message) = why(client).unwrap();
    assert_eq!(reason, "FinalizersRemaining");
    assert!(message.contains("example.org/one is served by no reconciler of this program"), "{message}");
    assert!(message.contains("example.org/two"), "{message}");
    let text = logs.text();
    let line =
        text.lines().find(|line| line.contains("Rack/r is still there 10s after")).unwrap_or_else(|| panic!("{text}"));
    assert!(line.contains("WARN") && line.contains(&message), "{line}");

    // One party after the other lets go.
    for left in [1, 0] {
        let mut rack = Rack::clone(&*client.get::<Rack>("r").await.unwrap());
        rack.metadata.finalizers.pop();
        client.update(rack).await.unwrap();
        assert_eq!(controller.holders::<Rack>("r").len(), left);
    }
    settle().await;
    assert!(client.get::<Rack>("r").await.unwrap_err().is_not_found());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_waits_for_its_children_names_them() {
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    let client = controller.client();
    let r = client.create(rack("r", 0)).await.unwrap();
    for n in 0..5 {
        client.create(node_of(&format!("n-{n}"), &*r).with_finalizer("example.org/hold")).await.unwrap();
    }
    client.delete_with::<Rack>("r", by(Propagation::Foreground)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(11)).await;
    let (reason, message) = why(client).unwrap();
    assert_eq!(reason, "ChildrenRemaining");
    assert_eq!(message, "foregroundDeletion waits for Node/n-0, Node/n-1, Node/n-2 and 2 more");
    let holders = controller.holders::<Rack>("r");
    assert!(matches!(&holders[0].by, HeldBy::Children { left: 5, some } if some.len() == 3), "{holders:?}");
    controller.stop().await.unwrap();
}

#[derive(Clone, Default)]
struct Finalizes {
    runs: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
}

#[reconciler(register = false, finalize = finalize)]
async fn finalized(rack: &mut Rack) -> Result<Action> {
    rack.status.nodes = 1;
    Ok(Action::AwaitChange)
}

async fn finalize(_: &mut Rack, ctx: &Context) -> Result<Finalize> {
    let state = ctx.state::<Finalizes>()?;
    state.runs.fetch_add(1, Ordering::SeqCst);
    if state.fails.load(Ordering::SeqCst) {
        return Err(std::io::Error::other("the BMC does not answer").into());
    }
    Ok(Finalize::AwaitChange)
}

async fn finalizing(store: &Arc<MemoryStore>, state: &Finalizes) -> Controller {
    let builder = Controller::empty().reconciler::<finalized>().resource::<Node>().state(state.clone());
    let controller = builder.shared_store(Arc::clone(store) as _).build().await.unwrap();
    controller.start().await.unwrap();
    controller.client().create(rack("r", 0).with_finalizer("example.org/hold")).await.unwrap();
    controller.client().wait_until::<Rack>("r", |r| r.status.nodes == 1).await.unwrap();
    controller.client().delete::<Rack>("r").await.unwrap();
    controller
}

#[tokio::test(start_paused = true)]
async fn a_failing_finalize_is_named_with_its_error_and_its_next_retry() {
    let (store, state) = (Arc::new(MemoryStore::new()), Finalizes::default());
    state.fails.store(true, Ordering::SeqCst);
    let controller = finalizing(&store, &state).await;
    tokio::time::sleep(Duration::from_secs(11)).await;
    let (_, message) = why(controller.client()).unwrap();
    let served = "rack.tests.example.io/finalizer is served by the reconciler finalized, which failed (attempt 4): the BMC \
                  does not answer; it is tried again at ";
    assert!(message.contains(served), "{message}");
    assert!(message.contains("example.org/hold is served by no reconciler"), "{message}");
    let holders = controller.holders::<Rack>("r");
    let reconciler = holders.iter().find(|holder| holder.finalizer.starts_with("rack.")).unwrap();
    assert!(matches!(&reconciler.by, HeldBy::Reconciler { name: "finalized", failure: Some(f) } if f.attempts == 4));
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_condition_wakes_no_finalize_and_is_written_once_while_it_says_the_same() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let (store, state) = (Arc::new(MemoryStore::new()), Finalizes::default());
    let controller = finalizing(&store, &state).await;
    settle().await;
    let writes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&writes);
    store.faults().on_txn(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        None
    });
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(why(controller.client()).is_some());
    assert_eq!(writes.load(Ordering::SeqCst), 1);
    assert_eq!(state.runs.load(Ordering::SeqCst), 1, "what it says is no news to its reconciler");
    let times = logs.text().lines().filter(|line| line.contains("Rack/r is still there")).count();
    assert!((6..=12).contains(&times), "at growing intervals: {times} times in an hour");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_kind_without_conditions_says_it_in_the_log_alone_and_a_crowd_does_not_flood_it() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    let client = controller.client();
    for n in 0..500 {
        client.create(node(&format!("n-{n}")).with_finalizer("example.org/hold")).await.unwrap();
        client.delete::<Node>(format!("n-{n}")).await.unwrap();
    }
    let before = client.get::<Node>("n-0").await.unwrap().metadata.resource_version;
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(client.get::<Node>("n-0").await.unwrap().metadata.resource_version, before);
    let lines = logs.text().lines().filter(|line| line.contains("still there")).count();
    assert!((20..40).contains(&lines), "{lines} lines");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_being_deleted_without_a_finalizer_goes() {
    let store = Arc::new(MemoryStore::new());
    let controller = bare(&store).await;
    controller.client().create(node("n")).await.unwrap();
    let entries = store.list(&Key::from("o/"), Page::default()).await.unwrap().entries;
    let entry = entries.into_iter().find(|entry| entry.key.to_string().ends_with("/n")).unwrap();
    let text = String::from_utf8(entry.value.to_vec()).unwrap();
    let deleting =
        text.replacen(r#""creationTimestamp""#, r#""deletionTimestamp":"2026-01-01T00:00:00Z","creationTimestamp""#, 1);
    store.txn(Transaction::new().put(entry.key, bytes::Bytes::from(deleting))).await.unwrap();
    settle().await;
    assert!(controller.client().get::<Node>("n").await.unwrap_err().is_not_found());
    controller.stop().await.unwrap();
}

/// A number whose encoding panics if it is unlucky.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Fragile(u64);

impl Serialize for Fragile {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        assert_ne!(self.0, 13, "unlucky");
        self.0.serialize(serializer)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct GlassStatus {
    number: Fragile,
    conditions: Conditions,
}

#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", register = false)]
struct Glass {
    metadata: Metadata,
    spec: NodeSpec,
    status: GlassStatus,
}

#[tokio::test(start_paused = true)]
async fn an_object_that_can_t_be_encoded_keeps_no_other_from_saying_why_it_is_there() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let store = Arc::new(MemoryStore::new());
    let builder = Controller::empty().resource::<Rack>().resource::<Glass>().shared_store(Arc::clone(&store) as _);
    let controller = builder.build().await.unwrap();
    controller.start().await.unwrap();
    let client = controller.client();
    let glass = r#"{"apiVersion":"tests.example.io/v1","kind":"Glass","metadata":{"name":"g","uid":"g",
        "deletionTimestamp":"2026-01-01T00:00:00Z","finalizers":["example.org/hold"]},"spec":{},"status":{"number":13}}"#;
    store.txn(Transaction::new().put("o/tests.example.io/Glass/g", glass)).await.unwrap();
    settle().await;
    client.create(rack("r", 0).with_finalizer("example.org/hold")).await.unwrap();
    client.delete::<Rack>("r").await.unwrap();
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert!(why(client).is_some());
    let text = logs.text();
    assert!(text.contains("the condition Deleting of Glass/g can't be saved") && text.contains("unlucky"), "{text}");
    controller.stop().await.unwrap();
}
