//! The shell of the work queue under many schedules: a lost wake-up shows as a deadlock.
#![allow(clippy::unwrap_used)]

mod queue_sources;

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use queue_sources::backoff::Backoff;
use queue_sources::core::Next;
use queue_sources::sync;
use queue_sources::work_queue::WorkQueue;
use shuttle::future::{JoinHandle, block_on, spawn, yield_now};
use shuttle::sync::atomic::{AtomicUsize, Ordering::SeqCst};

const SECOND: Duration = Duration::from_secs(1);

/// Runs `test` under random schedules, and under those that need few but badly placed switches.
fn explore(test: impl Fn() + Send + Sync + 'static) {
    let test = Arc::new(test);
    let again = Arc::clone(&test);
    let run = move |test: &(dyn Fn() + Send + Sync)| {
        sync::reset();
        test();
    };
    shuttle::check_random(move || run(&*test), 1_000);
    shuttle::check_pct(move || run(&*again), 500, 3);
}

fn queue() -> WorkQueue<u8> {
    WorkQueue::new(Backoff::exponential(Duration::ZERO, Duration::ZERO))
}

/// Workers that end each key, and shut down after `runs` of them.
fn workers(queue: &WorkQueue<u8>, workers: usize, runs: usize) -> Vec<JoinHandle<()>> {
    let left = Arc::new(AtomicUsize::new(runs));
    let worker = |_| {
        let (queue, left) = (queue.clone(), Arc::clone(&left));
        spawn(async move {
            while let Some(item) = queue.get().await {
                yield_now().await;
                queue.done(item, Next::Forget);
                if left.fetch_sub(1, SeqCst) == 1 {
                    queue.shut_down();
                }
            }
        })
    };
    (0..workers).map(worker).collect()
}

async fn join(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        handle.await.unwrap();
    }
}

/// Polls `get` once and drops it: true if it had found a key, which is done then.
async fn give_up_waiting(queue: &WorkQueue<u8>) -> bool {
    let mut get = pin!(queue.get());
    let found = std::future::poll_fn(|cx| Poll::Ready(get.as_mut().poll(cx))).await;
    if let Poll::Ready(Some(item)) = found {
        queue.done(item, Next::Forget);
        return true;
    }
    yield_now().await;
    false
}

#[test]
fn keys_of_two_producers_all_reach_three_workers() {
    explore(|| {
        block_on(async {
            let queue = queue();
            let workers = workers(&queue, 3, 4);
            for first in [0, 2] {
                let queue = queue.clone();
                drop(spawn(async move {
                    queue.add(first, ());
                    queue.add_background(first + 1, ());
                }));
            }
            join(workers).await;
            assert_eq!(queue.known(), 0);
        });
    });
}

#[test]
fn a_key_that_comes_while_the_worker_is_about_to_wait_wakes_it() {
    explore(|| {
        block_on(async {
            let queue = queue();
            let workers = workers(&queue, 1, 1);
            queue.add(1, ());
            join(workers).await;
        });
    });
}

#[test]
fn a_get_that_is_dropped_after_it_was_woken_passes_its_wake_up_on() {
    explore(|| {
        block_on(async {
            let queue = queue();
            let impatient = queue.clone();
            let impatient = spawn(async move { give_up_waiting(&impatient).await });
            let patient = queue.clone();
            let patient = spawn(async move {
                let Some(item) = patient.get().await else {
                    return false;
                };
                patient.done(item, Next::Forget);
                true
            });
            let producer = queue.clone();
            drop(spawn(async move { producer.add(1, ()) }));
            // Either the impatient one had it, or the patient one gets it: no one waits for ever.
            let had = impatient.await.unwrap();
            if had {
                queue.shut_down();
            }
            assert_eq!(patient.await.unwrap(), !had);
        });
    });
}

#[test]
fn a_get_that_was_to_sleep_for_the_timer_and_is_dropped_leaves_that_to_another() {
    explore(|| {
        block_on(async {
            let queue = queue();
            queue.add_after(1, (), SECOND);
            let impatient = queue.clone();
            let impatient = spawn(async move { give_up_waiting(&impatient).await });
            let workers = workers(&queue, 2, 1);
            assert!(!impatient.await.unwrap());
            sync::advance(SECOND);
            join(workers).await;
        });
    });
}

