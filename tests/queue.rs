//! The promises Q1 to Q9 of the work queue, and what queues of this kind are known to get wrong.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fabrica::queue::{Backoff, Item, Next, Priority, Reasons, WorkQueue};
use futures_util::FutureExt;
use tokio::time::{Instant, advance, timeout};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Default, PartialEq, Eq)]
struct Why(Vec<&'static str>);

impl Reasons for Why {
    fn merge(&mut self, later: Self) {
        self.0.extend(later.0);
    }
}

fn why(reason: &'static str) -> Why {
    Why(vec![reason])
}

type Queue = WorkQueue<&'static str, Why>;

/// The next key, if one is due now.
fn take<K: fabrica::queue::Key, R: Reasons>(queue: &WorkQueue<K, R>) -> Option<Item<K, R>> {
    queue.get().now_or_never().flatten()
}

/// Runs what is due now, in order.
fn drain<K: fabrica::queue::Key, R: Reasons>(queue: &WorkQueue<K, R>) -> Vec<K> {
    let mut keys = Vec::new();
    while let Some(item) = take(queue) {
        keys.push(item.key().clone());
        queue.done(item, Next::Forget);
    }
    keys
}

/// The seconds that pass until a key is due.
async fn wait<K: fabrica::queue::Key>(queue: &WorkQueue<K>) -> (u64, Item<K>) {
    let start = Instant::now();
    let item = queue.get().await.expect("not shut down");
    (start.elapsed().as_secs(), item)
}

#[tokio::test(start_paused = true)]
async fn q1_one_key_has_one_slot_and_its_reasons_are_collected_beside_it() {
    let queue = Queue::default();
    queue.add("a", why("created"));
    queue.add("a", why("updated"));
    queue.add_background("a", why("resync"));
    assert_eq!((queue.len(), queue.known()), (1, 1));
    let item = take(&queue).unwrap();
    assert_eq!(item.reasons().0, ["created", "updated", "resync"]);
    assert!(take(&queue).is_none());
    queue.done(item, Next::Forget);
    assert!(take(&queue).is_none());
}

#[tokio::test(start_paused = true)]
async fn q2_a_key_is_never_handed_to_two_workers_at_once() {
    let queue = Queue::default();
    queue.add("a", why("created"));
    let item = take(&queue).unwrap();
    queue.add("a", why("patched"));
    queue.add_background("a", why("resync"));
    queue.add_after("a", why("later"), Duration::ZERO);
    advance(SECOND).await;
    assert!(take(&queue).is_none());
    assert_eq!(queue.running(), 1);
    queue.done(item, Next::Requeue);
    let item = take(&queue).unwrap();
    assert!(take(&queue).is_none());
    queue.done(item, Next::Forget);
    assert_eq!(queue.known(), 0);
}

#[tokio::test(start_paused = true)]
async fn q3_a_wake_up_during_a_run_is_never_lost() {
    for next in [Next::Forget, Next::Requeue, Next::After(SECOND), Next::Retry, Next::Hold] {
        let queue = Queue::default();
        queue.add("a", why("created"));
        let item = take(&queue).unwrap();
        queue.add("a", why("edited"));
        queue.add("a", why("edited again"));
        queue.done(item, next);
        let item = take(&queue).expect("it runs once more");
        assert_eq!(item.reasons().0, ["edited", "edited again"]);
        queue.done(item, Next::Forget);
        assert!(take(&queue).is_none(), "and only once");
    }
}

#[tokio::test(start_paused = true)]
async fn q3_requeue_at_once_runs_again_behind_those_waiting() {
    let queue = Queue::default();
    queue.add("a", why("created"));
    queue.add("b", why("created"));
    let item = take(&queue).unwrap();
    queue.done(item, Next::Requeue);
    assert_eq!(drain(&queue), ["b", "a"]);
}

#[tokio::test(start_paused = true)]
async fn q3_only_wake_ups_that_the_run_caused_itself_can_be_swallowed() {
    let queue = Queue::default();
    let is_own = |reasons: &mut Why| {
        reasons.0.retain(|reason| *reason != "own write");
        reasons.0.is_empty()
    };
    queue.add("a", why("created"));
    let item = take(&queue).unwrap();
    queue.add("a", why("own write"));
    queue.add("a", why("edited"));
    queue.done_unless(item, Next::Forget, is_own);
    let item = take(&queue).expect("the edit counts");
    assert_eq!(item.reasons().0, ["edited"]);
    queue.add("a", why("own write"));
    queue.done_unless(item, Next::Forget, is_own);
    assert!(take(&queue).is_none());
    assert_eq!(queue.known(), 0);

    queue.add("a", why("edited"));
    let item = take(&queue).unwrap();
    queue.done_unless(item, Next::Forget, |_| unreachable!("there was no wake-up"));
}

#[tokio::test(start_paused = true)]
async fn q4_each_run_replaces_the_requeue_timer() {
    let queue = WorkQueue::default();
    queue.add("a", ());
    let item = take(&queue).unwrap();
    queue.done(item, Next::After(SECOND * 10));
    assert_eq!((queue.timers(), queue.next_run(&"a")), (1, Some(Instant::now() + SECOND * 10)));
    queue.add("a", ());
    let item = take(&queue).expect("a wake-up runs it now");
    assert_eq!(queue.next_run(&"a"), None);
    queue.done(item, Next::After(SECOND * 30));
    let (seconds, item) = wait(&queue).await;
    assert_eq!(seconds, 30, "and not after the 10 of the first run");
    queue.done(item, Next::Forget);
    assert_eq!((queue.timers(), queue.known()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn q4_twenty_edits_leave_one_periodic_run_and_not_twenty() {
    let queue = WorkQueue::default();
    let period = Duration::from_millis(200);
    for _ in 0..20 {
        queue.add("a", ());
        let item = take(&queue).unwrap();
        queue.done(item, Next::After(period));
    }
    let mut runs = 0;
    let end = Instant::now() + SECOND * 2 + period / 2;
    while let Ok(Some(item)) = tokio::time::timeout_at(end, queue.get()).await {
        runs += 1;
        queue.done(item, Next::After(period));
    }
    assert_eq!(runs, 10);
}

#[tokio::test(start_paused = true)]
async fn q4_the_earliest_add_after_wins_and_a_run_does_not_clear_it() {
    let queue = Queue::default();
    let start = Instant::now();
    queue.add_after("a", why("check in 60"), SECOND * 60);
    queue.add_after("a", why("check in 20"), SECOND * 20);
    queue.add_after("a", why("check in 40"), SECOND * 40);
    queue.add("a", why("edited"));
    let item = take(&queue).unwrap();
    assert_eq!(item.reasons().0, ["edited"], "the others are for later");
    queue.done(item, Next::After(SECOND * 50));
    let item = queue.get().await.unwrap();
    assert_eq!(start.elapsed(), SECOND * 20);
    assert_eq!(item.reasons().0.len(), 3);
    queue.done(item, Next::After(SECOND * 50));
    let item = queue.get().await.unwrap();
    assert_eq!(start.elapsed(), SECOND * 70, "the requeue timer is its own");
    queue.done(item, Next::Forget);
    assert_eq!(queue.known(), 0);
}

#[tokio::test(start_paused = true)]
async fn q4_an_add_after_that_comes_due_during_a_run_runs_the_key_once_more() {
    let queue = Queue::default();
    queue.add("a", why("created"));
    let item = take(&queue).unwrap();
    queue.add_after("a", why("later"), SECOND);
    advance(SECOND * 5).await;
    assert!(take(&queue).is_none());
    queue.done(item, Next::Forget);
    let item = take(&queue).unwrap();
    assert_eq!((item.reasons().0.as_slice(), item.waited()), (["later"].as_slice(), SECOND * 4));
}

#[tokio::test(start_paused = true)]
async fn q4_a_worker_that_sleeps_for_one_timer_gets_up_for_an_earlier_one() {
    let queue = WorkQueue::default();
    queue.add_after("late", (), SECOND * 100);
    let worker = tokio::spawn({
        let queue = queue.clone();
        async move { wait(&queue).await.0 }
    });
    tokio::task::yield_now().await;
    queue.add_after("early", (), SECOND * 7);
    assert_eq!(worker.await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn q4_no_delay_is_too_long() {
    let queue = WorkQueue::default();
    queue.add_after("a", (), Duration::MAX);
    queue.add_after("b", (), SECOND);
    let (seconds, item) = wait(&queue).await;
    assert_eq!((seconds, *item.key()), (1, "b"));
    queue.done(item, Next::After(Duration::MAX));
    assert_eq!(queue.timers(), 2);
    assert!(timeout(SECOND * 1_000_000, queue.get()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn q5_many_keys_take_as_many_slots_and_timers_and_no_task() {
    const KEYS: usize = 200_000;
    let metrics = tokio::runtime::Handle::current().metrics();
    let tasks = metrics.num_alive_tasks();
    let queue = WorkQueue::default();
    for round in 0..2 {
        for key in 0..KEYS {
            queue.add_after(key, (), SECOND * (3600 - round));
        }
        assert_eq!((queue.known(), queue.timers(), queue.len()), (KEYS, KEYS, 0));
    }
    assert_eq!(metrics.num_alive_tasks(), tasks);
    for key in 0..KEYS {
        queue.add(key, ());
    }
    assert_eq!((queue.known(), queue.timers(), queue.len()), (KEYS, KEYS, KEYS));
    for key in 0..KEYS {
        queue.forget(&key);
    }
    assert_eq!((queue.known(), queue.timers(), queue.len()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn q5_keys_that_are_all_due_at_once_are_all_handed_out() {
    let queue = WorkQueue::default();
    for key in 0..10_000 {
        queue.add_after(key, (), SECOND);
    }
    let workers = (0..4).map(|_| {
        let queue = queue.clone();
        tokio::spawn(async move {
            let mut keys = Vec::new();
            while let Ok(Some(item)) = timeout(SECOND * 60, queue.get()).await {
                keys.push(*item.key());
                queue.done(item, Next::Forget);
            }
            keys
        })
    });
    let mut keys = BTreeSet::new();
    for worker in workers.collect::<Vec<_>>() {
        keys.extend(worker.await.unwrap());
    }
    assert_eq!(keys.len(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn q6_a_key_that_fails_waits_twice_as_long_each_time_up_to_five_minutes() {
    let queue = WorkQueue::default();
    queue.add("a", ());
    let mut delays = Vec::new();
    for attempt in 0..12 {
        let (seconds, item) = wait(&queue).await;
        delays.push(seconds);
        assert_eq!(item.attempt(), attempt);
        queue.done(item, Next::Retry);
        assert_eq!(queue.attempts(&"a"), attempt + 1);
    }
    assert_eq!(delays, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
}

#[tokio::test(start_paused = true)]
async fn q6_the_backoff_is_per_key_and_forgotten_on_success() {
    let queue = WorkQueue::new(Backoff::exponential(SECOND * 3, SECOND * 60));
    queue.add("a", ());
    for _ in 0..3 {
        let (_, item) = wait(&queue).await;
        queue.done(item, Next::Retry);
    }
    queue.add("b", ());
    let item = take(&queue).unwrap();
    queue.done(item, Next::Retry);
    assert_eq!((queue.attempts(&"a"), queue.attempts(&"b")), (3, 1));
    assert_eq!(queue.next_run(&"b"), Some(Instant::now() + SECOND * 3));
    for success in [Next::Forget, Next::Requeue, Next::After(SECOND)] {
        let (_, item) = wait(&queue).await;
        queue.done(item, success);
    }
    let (_, item) = wait(&queue).await;
    queue.done(item, Next::Forget);
    assert_eq!((queue.attempts(&"a"), queue.attempts(&"b")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn q6_a_wake_up_during_a_backoff_runs_at_once_and_keeps_the_count() {
    let queue = WorkQueue::default();
    queue.add("a", ());
    for _ in 0..5 {
        let (_, item) = wait(&queue).await;
        queue.done(item, Next::Retry);
    }
    queue.add("a", ());
    let item = take(&queue).expect("at once");
    assert_eq!(item.attempt(), 5);
    queue.done(item, Next::Retry);
    assert_eq!(wait(&queue).await.0, 32);
}

#[tokio::test(start_paused = true)]
async fn q6_a_key_on_hold_keeps_its_count_and_waits_for_a_wake_up() {
    let queue = WorkQueue::default();
    queue.add("a", ());
    let item = take(&queue).unwrap();
    queue.done(item, Next::Retry);
    let (_, item) = wait(&queue).await;
    queue.done(item, Next::Hold);
    assert_eq!((queue.attempts(&"a"), queue.next_run(&"a"), queue.timers()), (1, None, 0));
    assert!(timeout(SECOND * 10_000, queue.get()).await.is_err());
    queue.add("a", ());
    assert_eq!(take(&queue).unwrap().attempt(), 1);
}

#[tokio::test(start_paused = true)]
async fn q6_failures_that_no_run_reports_count_too() {
    let queue = WorkQueue::default();
    let mut delays = Vec::new();
    for _ in 0..4 {
        queue.add_rate_limited("a", ());
        let (seconds, item) = wait(&queue).await;
        delays.push(seconds);
        queue.done(item, Next::Hold);
    }
    assert_eq!(delays, [1, 2, 4, 8]);
}

#[tokio::test(start_paused = true)]
async fn q7_live_changes_go_before_the_first_fill_which_still_cannot_starve() {
    let queue = WorkQueue::default();
    for key in 0..4 {
        queue.add_background(key, ());
    }
    let mut order = Vec::new();
    // A stream of changes that never ends.
    for key in 100..127 {
        queue.add(key, ());
        queue.add(key + 1000, ());
        let item = take(&queue).unwrap();
        order.push((*item.key(), item.priority()));
        queue.done(item, Next::Forget);
    }
    let background = |&(_, (_, priority)): &(usize, &(i32, Priority))| *priority == Priority::Background;
    let turns: Vec<_> = order.iter().enumerate().filter(background).map(|(turn, (key, _))| (turn, *key)).collect();
    assert_eq!(turns, [(8, 0), (17, 1), (26, 2)]);
}

#[tokio::test(start_paused = true)]
async fn q7_a_live_change_takes_a_key_out_of_the_background() {
    let queue = WorkQueue::default();
    for key in ["a", "b", "c"] {
        queue.add_background(key, ());
    }
    queue.add("d", ());
    queue.add("b", ());
    queue.add_background("d", ());
    assert_eq!(drain(&queue), ["d", "b", "a", "c"]);
}

#[tokio::test(start_paused = true)]
async fn q7_a_resync_does_not_hold_back_a_retry_that_comes_due() {
    let queue = WorkQueue::default();
    queue.add("failed", ());
    let item = take(&queue).unwrap();
    queue.done(item, Next::Retry);
    for key in ["a", "b", "failed"] {
        queue.add_background(key, ());
    }
    advance(SECOND).await;
    assert_eq!(drain(&queue), ["failed", "a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn q7_a_requeue_stays_in_its_lane() {
    let queue = WorkQueue::default();
    queue.add_background("a", ());
    queue.add_background("b", ());
    let item = take(&queue).unwrap();
    queue.done(item, Next::Requeue);
    queue.add("live", ());
    assert_eq!(drain(&queue), ["live", "b", "a"]);
}

#[tokio::test(start_paused = true)]
async fn q8_an_object_that_is_gone_leaves_nothing_behind() {
    let queue = WorkQueue::default();
    queue.add("failed", ());
    let item = take(&queue).unwrap();
    queue.done(item, Next::Retry);
    queue.add_after("later", (), SECOND);
    queue.add("queued", ());
    queue.add_background("filled", ());
    assert_eq!(queue.known(), 4);
    for key in ["failed", "later", "queued", "filled", "never seen"] {
        queue.forget(&key);
    }
    assert_eq!((queue.known(), queue.timers(), queue.len(), queue.attempts(&"failed")), (0, 0, 0, 0));
    assert!(timeout(SECOND * 10_000, queue.get()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn q8_the_keys_themselves_are_let_go_of() {
    let queue = WorkQueue::default();
    let keys: Vec<Arc<str>> = (0..100).map(|number| number.to_string().into()).collect();
    for key in &keys {
        queue.add(Arc::clone(key), ());
    }
    assert_eq!(drain(&queue).len(), keys.len());
    for key in &keys {
        queue.add_after(Arc::clone(key), (), SECOND);
    }
    for key in &keys {
        queue.forget(key);
    }
    assert!(keys.iter().all(|key| Arc::strong_count(key) == 1));
}

#[tokio::test(start_paused = true)]
async fn q8_an_object_that_goes_during_its_run_is_dropped_after_it() {
    for next in [Next::Forget, Next::Requeue, Next::After(SECOND), Next::Retry, Next::Hold] {
        let queue = WorkQueue::default();
        queue.add("a", ());
        let item = take(&queue).unwrap();
        queue.add("a", ());
        queue.add_after("a", (), SECOND);
        queue.forget(&"a");
        queue.done(item, next);
        assert_eq!((queue.known(), queue.timers(), queue.running()), (0, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn q8_an_object_that_comes_back_during_the_run_runs_once_more_as_a_new_one() {
    let queue = Queue::default();
    queue.add("a", why("created"));
    let item = take(&queue).unwrap();
    queue.add("a", why("deleted"));
    queue.forget(&"a");
    queue.add("a", why("created again"));
    queue.done(item, Next::Retry);
    let item = take(&queue).unwrap();
    assert_eq!((item.attempt(), item.reasons().0.as_slice()), (0, ["created again"].as_slice()));
    queue.done(item, Next::Forget);
    assert_eq!(queue.known(), 0);
}

#[tokio::test(start_paused = true)]
async fn q9_shut_down_hands_out_nothing_new_and_lets_running_keys_finish() {
    let queue = WorkQueue::default();
    queue.add("a", ());
    queue.add("b", ());
    queue.add_after("c", (), SECOND);
    let item = take(&queue).unwrap();
    let mut drained = std::pin::pin!(queue.drained());
    queue.shut_down();
    queue.add("d", ());
    queue.add_after("d", (), SECOND);
    queue.add_rate_limited("d", ());
    assert!(queue.is_shut_down() && queue.get().await.is_none());
    assert_eq!((queue.len(), queue.running(), queue.timers()), (1, 1, 1), "what came after it is ignored");
    assert!(drained.as_mut().now_or_never().is_none());
    queue.done(item, Next::Requeue);
    drained.await;
    assert_eq!(queue.running(), 0);
    assert!(queue.get().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn q9_shut_down_ends_all_workers_that_wait_also_for_a_timer() {
    let queue: WorkQueue<&str> = WorkQueue::default();
    queue.add_after("a", (), SECOND * 1000);
    let workers = (0..5).map(|_| {
        let queue = queue.clone();
        tokio::spawn(async move { queue.get().await.is_none() })
    });
    let workers: Vec<_> = workers.collect();
    tokio::task::yield_now().await;
    let start = Instant::now();
    queue.shut_down();
    for worker in workers {
        assert!(worker.await.unwrap());
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    queue.drained().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_panics_or_is_cancelled_costs_its_key_a_backoff() {
    let queue = WorkQueue::default();
    queue.add("a", ());
    let panicking = queue.clone();
    let worker = tokio::spawn(async move {
        let _item = panicking.get().await;
        panic!("on purpose");
    });
    assert!(worker.await.is_err());
    assert_eq!((queue.running(), queue.attempts(&"a")), (0, 1));
    let cancelled = queue.clone();
    let worker = tokio::spawn(async move {
        let _item = cancelled.get().await;
        std::future::pending::<()>().await;
    });
    tokio::time::sleep(SECOND * 2).await;
    assert_eq!(queue.running(), 1);
    worker.abort();
    assert!(worker.await.is_err());
    let (seconds, item) = wait(&queue).await;
    assert_eq!((seconds, item.attempt()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_is_own_does_not_leak_the_key() {
    let queue = WorkQueue::default();
    queue.add("a", ());
    let item = take(&queue).unwrap();
    queue.add("a", ());
    let done = std::panic::AssertUnwindSafe(|| {
        queue.done_unless(item, Next::Forget, |()| panic!("on purpose"));
    });
    assert!(std::panic::catch_unwind(done).is_err());
    assert_eq!((queue.running(), queue.len()), (0, 1));
    assert_eq!(take(&queue).unwrap().attempt(), 1);
}

#[derive(Default)]
struct Fragile(bool);

impl Reasons for Fragile {
    fn merge(&mut self, later: Self) {
        assert!(!later.0, "on purpose");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_merge_loses_no_wake_up_of_another_key() {
    let queue = WorkQueue::default();
    queue.add("a", Fragile(false));
    queue.add("b", Fragile(true));
    queue.add("c", Fragile(false));
    let first = std::panic::AssertUnwindSafe(|| take(&queue));
    assert!(std::panic::catch_unwind(first).is_err());
    assert_eq!(drain(&queue), ["a", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_get_that_times_out_loses_no_key() {
    let queue = WorkQueue::default();
    for key in 0..100 {
        queue.add_after(key, (), SECOND * key);
    }
    let mut keys = Vec::new();
    while keys.len() < 100 {
        if let Ok(Some(item)) = timeout(Duration::from_millis(300), queue.get()).await {
            keys.push(*item.key());
            queue.done(item, Next::Forget);
        }
    }
    assert_eq!(keys, (0..100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_always_finds_a_key_still_lets_others_run() {
    let queue = WorkQueue::default();
    queue.add("busy", ());
    let other = queue.clone();
    let worker = tokio::spawn(async move {
        while let Some(item) = other.get().await {
            other.done(item, Next::Requeue);
        }
    });
    tokio::task::yield_now().await;
    queue.shut_down();
    worker.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_timed_queue_says_how_long_keys_waited_and_how_long_they_run() {
    let queue = WorkQueue::<&str>::timed(Backoff::default());
    queue.add("a", ());
    queue.add("b", ());
    advance(SECOND * 2).await;
    let a = take(&queue).unwrap();
    advance(SECOND * 3).await;
    let b = take(&queue).unwrap();
    advance(SECOND * 10).await;
    let times = queue.stats().times.unwrap();
    assert_eq!((times.waited.count(), times.waited.sum), (2, SECOND * (2 + 5)));
    assert_eq!((times.worked.count(), times.unfinished, times.longest_running), (0, SECOND * 23, SECOND * 13));
    queue.done(a, Next::Forget);
    let times = queue.stats().times.unwrap();
    assert_eq!((times.worked.count(), times.worked.sum), (1, SECOND * 13));
    assert_eq!((times.unfinished, times.longest_running), (SECOND * 10, SECOND * 10));
    drop(b);
    let times = queue.stats().times.unwrap();
    assert_eq!((times.worked.count(), times.worked.sum), (2, SECOND * 23), "a run that was dropped has ended, too");
    assert_eq!((times.unfinished, times.longest_running), (Duration::ZERO, Duration::ZERO));
    assert_eq!(
        times.worked.counts,
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0],
        "10 s and 13 s, in powers of ten from 10 ns"
    );
}

#[tokio::test(start_paused = true)]
async fn adds_are_counted_when_a_key_becomes_due_and_retries_when_it_gets_a_timer() {
    let queue = WorkQueue::<&str>::default();
    let counts = || {
        let stats = queue.stats();
        (stats.depth.live, stats.depth.background, stats.adds, stats.retries)
    };
    queue.add_background("a", ());
    queue.add_background("a", ());
    assert_eq!(counts(), (0, 1, 1, 0));
    queue.add("a", ());
    assert_eq!(counts(), (1, 0, 1, 0), "moved up, not added");
    let a = take(&queue).unwrap();
    assert_eq!(counts(), (0, 0, 1, 0));
    queue.add("a", ());
    queue.add("a", ());
    assert_eq!(counts(), (1, 0, 2, 0), "it is due again while it runs");
    queue.done(a, Next::Retry);
    assert_eq!(counts(), (1, 0, 2, 1));
    queue.done(take(&queue).unwrap(), Next::After(SECOND));
    assert_eq!(counts(), (0, 0, 2, 2));
    queue.done(wait(&queue).await.1, Next::Requeue);
    assert_eq!(counts(), (1, 0, 4, 2), "its timer, and the requeue");
    queue.add_after("b", (), SECOND);
    queue.add_rate_limited("b", ());
    assert_eq!(counts(), (1, 0, 4, 4));
    assert!(queue.stats().times.is_none(), "nobody asked for it to be timed");
}
