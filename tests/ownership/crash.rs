//! A program that ends half-way: the next one on the same store goes on where it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fabrica::client::Propagation;
use fabrica::prelude::*;
use fabrica::store::{Fault, MemoryStore, Page, Store as _};

use super::kinds::{EVERY_WAY, Log, Node, Rack, by, node_of, picture, rack, settle, start};

/// How the last write of a program ends.
const LAST_WORDS: [Fault; 2] = [Fault::UnknownApplied, Fault::UnknownNotApplied];

/// From the `n`th write on the store is out of reach, as it is for a program that was killed. Counts the writes.
fn kill_at(store: &MemoryStore, n: usize, last: Fault) -> Arc<AtomicUsize> {
    let writes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&writes);
    store.faults().on_txn(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        before if before < n => None,
        before if before == n => Some(last),
        _ => Some(Fault::Unavailable),
    });
    writes
}

/// Does `act` in a program that is killed at each of its writes in turn, and checks how the next program ends up.
async fn killed_at_every_write<F>(
    prepare: impl AsyncFn(&Client),
    act: impl Fn(Client) -> F,
    check: impl Fn(&Client, &str),
) where
    F: Future<Output = ()>,
{
    for last in LAST_WORDS {
        for n in 0.. {
            let store = Arc::new(MemoryStore::new());
            let log = Log::default();
            let first = start(&store, &log).await;
            prepare(first.client()).await;
            settle().await;
            let writes = kill_at(&store, n, last);
            act(first.client().clone()).await;
            settle().await;
            let written = writes.load(Ordering::SeqCst);
            drop(first);
            settle().await;
            store.faults().clear();

            let log = Log::default();
            let second = start(&store, &log).await;
            tokio::time::sleep(Duration::from_secs(600)).await;
            check(second.client(), &format!("killed at write {n} ({last:?})"));
            // What was asked for a second time is there once: every object has a name of its own.
            let objects = store.list(&"o/".into(), Page::default()).await.unwrap().entries.len();
            let names = store.list(&"n/".into(), Page::default()).await.unwrap().entries.len();
            assert_eq!(objects, names, "killed at write {n} ({last:?})");
            second.stop().await.unwrap();
            if written <= n {
                break;
            }
            assert!(n < 100, "the program never ends");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn children_half_created_are_completed_and_none_twice() {
    let create = |client: Client| async move {
        // The answer of a killed program doesn't count.
        let _ = client.create(rack("r", 3)).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
    };
    let check = |client: &Client, when: &str| {
        let expected: &[&str] = &["r", "r-0 of r", "r-1 of r", "r-2 of r"];
        let found = picture(client);
        // The rack itself may never have been there.
        assert!(found == expected || found.is_empty() && when.contains("write 0"), "{when}: {found:?}");
    };
    killed_at_every_write(async |_: &Client| {}, create, check).await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_half_done_is_finished_in_every_way() {
    for way in EVERY_WAY {
        let prepare = async |client: &Client| {
            let r = client.create(rack("r", 2)).await.unwrap();
            settle().await;
            let a = client.get::<Node>("r-0").await.unwrap();
            client.create(node_of("leaf", &*a)).await.unwrap();
            client.create(rack("other", 0)).await.unwrap();
            assert!(!r.uid().is_empty());
        };
        let delete = |client: Client| async move {
            let _ = client.delete_with::<Rack>("r", by(way)).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
        };
        let check = move |client: &Client, when: &str| {
            let found = picture(client);
            let whole: &[&str] = &["other", "r", "leaf of r-0", "r-0 of r", "r-1 of r"];
            let done: &[&str] =
                if way == Propagation::Orphan { &["other", "leaf of r-0", "r-0", "r-1"] } else { &["other"] };
            // A deletion that the store never took is none.
            assert!(found == done || found == whole && when.contains("write 0"), "{way:?}, {when}: {found:?}");
            for rack in client.cache::<Rack>().all() {
                assert!(rack.metadata.finalizers.is_empty(), "{when}");
            }
        };
        killed_at_every_write(prepare, delete, check).await;
    }
}
