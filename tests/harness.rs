//! `fabrica::testing::Harness`: what it waits for, what it does not, and what it tells.

#![allow(clippy::unwrap_used, clippy::unused_async)] // helpers of tests are tests

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fabrica::prelude::*;
use fabrica::store::{Fault, Op};
use fabrica::testing::{Harness, WriteKind};

/// A thing that follows another.
#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", conditions(Ready), register = false)]
struct Link {
    metadata: Metadata,
    spec: LinkSpec,
    status: LinkStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct LinkSpec {
    /// The one that copies its value from this one.
    next: Option<String>,
    value: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct LinkStatus {
    value: u32,
    conditions: Conditions,
}

fn link(name: &str, value: u32) -> Link {
    Link::new(name, LinkSpec { next: None, value }).with_uid(name)
}

/// Says what a run does, besides saving the value.
#[derive(Clone)]
struct Does(Arc<dyn Fn(u32) -> Deed + Send + Sync>, Arc<AtomicU32>);

enum Deed {
    Answer(Result<Action>),
    Sleep(Duration),
    Block(Duration),
    Never,
}

impl Does {
    fn new(deed: impl Fn(u32) -> Deed + Send + Sync + 'static) -> Self {
        Self(Arc::new(deed), Arc::default())
    }

    fn answer(answer: Action) -> Self {
        Self::new(move |_| Deed::Answer(Ok(answer)))
    }
}

#[reconciler(register = false)]
async fn save(link: &mut Link, ctx: &Context, State(does): State<Does>) -> Result<Action> {
    let answer = match does.0(does.1.fetch_add(1, Ordering::Relaxed)) {
        Deed::Answer(answer) => answer,
        Deed::Sleep(time) => {
            tokio::time::sleep(time).await;
            Ok(Action::AwaitChange)
        }
        Deed::Block(time) => {
            tokio::task::spawn_blocking(move || std::thread::sleep(time)).await?;
            Ok(Action::AwaitChange)
        }
        Deed::Never => std::future::pending().await,
    };
    if answer.is_ok() && link.status.value != link.spec.value {
        link.status.value = link.spec.value;
        if let Some(next) = &link.spec.next {
            let mut next = Link::clone(&*ctx.client().get::<Link>(next.as_str()).await?);
            next.spec.value = link.spec.value;
            ctx.client().update(next).await?;
        }
        ctx.emit("io.example.link.saved", link).await?;
    }
    answer
}

async fn start(does: Does) -> Harness {
    Harness::start(Controller::empty().reconciler::<save>().state(does)).await.unwrap()
}

#[tokio::test]
async fn settle_waits_for_what_can_happen_now() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    h.apply(link("a", 1)).await.unwrap();
    h.settle().await.unwrap();
    assert_eq!(h.get::<Link>("a").status.value, 1);
    assert_eq!(h.controller().pending(), 0);
}

#[tokio::test]
async fn settle_waits_for_a_run_that_awaits_a_timer() {
    let h = start(Does::new(|_| Deed::Sleep(Duration::from_secs(90)))).await;
    let start = Timestamp::now();
    h.apply(link("a", 1)).await.unwrap();
    h.settle().await.unwrap();
    assert_eq!(h.get::<Link>("a").status.value, 1);
    assert_eq!(Timestamp::now().since(start).as_secs(), 90);
}

#[tokio::test]
async fn settle_waits_for_a_run_that_calls_spawn_blocking() {
    let h = start(Does::new(|_| Deed::Block(Duration::from_millis(50)))).await;
    let start = Timestamp::now();
    h.apply(link("a", 1)).await.unwrap();
    h.settle().await.unwrap();
    assert_eq!(h.get::<Link>("a").status.value, 1);
    assert_eq!(Timestamp::now().since(start).as_secs(), 0, "the clock stands still meanwhile");
}

#[tokio::test]
async fn settle_waits_for_blocking_work_outside_a_run() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    h.apply(link("a", 1)).await.unwrap();
    h.settle().await.unwrap();
    h.look_away();
    let handle = h.controller().handle().clone();
    tokio::spawn(async move {
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(50))).await.unwrap();
        handle.enqueue::<Link>("a", "the device called back").unwrap();
    });
    h.settle().await.unwrap();
    assert_eq!(h.runs()[0].reasons, "the device called back");
}

