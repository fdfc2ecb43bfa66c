use futures_util::FutureExt as _;

use super::*;
use crate::store::conformance::{TestStore, conformance};
use crate::store::{Guard, WatchItem};

fn put(key: &str, value: &'static str) -> Transaction {
    Transaction::new().put(key, value)
}

async fn watch(store: &MemoryStore, prefix: &str) -> Watch {
    store.watch(&prefix.into(), store.revision().await.unwrap()).await.unwrap()
}

async fn holds(store: &MemoryStore, key: &str) -> bool {
    store.get(&key.into(), None).await.unwrap().0.is_some()
}

#[tokio::test(start_paused = true)]
async fn the_memory_store_passes_the_suite() {
    conformance(async |settings| {
        let store = MemoryStore::with_window(settings.watch_window);
        let faults = store.clone();
        TestStore::new(store).inject_unknown(move || faults.faults().fail_next(1, Fault::UnknownApplied))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_transaction_that_is_never_polled_does_nothing() {
    let store = MemoryStore::new();
    drop(store.txn(put("/a", "1")));
    assert!(!holds(&store, "/a").await);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_lags_beyond_the_window_expires() {
    let store = MemoryStore::with_window(3);
    let mut lagging = watch(&store, "").await;
    for value in ["1", "2", "3", "4"] {
        store.txn(put("/a", value)).await.unwrap();
    }
    let oldest = Revision::new(1);
    assert_eq!(lagging.next().await, Some(WatchItem::Expired { oldest }));
    assert_eq!(lagging.next().await, None);
    let mut again = store.watch(&"".into(), oldest).await.unwrap();
    assert!(matches!(again.next().await, Some(WatchItem::Batch(batch)) if batch.revision == Revision::new(2)));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_does_not_make_the_store_grow() {
    let store = MemoryStore::with_window(3);
    let _lagging = watch(&store, "").await;
    for i in 0..100 {
        store.txn(Transaction::new().put("/a", format!("{i}"))).await.unwrap();
    }
    let kept = store.inner.image.feed().batches_after(Revision::new(97)).unwrap();
    assert_eq!(kept.len(), 3);
    assert!(store.inner.image.feed().batches_after(Revision::new(96)).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_waits_for_a_quiet_prefix_does_not_expire() {
    let store = MemoryStore::with_window(3);
    let mut quiet = watch(&store, "/quiet/").await;
    assert!(quiet.next().now_or_never().is_none());
    for i in 0..100 {
        store.txn(Transaction::new().put("/busy", format!("{i}"))).await.unwrap();
    }
    let revision = store.txn(put("/quiet/a", "1")).await.unwrap();
    assert!(matches!(quiet.next().await, Some(WatchItem::Batch(batch)) if batch.revision == revision));
}

#[tokio::test(start_paused = true)]
async fn changes_elsewhere_wake_a_watch_no_more_often_than_marks_may_come() {
    let store = MemoryStore::new();
    let mut quiet = watch(&store, "/quiet/").await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for i in 0..1000 {
                store.txn(Transaction::new().put("/busy", format!("{i}"))).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    let mut marks = 0;
    while quiet.next().await != Some(WatchItem::Progress(Revision::new(1000))) {
        marks += 1;
    }
    writer.await.unwrap();
    assert!(marks <= 1, "1000 revisions in no time gave {marks} marks and the last");
}

#[tokio::test(start_paused = true)]
async fn a_batch_needs_no_mark() {
    let store = MemoryStore::new();
    let mut open = watch(&store, "").await;
    store.txn(put("/a", "1")).await.unwrap();
    assert!(matches!(open.next().await, Some(WatchItem::Batch(_))));
    assert_eq!(open.next().now_or_never(), None);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_store_ends_its_watches() {
    let store = MemoryStore::new();
    let mut waiting = watch(&store, "").await;
    assert!(waiting.next().now_or_never().is_none());
    let revision = store.txn(put("/a", "1")).await.unwrap();
    drop(store);
    assert!(matches!(waiting.next().await, Some(WatchItem::Batch(batch)) if batch.revision == revision));
    let end = tokio::time::timeout(std::time::Duration::from_secs(1), waiting.next()).await;
    assert_eq!(end, Ok(None));
}

#[tokio::test]
async fn a_page_expires_with_the_history_that_it_needs() {
    let store = MemoryStore::new();
    store.txn(put("/a", "1").put("/b", "1")).await.unwrap();
    let first = store.list(&"".into(), Page::first(1)).await.unwrap();
    store.txn(put("/b", "2")).await.unwrap();
    let next = Page::first(1).after(first.next.unwrap());
    assert!(store.list(&"".into(), next.clone()).await.is_ok());
    store.faults().compact();
    let oldest = Revision::new(2);
    assert_eq!(store.list(&"".into(), next).await, Err(StoreError::Expired { oldest }));
}

#[tokio::test]
async fn every_error_of_a_transaction_can_be_produced() {
    let store = MemoryStore::new();
    let claim = Guard::Created("/claim".into(), store.txn(put("/claim", "me")).await.unwrap());
    let txn = put("/a", "1").when(claim);
    let mut answers = Vec::new();
    for fault in [Fault::Conflict, Fault::Fenced, Fault::Unavailable, Fault::TooLarge, Fault::TooManyOps] {
        store.faults().fail_next(1, fault);
        answers.push(store.txn(txn.clone()).await.unwrap_err());
        assert!(!holds(&store, "/a").await, "{fault:?}");
    }
    assert!(matches!(
        &answers[..],
        [
            StoreError::Conflict { index: 0, current: Some(_) },
            StoreError::Fenced { index: 0, .. },
            StoreError::Unavailable(_),
            StoreError::TooLarge { .. },
            StoreError::TooManyOps { .. }
        ]
    ));
    store.faults().fail_next(1, Fault::UnknownNotApplied);
    assert_eq!(store.txn(txn.clone()).await, Err(StoreError::Unknown));
    assert!(!holds(&store, "/a").await);
    store.faults().fail_next(1, Fault::UnknownApplied);
    assert_eq!(store.txn(txn.clone()).await, Err(StoreError::Unknown));
    assert!(holds(&store, "/a").await);
    assert!(store.txn(txn).await.is_ok(), "faults end");
}

#[tokio::test]
async fn every_read_can_fail() {
    let store = MemoryStore::new();
    let error = StoreError::Unavailable("maintenance".into());
    store.faults().fail_reads(4, error.clone());
    let key = Key::EVERYTHING;
    assert_eq!(store.get(&key, None).await.unwrap_err(), error);
    assert_eq!(store.list(&key, Page::all()).await.unwrap_err(), error);
    assert_eq!(store.watch(&key, Revision::ZERO).await.unwrap_err(), error);
    assert_eq!(store.revision().await.unwrap_err(), error);
    assert!(store.revision().await.is_ok(), "faults end");
}

#[tokio::test]
async fn a_hook_chooses_what_fails_until_it_is_cleared() {
    let store = MemoryStore::new();
    store.faults().on_txn(|txn| (txn.ops.len() == 2).then_some(Fault::Unavailable));
    assert!(store.txn(put("/a", "1")).await.is_ok());
    assert!(store.txn(put("/a", "2").delete("/b")).await.is_err());
    store.faults().clear();
    assert!(store.txn(put("/a", "2").delete("/b")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn open_watches_can_be_made_to_expire() {
    let store = MemoryStore::new();
    let mut waiting = watch(&store, "").await;
    assert!(waiting.next().now_or_never().is_none());
    store.faults().expire_watches();
    assert!(matches!(waiting.next().await, Some(WatchItem::Expired { .. })));

    let mut open = watch(&store, "").await;
    store.faults().fail_next(1, Fault::ExpireWatches);
    let revision = store.txn(put("/a", "1")).await.unwrap();
    assert!(matches!(open.next().await, Some(WatchItem::Expired { .. })));
    let mut again = store.watch(&"".into(), Revision::ZERO).await.unwrap();
    assert!(matches!(again.next().await, Some(WatchItem::Batch(batch)) if batch.revision == revision));
}
