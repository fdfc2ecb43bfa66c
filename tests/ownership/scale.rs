//! What many children cost, counted and not timed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fabrica::client::Propagation;
use fabrica::store::MemoryStore;
use parking_lot::Mutex;

use super::kinds::{Cable, EVERY_WAY, Log, Node, Rack, bare, by, cable, names, node_of, rack, start, until};

const MANY: usize = 10_000;

#[tokio::test(start_paused = true)]
async fn each_child_costs_one_write_in_every_way_however_many_there_are() {
    for (way, many) in EVERY_WAY.into_iter().zip([MANY, MANY / 10, MANY / 10]) {
        let store = Arc::new(MemoryStore::new());
        let controller = bare(&store).await;
        let client = controller.client();
        let r = client.create(rack("r", 0)).await.unwrap();
        for n in 0..many {
            client.create(node_of(&format!("n-{n}"), &*r)).await.unwrap();
        }
        let writes = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&writes);
        store.faults().on_txn(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            None
        });
        client.delete_with::<Rack>("r", by(way)).await.unwrap();
        client.wait_deleted::<Rack>("r").await.unwrap();
        let left = if way == Propagation::Orphan { many } else { 0 };
        until("it is done", || names(client).len() == left).await;
        let writes = writes.load(Ordering::SeqCst);
        let expected = many + if way == Propagation::Background { 1 } else { 2 };
        assert_eq!(writes, expected, "{way:?}");
        controller.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn another_kind_is_reconciled_while_ten_thousand_children_go() {
    let (store, log) = (Arc::new(MemoryStore::new()), Log::default());
    let controller = start(&store, &log).await;
    let client = controller.client();
    let owner = client.create(cable("owner")).await.unwrap();
    for n in 0..MANY {
        client.create(node_of(&format!("n-{n}"), &*owner)).await.unwrap();
    }
    client.delete::<Cable>("owner").await.unwrap();
    client.create(rack("r", 0)).await.unwrap();
    until("the rack ran", || log.count() > 0).await;
    assert!(names(client).len() > MANY / 2, "it did not wait for the children: {} are left", names(client).len());
    until("all are gone", || names(client).is_empty()).await;
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn converging_ten_thousand_children_writes_each_once_and_then_nothing() {
    let (store, log) = (Arc::new(MemoryStore::new()), Log::default());
    let controller = start(&store, &log).await;
    let writes: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let count = Arc::clone(&writes);
    store.faults().on_txn(move |txn| {
        let node =
            txn.ops.iter().map(|op| op.key().to_string()).find(|key| key.starts_with("o/tests.example.io/Node/"));
        if let Some(node) = node {
            *count.lock().entry(node).or_default() += 1;
        }
        None
    });
    controller.client().create(rack("r", 2000)).await.unwrap();
    controller.client().wait_until::<Rack>("r", |r| r.status.nodes == 2000).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(names(controller.client()).len(), 2000);
    assert!(writes.lock().len() == 2000 && writes.lock().values().all(|writes| *writes == 1));
    assert!(log.count() <= 4, "woken by 2000 changes, it ran {} times", log.count());
    assert!(controller.client().cache::<Node>().by_name("", "r-1999").is_some());
    controller.stop().await.unwrap();
}