#[tokio::test]
async fn settle_waits_for_chains_of_wake_ups() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    for (name, next) in [("c", None), ("b", Some("c")), ("a", Some("b"))] {
        let spec = LinkSpec { next: next.map(str::to_owned), value: 0 };
        h.apply(Link::new(name, spec).with_uid(name)).await.unwrap();
    }
    h.settle().await.unwrap();
    h.look_away();

    let spec = LinkSpec { next: Some("b".into()), value: 7 };
    h.apply(Link::new("a", spec).with_uid("a")).await.unwrap();
    h.settle().await.unwrap();
    assert_eq!(h.get::<Link>("c").status.value, 7);
    let by: Vec<_> =
        h.writes().iter().map(|write| (write.to_string(), write.by.as_deref().map(str::to_owned))).collect();
    let expected = [
        ("updated Link a", None),
        ("updated Link b", Some("Link a")),
        ("updated Link c", Some("Link b")),
        ("status Link a", Some("Link a")),
        ("status Link c", Some("Link c")),
        ("status Link b", Some("Link b")),
    ];
    assert_eq!(by, expected.map(|(write, by)| (write.to_owned(), by.map(str::to_owned))));
}

#[tokio::test]
async fn settle_does_not_wait_for_a_backoff() {
    let fails_twice =
        |n| Deed::Answer(if n < 2 { Err(Error::from_boxed("no answer".into())) } else { Ok(Action::AwaitChange) });
    let h = start(Does::new(fails_twice)).await;
    h.apply(link("a", 1)).await.unwrap();
    h.settle().await.unwrap();
    assert_eq!(h.controller().failure::<Link>("a").unwrap().attempts, 1);
    assert_eq!(h.runs()[0].error.as_deref(), Some("no answer"));
    h.advance(Duration::from_secs(1)).await.unwrap();
    assert_eq!(h.controller().failure::<Link>("a").unwrap().attempts, 2);
    assert_eq!(h.get::<Link>("a").status.value, 0);
    h.advance(Duration::from_secs(2)).await.unwrap();
    assert_eq!(h.get::<Link>("a").status.value, 1);
    assert!(h.controller().failure::<Link>("a").is_none());
}

#[tokio::test]
async fn settle_waits_for_a_watch_that_has_to_begin_anew() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    h.store().faults().expire_watches();
    h.store().faults().fail_reads(3, fabrica::store::StoreError::Unavailable("told to fail".into()));
    let client = h.client().clone();
    let applied = tokio::spawn(async move { client.apply(link("a", 1)).await.map(drop) });
    h.settle().await.unwrap();
    assert!(applied.is_finished(), "a write is over when the cache shows it");
    assert_eq!(h.get::<Link>("a").status.value, 1);
}

#[tokio::test]
async fn settle_waits_for_garbage_collection_that_has_to_try_again() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    let parent = h.apply(link("parent", 1)).await.unwrap();
    let mut child = link("child", 1);
    child.metadata.owner_references.push(OwnerReference::to_controller(&*parent));
    h.apply(child).await.unwrap();
    h.settle().await.unwrap();
    let mut refusals = 3;
    h.store().faults().on_txn(move |txn| {
        let is_child = |op: &Op| matches!(op, Op::Delete(key) if key.as_bytes().ends_with(b"/child"));
        let refuse = refusals > 0 && txn.ops.iter().any(is_child);
        refusals -= u32::from(refuse);
        refuse.then_some(Fault::Unavailable)
    });
    h.delete::<Link>("parent").await.unwrap();
    h.settle().await.unwrap();
    assert!(h.list::<Link>().is_empty(), "{}", h.story());
}