#[test]
fn keys_that_are_due_later_reach_workers_that_wait_each_at_its_time() {
    explore(|| {
        block_on(async {
            let queue = queue();
            let (taken, mut log) = tokio::sync::mpsc::unbounded_channel();
            let workers = (0..2).map(|_| {
                let (queue, taken) = (queue.clone(), taken.clone());
                spawn(async move {
                    while let Some(item) = queue.get().await {
                        taken.send(*item.key()).unwrap();
                        queue.done(item, Next::Forget);
                    }
                })
            });
            let workers = workers.collect();
            let producers = [(1, 9), (2, 3), (3, 6)].map(|(key, seconds)| {
                let queue = queue.clone();
                spawn(async move { queue.add_after(key, (), SECOND * seconds) })
            });
            join(producers.into()).await;
            for key in [2, 3, 1] {
                sync::advance(SECOND * 3);
                // The clock stands until that one was taken.
                assert_eq!(log.recv().await, Some(key));
            }
            queue.shut_down();
            join(workers).await;
            assert_eq!(queue.known(), 0);
        });
    });
}

/// Two workers, each of which ends its run only when the other has one too; the keys are due at these times.
fn side_by_side(first: u32, second: u32) {
    explore(move || {
        block_on(async {
            let queue = queue();
            let both = Arc::new(tokio::sync::Barrier::new(2));
            let workers = (0..2).map(|_| {
                let (queue, both) = (queue.clone(), Arc::clone(&both));
                spawn(async move {
                    let item = queue.get().await.unwrap();
                    both.wait().await;
                    queue.done(item, Next::Forget);
                })
            });
            let workers = workers.collect();
            queue.add_after(1, (), SECOND * first);
            queue.add_after(2, (), SECOND * second);
            for _ in 0..2 {
                yield_now().await;
                sync::advance(SECOND);
            }
            join(workers).await;
        });
    });
}

#[test]
fn keys_that_are_due_at_once_wake_as_many_workers() {
    side_by_side(1, 1);
}

#[test]
fn a_worker_that_gets_up_for_a_key_leaves_the_next_timer_to_another() {
    side_by_side(1, 2);
}

#[test]
fn a_dropped_item_runs_again_and_no_key_runs_twice_at_once() {
    explore(|| {
        block_on(async {
            let queue = queue();
            let runs = Arc::new(AtomicUsize::new(0));
            let at_once = Arc::new(AtomicUsize::new(0));
            let workers = (0..2).map(|_| {
                let (queue, runs, at_once) = (queue.clone(), Arc::clone(&runs), Arc::clone(&at_once));
                spawn(async move {
                    while let Some(item) = queue.get().await {
                        assert_eq!(at_once.fetch_add(1, SeqCst), 0);
                        yield_now().await;
                        at_once.fetch_sub(1, SeqCst);
                        match runs.fetch_add(1, SeqCst) {
                            0 | 1 => drop(item),
                            _ => {
                                queue.done(item, Next::Forget);
                                queue.shut_down();
                            }
                        }
                    }
                })
            });
            let workers = workers.collect();
            queue.add(1, ());
            join(workers).await;
        });
    });
}

#[test]
fn the_last_of_several_edits_is_seen_by_a_run_that_started_after_it() {
    explore(|| {
        block_on(async {
            let queue = queue();
            let edits = Arc::new(AtomicUsize::new(0));
            let workers = (0..2).map(|_| {
                let (queue, edits) = (queue.clone(), Arc::clone(&edits));
                spawn(async move {
                    while let Some(item) = queue.get().await {
                        let seen = edits.load(SeqCst);
                        yield_now().await;
                        queue.done(item, Next::Forget);
                        if seen == 3 {
                            queue.shut_down();
                        }
                    }
                })
            });
            let workers = workers.collect();
            for _ in 0..3 {
                let (queue, edits) = (queue.clone(), Arc::clone(&edits));
                drop(spawn(async move {
                    edits.fetch_add(1, SeqCst);
                    queue.add(1, ());
                }));
            }
            join(workers).await;
        });
    });
}

#[test]
fn shut_down_ends_all_who_wait_and_drained_waits_for_the_last_run() {
    explore(|| {
        block_on(async {
            let queue = queue();
            let finished = Arc::new(AtomicUsize::new(0));
            let running = Arc::new(AtomicUsize::new(0));
            let workers = (0..3).map(|_| {
                let (queue, running, finished) = (queue.clone(), Arc::clone(&running), Arc::clone(&finished));
                spawn(async move {
                    while let Some(item) = queue.get().await {
                        running.fetch_add(1, SeqCst);
                        yield_now().await;
                        finished.fetch_add(1, SeqCst);
                        queue.done(item, Next::Retry);
                    }
                })
            });
            let workers: Vec<_> = workers.collect();
            let drained = queue.clone();
            let (started, ended) = (Arc::clone(&running), Arc::clone(&finished));
            let drained = spawn(async move {
                drained.drained().await;
                assert_eq!((drained.running(), started.load(SeqCst)), (0, ended.load(SeqCst)));
            });
            queue.add(1, ());
            queue.add(2, ());
            yield_now().await;
            queue.shut_down();
            assert!(queue.get().await.is_none());
            join(workers).await;
            drained.await.unwrap();
        });
    });
}
