//! The work queue alone: what a reconcile costs when reconciling costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use fabrica::queue::{Next, WorkQueue};

use crate::Options;
use crate::report::{self, Outcome};

pub fn run(options: &Options) -> Outcome {
    let before = report::rss();
    let keys = report::keys(0..options.objects);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let (workers, objects) = (options.workers, options.objects);
    let queue = WorkQueue::default();
    let done = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let runs: usize = runtime.block_on(async {
        let workers: Vec<_> = (0..workers)
            .map(|_| {
                let (queue, done) = (queue.clone(), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut runs = 0;
                    while let Some(item) = queue.get().await {
                        queue.done(item, Next::Forget);
                        runs += 1;
                        if done.fetch_add(1, Ordering::Relaxed) + 1 == objects {
                            queue.shut_down();
                        }
                    }
                    runs
                })
            })
            .collect();
        let producer = queue.clone();
        tokio::spawn(async move {
            for key in keys {
                producer.add(key, ());
            }
        });
        let mut runs = 0;
        for worker in workers {
            runs += worker.await.expect("a worker doesn't panic");
        }
        runs
    });
    let seconds = start.elapsed().as_secs_f64();
    let bytes = report::peak_rss().saturating_sub(before);
    Outcome { bytes: Some(bytes), lost: objects.abs_diff(runs) as u64, ..Outcome::of(seconds) }
}