#[tokio::test]
async fn a_second_harness_on_the_same_store_sees_what_a_restart_does() {
    let h = start(Does::new(|_| Deed::Answer(Err(Error::terminal("not now"))))).await;
    h.apply(link("a", 1)).await.unwrap();
    h.settle().await.unwrap();
    h.controller().stop().await.unwrap();

    let builder = Controller::empty().reconciler::<save>().state(Does::answer(Action::AwaitChange));
    let restarted = Harness::start_on(h.store().clone(), builder).await.unwrap();
    restarted.settle().await.unwrap();
    assert_eq!(restarted.runs()[0].reasons, "started");
    restarted.assert_writes(["status Link a"]);
}

#[tokio::test]
async fn every_object_can_be_asked_once_more() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    for name in ["a", "b"] {
        h.apply(link(name, 1)).await.unwrap();
    }
    h.settle().await.unwrap();
    h.look_away();
    h.reconcile_all().await.unwrap();
    assert_eq!(h.runs().iter().map(|run| run.object.to_string()).collect::<Vec<_>>(), ["Link a", "Link b"]);
    h.assert_idle();
}

#[tokio::test]
async fn what_a_run_says_without_a_write_is_no_idleness() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    h.apply(link("a", 0)).await.unwrap();
    h.settle().await.unwrap();
    h.look_away();
    h.controller().bus().publish(Event::new("io.example.link.told").unwrap()).unwrap();
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| h.assert_idle())).unwrap_err();
    assert!(failed.downcast_ref::<String>().unwrap().contains("found:\n  io.example.link.told"));
}

#[tokio::test]
async fn objects_are_found_by_their_names() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    h.apply(Link::new("by-name", LinkSpec::default())).await.unwrap();
    assert_eq!(h.get::<Link>("by-name").name(), "by-name");
    assert!(h.find::<Link>("another").is_none());
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| h.get::<Link>("another"))).unwrap_err();
    let text = failed.downcast_ref::<String>().unwrap();
    assert!(text.starts_with("there is no Link another\nwhat happened up to 0.000s:"), "{text}");
    assert!(h.delete::<Link>("another").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn advance_fires_each_check_when_it_is_due() {
    let h = start(Does::answer(Action::RequeueAfter(Duration::from_secs(60)))).await;
    h.apply(link("a", 1)).await.unwrap();
    h.settle().await.unwrap();
    assert_eq!(h.runs().len(), 1);
    for _ in 0..100 {
        h.advance(Duration::from_secs(59)).await.unwrap();
        assert_eq!(h.runs().len(), 0, "not yet");
        h.advance(Duration::from_secs(1)).await.unwrap();
        let runs = h.runs();
        assert_eq!(runs.len(), 1, "at the last moment");
        assert_eq!(runs[0].reasons, "requeued");
    }
    h.advance(Duration::from_secs(24 * 3600)).await.unwrap();
    let runs = h.runs();
    assert_eq!(runs.len(), 24 * 60);
    assert!(runs.windows(2).all(|two| two[1].at == two[0].at + Duration::from_secs(60)), "each in its time");
}

#[tokio::test]
async fn advance_leaves_a_long_run_where_it_is() {
    let h = start(Does::new(|_| Deed::Sleep(Duration::from_secs(90)))).await;
    h.apply(link("a", 1)).await.unwrap();
    h.advance(Duration::from_secs(60)).await.unwrap();
    assert!(!h.runs()[0].is_over);
    h.advance(Duration::from_secs(30)).await.unwrap();
    assert_eq!(h.get::<Link>("a").status.value, 1);
}

#[tokio::test]
async fn a_hot_loop_is_an_error_that_names_the_object_and_its_reasons() {
    for does in [Does::answer(Action::Requeue), Does::answer(Action::RequeueAfter(Duration::ZERO))] {
        let h = start(does).await;
        h.apply(link("hot", 1)).await.unwrap();
        let error = h.settle().await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Timeout);
        let text = error.to_string();
        assert!(
            text.starts_with(
                "Link hot never gets quiet: it ran 1000 times without a pause, the last because: requeued"
            ),
            "{text}"
        );
        let error = h.advance(Duration::from_secs(1)).await.unwrap_err();
        assert!(error.to_string().starts_with("Link hot never gets quiet"), "{error}");
    }
}

