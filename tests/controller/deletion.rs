//! Deletion with finalizers.

use std::sync::Arc;
use std::time::Duration;

use fabrica::prelude::*;
use fabrica::store::{Key, MemoryStore, Page, Store, Transaction};
use parking_lot::Mutex;

use super::kinds::{Gadget, GadgetSpec, Script, gadget, settle, start, until};
use super::logs::Logs;

type Log = Arc<Mutex<Vec<String>>>;

#[reconciler(register = false, finalize = clean_up)]
async fn careful(gadget: &mut Gadget, State(log): State<Log>) -> Result<Action> {
    let finalizers = gadget.metadata.finalizers.join(" ");
    log.lock().push(format!("reconcile with {finalizers}"));
    gadget.status.size = 1;
    Ok(Action::AwaitChange)
}

async fn clean_up(gadget: &mut Gadget, ctx: &Context) -> Result<Finalize> {
    let log: Log = ctx.state()?;
    log.lock().push(format!("finalize, attempt {}", ctx.attempt()));
    gadget.status.size += 1;
    match (ctx.attempt(), gadget.status.size) {
        (0, 2) => Err(std::io::Error::other("not now").into()),
        (_, 3) => Ok(Finalize::RequeueAfter(Duration::from_secs(60))),
        _ => Ok(Finalize::Done),
    }
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_is_added_before_the_first_run_and_finalize_runs_until_it_says_done() {
    let log = Log::default();
    let controller = Controller::empty().reconciler::<careful>().state(Arc::clone(&log)).build().await.unwrap();
    controller.start().await.unwrap();
    let client = controller.client();
    client.create(gadget("g")).await.unwrap();
    client.wait_until::<Gadget>("g", |g| g.status.size == 1).await.unwrap();
    settle().await;
    assert_eq!(*log.lock(), ["reconcile with gadget.tests.example.io/finalizer"], "adding it wakes nobody");

    let start = Timestamp::now();
    client.delete::<Gadget>("g").await.unwrap();
    client.wait_deleted::<Gadget>("g").await.unwrap();
    assert_eq!(Timestamp::now().since(start).as_secs(), 1 + 60);
    assert_eq!(log.lock()[1..], ["finalize, attempt 0", "finalize, attempt 1", "finalize, attempt 0"]);
    assert!(client.get::<Gadget>("g").await.unwrap_err().is_not_found());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn another_partys_finalizer_holds_the_object_without_reconciling_it() {
    let script = Script::answering(Action::AwaitChange);
    let controller = start(&script).await;
    let client = controller.client();
    client.create(gadget("g").with_finalizer("example.org/other")).await.unwrap();
    until("it ran", || script.count() == 1).await;
    client.delete::<Gadget>("g").await.unwrap();
    settle().await;
    assert_eq!(script.count(), 1, "an object that is to go is not reconciled");
    let mut held = Gadget::clone(&*client.get::<Gadget>("g").await.unwrap());
    held.metadata.finalizers.clear();
    client.update(held).await.unwrap();
    client.wait_deleted::<Gadget>("g").await.unwrap();
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_gone_leaves_no_retry_behind() {
    let script = Script::new(|gadget, _| async move { (gadget, Err(std::io::Error::other("no").into())) });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    until("it failed", || controller.failure::<Gadget>("g").is_some()).await;
    controller.client().delete::<Gadget>("g").await.unwrap();
    settle().await;
    assert!(controller.failure::<Gadget>("g").is_none());
    let before = script.count();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(script.count(), before);
    // One of the same uid is another object, and starts with a clean count.
    controller.client().create(gadget("g")).await.unwrap();
    until("it failed", || controller.failure::<Gadget>("g").is_some()).await;
    assert_eq!(controller.failure::<Gadget>("g").unwrap().attempts, 1);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_deleted_during_its_run_stays_deleted() {
    let script = Script::new(|mut gadget, info| async move {
        info.client.delete::<Gadget>("g").await.unwrap();
        gadget.status.size = 5;
        (gadget, Ok(Action::RequeueAfter(Duration::from_secs(1))))
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(script.count(), 1);
    assert!(controller.client().get::<Gadget>("g").await.unwrap_err().is_not_found());
    assert!(controller.failure::<Gadget>("g").is_none());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_after_its_object_was_deleted_leaves_no_failure_behind() {
    let script = Script::new(|gadget, info| async move {
        info.client.delete::<Gadget>("g").await.unwrap();
        if gadget.spec.size == 0 {
            // One of the same uid is another object, and starts with a clean count.
            let next = Gadget::new("g", GadgetSpec { size: 1, ..GadgetSpec::default() }).with_uid("g");
            info.client.create(next).await.unwrap();
        }
        (gadget, Err(std::io::Error::other("it is gone").into()))
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    until("both failed", || script.count() == 2).await;
    settle().await;
    assert_eq!(controller.failure::<Gadget>("g"), None);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(script.count(), 2, "{:?}", script.runs());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_whose_deletion_began_before_its_first_run_is_not_a_failure() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let store = Arc::new(MemoryStore::new());
    let builder = Controller::empty().reconciler::<careful>().state(Log::default());
    let controller = builder.shared_store(Arc::clone(&store) as _).build().await.unwrap();
    let client = controller.client();
    client.create(gadget("g").with_finalizer("example.org/other")).await.unwrap();
    let entries = store.list(&Key::from("o/"), Page::default()).await.unwrap().entries;
    let entry = entries.into_iter().find(|entry| entry.key.to_string().ends_with("/g")).unwrap();
    let text = String::from_utf8(entry.value.to_vec()).unwrap();
    let deleting =
        text.replacen(r#""creationTimestamp""#, r#""deletionTimestamp":"2026-01-01T00:00:00Z","creationTimestamp""#, 1);
    assert_ne!(text, deleting);
    // The workers are there before the follower is told of this.
    controller.start().await.unwrap();
    store.txn(Transaction::new().put(entry.key, bytes::Bytes::from(deleting))).await.unwrap();
    client.wait_until::<Gadget>("g", |g| g.metadata.is_deleting()).await.unwrap();
    settle().await;
    assert!(!logs.text().contains("failed"), "{}", logs.text());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_finalized_is_not_finalized_again_while_another_party_holds_it() {
    let log = Log::default();
    let controller = Controller::empty().reconciler::<careful>().state(Arc::clone(&log)).build().await.unwrap();
    controller.start().await.unwrap();
    let client = controller.client();
    client.create(gadget("g").with_finalizer("example.org/other")).await.unwrap();
    client.wait_until::<Gadget>("g", |g| g.status.size == 1).await.unwrap();
    client.delete::<Gadget>("g").await.unwrap();
    client.wait_until::<Gadget>("g", |g| g.metadata.finalizers == ["example.org/other"]).await.unwrap();
    let before = log.lock().clone();
    controller.handle().enqueue::<Gadget>("g", "is anything left?").unwrap();
    settle().await;
    assert_eq!(*log.lock(), before);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_of_the_same_uid_starts_with_a_clean_count_even_within_the_backoff() {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let script = {
        let attempts = Arc::clone(&attempts);
        Script::new(move |gadget, info| {
            attempts.lock().push(info.attempt);
            async move { (gadget, Err(std::io::Error::other("no").into())) }
        })
    };
    let controller = start(&script).await;
    for _ in 0..2 {
        controller.client().create(gadget("g")).await.unwrap();
        settle().await;
        controller.client().delete::<Gadget>("g").await.unwrap();
    }
    assert_eq!(*attempts.lock(), [0, 0]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_only_another_party_holds_fails_no_more() {
    let script = Script::new(|gadget, _| async move { (gadget, Err(std::io::Error::other("no").into())) });
    let controller = start(&script).await;
    controller.client().create(gadget("g").with_finalizer("example.org/other")).await.unwrap();
    until("it failed", || controller.failure::<Gadget>("g").is_some()).await;
    controller.client().delete::<Gadget>("g").await.unwrap();
    settle().await;
    assert_eq!(controller.failure::<Gadget>("g"), None);
    controller.stop().await.unwrap();
}
