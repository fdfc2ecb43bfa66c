//! C1, C2 and C6: every object is looked at, as it is now, within bounds.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use fabrica::prelude::*;
use fabrica::store::{Key, MemoryStore, Page, Store, Transaction};
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use serde::Deserializer;
use serde::de::IgnoredAny;
use tokio::sync::Semaphore;

use super::kinds::{Gadget, GadgetSpec, Script, gadget, run, scripted, settle, start, until};

#[tokio::test(start_paused = true)]
async fn c1_every_existing_object_is_reconciled_once_at_start_and_again_after_a_restart() {
    let store = Arc::new(MemoryStore::new());
    let script = Script::answering(Action::AwaitChange);
    let build = || {
        Controller::empty().reconciler::<scripted>().state(script.clone()).shared_store(Arc::clone(&store) as _).build()
    };
    let first = build().await.unwrap();
    for n in 0..50 {
        first.client().create(gadget(&format!("g-{n}"))).await.unwrap();
    }
    first.start().await.unwrap();
    until("all ran", || script.count() == 50).await;
    settle().await;
    assert_eq!(script.count(), 50, "each once");
    first.stop().await.unwrap();

    let second = build().await.unwrap();
    second.start().await.unwrap();
    until("all ran again", || script.count() == 100).await;
    settle().await;
    assert_eq!(script.count(), 100, "each once more");
    assert!(script.runs()[50..].iter().all(|why| why == "started"));
    second.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c1_a_failing_object_is_due_again_after_a_restart() {
    let store = Arc::new(MemoryStore::new());
    let script = Script::new(|gadget, info| async move {
        let answer =
            if info.number < 3 { Err(Error::from(std::io::Error::other("not yet"))) } else { Ok(Action::AwaitChange) };
        (gadget, answer)
    });
    for expected in 1..=3 {
        let builder = Controller::empty().reconciler::<scripted>().state(script.clone());
        let controller = builder.shared_store(Arc::clone(&store) as _).build().await.unwrap();
        if expected == 1 {
            controller.client().create(gadget("g")).await.unwrap();
        }
        controller.start().await.unwrap();
        until("it ran", || script.count() == expected).await;
        controller.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn c2_a_reconcile_sees_the_object_as_of_now_and_its_own_last_write() {
    // Each run writes the size that it saw into the status and checks that what it wrote last is what it sees.
    let script = Script::new(|mut gadget, info| async move {
        let newest = info.client.get::<Gadget>("g").await.unwrap();
        assert_eq!(newest.spec, gadget.spec, "the run saw an old spec");
        assert_eq!(gadget.status.list.len() + 1, info.number, "the run did not see its own last write");
        gadget.status.list.push(gadget.spec.size);
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    for size in 1..=20 {
        until("the last edit was seen", || script.count() == usize::try_from(size).unwrap()).await;
        let mut gadget = Gadget::clone(&*controller.client().get::<Gadget>("g").await.unwrap());
        gadget.spec.size = size;
        while controller.client().update(gadget.clone()).await.is_err() {
            gadget = Gadget::clone(&*controller.client().get::<Gadget>("g").await.unwrap());
            gadget.spec.size = size;
        }
    }
    controller.client().wait_until::<Gadget>("g", |g| g.status.list == (0..=20).collect::<Vec<_>>()).await.unwrap();
    assert!(controller.failure::<Gadget>("g").is_none(), "{:?}", controller.failure::<Gadget>("g"));
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c6_no_more_objects_of_a_kind_run_at_once_than_there_are_workers() {
    let gate = Arc::new(Semaphore::new(0));
    let script = {
        let gate = Arc::clone(&gate);
        Script::new(move |gadget, _| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                (gadget, Ok(Action::AwaitChange))
            }
        })
    };
    let controller =
        Controller::empty().reconciler::<scripted>().state(script.clone()).workers(3).build().await.unwrap();
    controller.start().await.unwrap();
    for n in 0..10 {
        controller.client().create(gadget(&format!("g-{n}"))).await.unwrap();
    }
    until("the workers are busy", || script.count() == 3).await;
    settle().await;
    assert_eq!(script.count(), 3);
    gate.add_permits(100);
    until("all ran", || script.count() == 10).await;
    assert_eq!(script.most_at_once(), 3);
    controller.stop().await.unwrap();
}

#[reconciler(register = false, concurrency = 1)]
async fn one_at_a_time(gadget: &mut Gadget, ctx: &Context, State(script): State<Script>) -> Result<Action> {
    run(gadget, ctx, script).await
}

#[tokio::test(start_paused = true)]
async fn c6_a_reconcilers_own_concurrency_goes_before_the_workers() {
    let script = Script::new(|gadget, _| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        (gadget, Ok(Action::AwaitChange))
    });
    let controller =
        Controller::empty().reconciler::<one_at_a_time>().state(script.clone()).workers(8).build().await.unwrap();
    controller.start().await.unwrap();
    for n in 0..5 {
        controller.client().create(gadget(&format!("g-{n}"))).await.unwrap();
    }
    until("all ran", || script.count() == 5).await;
    assert_eq!(script.most_at_once(), 1);
    controller.stop().await.unwrap();
}

/// A kind that takes for ever.
#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", register = false)]
struct Slow {
    metadata: Metadata,
    spec: GadgetSpec,
}

#[reconciler(register = false)]
async fn never_ready(slow: &mut Slow) -> Result<Action> {
    let _ = slow;
    tokio::time::sleep(Duration::from_secs(100_000)).await;
    Ok(Action::AwaitChange)
}

#[tokio::test(start_paused = true)]
async fn c6_a_slow_kind_never_starves_another() {
    let script = Script::answering(Action::AwaitChange);
    let builder = Controller::empty().reconciler::<scripted>().reconciler::<never_ready>().state(script.clone());
    let controller = builder.workers(2).grace(Duration::ZERO).build().await.unwrap();
    controller.start().await.unwrap();
    for n in 0..10 {
        controller.client().create(Slow::new(format!("s-{n}"), GadgetSpec::default())).await.unwrap();
    }
    for n in 0..10 {
        controller.client().create(gadget(&format!("g-{n}"))).await.unwrap();
    }
    until("the quick kind ran", || script.count() == 10).await;
    controller.stop().await.unwrap();
}

#[tokio::test]
async fn c6_a_busy_queue_leaves_the_thread_to_others() {
    // On one thread, a kind that never waits must not keep a timer from firing.
    let script = Script::answering(Action::Requeue);
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), async {
        while script.count() < 10_000 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    controller.stop().await.unwrap();
}

thread_local! {
    /// What happens the next time that a `Hooked` is decoded.
    static WHEN_DECODED: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
struct Hooked {}

impl<'de> Deserialize<'de> for Hooked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        if let Some(hook) = WHEN_DECODED.take() {
            hook();
        }
        Ok(Self {})
    }
}

#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", register = false)]
struct Latecomer {
    metadata: Metadata,
    spec: Hooked,
}

#[reconciler(register = false)]
async fn welcomes(latecomer: &mut Latecomer, State(log): State<Arc<Mutex<Vec<String>>>>) -> Result<Action> {
    log.lock().push(latecomer.uid().to_string());
    Ok(Action::AwaitChange)
}

#[tokio::test(start_paused = true)]
async fn c1_an_object_that_comes_while_the_controller_starts_is_not_lost() {
    let store = Arc::new(MemoryStore::new());
    let log = Arc::new(Mutex::new(Vec::<String>::new()));
    let builder = Controller::empty().reconciler::<welcomes>().state(Arc::clone(&log));
    let controller = Arc::new(builder.shared_store(Arc::clone(&store) as _).build().await.unwrap());
    controller.client().create(Latecomer::new("late", Hooked {}).with_uid("late")).await.unwrap();
    let entries = store.list(&Key::from("o/"), Page::default()).await.unwrap().entries;
    let entry = entries.into_iter().find(|entry| entry.key.to_string().ends_with("/late")).unwrap();
    controller.client().delete::<Latecomer>("late").await.unwrap();
    // The change is under way into the cache, and the start comes in between.
    let starting = Arc::clone(&controller);
    WHEN_DECODED.set(Some(Box::new(move || starting.start().now_or_never().unwrap().unwrap())));
    store.txn(Transaction::new().put(entry.key, entry.value)).await.unwrap();
    settle().await;
    assert!(WHEN_DECODED.take().is_none(), "it was started");
    assert_eq!(*log.lock(), ["late"]);
    controller.stop().await.unwrap();
}