#[tokio::test]
async fn a_run_that_never_ends_is_an_error_that_says_why_it_began() {
    let h = start(Does::new(|_| Deed::Never)).await;
    h.apply(link("stuck", 1)).await.unwrap();
    let text = h.settle().await.unwrap_err().to_string();
    assert!(text.contains("Link stuck since 0.000s, because: changed at 2"), "{text}");
}

#[reconciler(register = false)]
async fn yields_for_ever(link: &mut Link) -> Result<Action> {
    let _ = link;
    loop {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_run_that_keeps_the_thread_busy_is_an_error() {
    let h = Harness::start(Controller::empty().reconciler::<yields_for_ever>()).await.unwrap();
    h.apply(link("busy", 1)).await.unwrap();
    let text = h.settle().await.unwrap_err().to_string();
    assert!(text.starts_with("the run of Link busy never gets quiet: it yields again and again"), "{text}");
}

#[tokio::test]
async fn writes_and_events_are_exact_and_looked_at_once() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    h.apply(link("a", 1)).await.unwrap();
    h.settle().await.unwrap();
    h.assert_writes(["created Link a", "status Link a"]);
    h.assert_writes([]);
    h.assert_events("io.example.**", ["io.example.link.saved"]);
    h.assert_events("**.created", ["io.fabrica.link.created"]);
    h.assert_events("**", ["io.fabrica.link.updated"]);
    h.assert_idle();

    h.apply(link("a", 1)).await.unwrap();
    h.settle().await.unwrap();
    h.assert_idle();
    h.delete::<Link>("a").await.unwrap();
    let writes = h.writes();
    assert_eq!(writes, ["deleted Link a"]);
    assert_eq!((writes[0].kind, &writes[0].by), (WriteKind::Deleted, &None));
    assert!(h.find::<Link>("a").is_none() && h.list::<Link>().is_empty());
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_still_known_by_its_author() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    let mut transactions = 0;
    h.store().faults().on_txn(move |_| {
        transactions += 1;
        (transactions == 2).then_some(Fault::UnknownApplied)
    });
    h.apply(link("a", 1)).await.unwrap();
    h.settle().await.unwrap();
    let writes = h.writes();
    assert_eq!(writes, ["created Link a", "status Link a"]);
    assert_eq!(writes[1].by.as_deref(), Some("Link a"));
}

#[tokio::test]
async fn a_failed_assertion_tells_the_story() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    h.advance(Duration::from_secs(5)).await.unwrap();
    h.apply(link("a", 1)).await.unwrap();
    h.settle().await.unwrap();
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| h.assert_idle())).unwrap_err();
    let text = failed.downcast_ref::<String>().unwrap();
    let expected = "the writes are not as expected
expected:
  (none)
found:
  created Link a
  status Link a
what happened up to 5.002s:
      5.001s  write  created Link a
      5.001s  event  io.fabrica.link.created Link/a
      5.001s  run    Link a, because: changed at 2
      5.001s  write  status Link a, by Link a
      5.001s  event  io.fabrica.link.updated Link/a
      5.001s  event  io.example.link.saved Link/a";
    assert_eq!(text, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_of_several_threads_is_refused() {
    let error = Harness::start(Controller::empty().resource::<Link>()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Startup);
    assert!(error.to_string().contains("`#[tokio::test]` without `flavor"), "{error}");
}

#[tokio::test]
async fn a_runtime_within_a_runtime_is_refused() {
    let error = Harness::run(Controller::empty().resource::<Link>(), async |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Startup);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_stands_still_already_is_as_good() {
    let h = start(Does::answer(Action::AwaitChange)).await;
    h.settle().await.unwrap();
}
