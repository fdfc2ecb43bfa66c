//! The work queue alone: a few keys, two workers, a failure that is retried with a growing delay, shut-down.
//!
//! ```text
//! cargo run --example queue
//! ```

use std::time::Duration;

use fabrica::queue::{Backoff, Next, WorkQueue};
use tokio::time::Instant;

#[tokio::main]
async fn main() {
    let start = Instant::now();
    // 50 ms after the first failure, then 100, 200, 400 … up to a second.
    let backoff = Backoff::exponential(Duration::from_millis(50), Duration::from_secs(1));
    let queue: WorkQueue<&str> = WorkQueue::new(backoff);

    let workers = (1..=2).map(|worker| {
        let queue = queue.clone();
        tokio::spawn(async move {
            while let Some(item) = queue.get().await {
                // The key is this worker's own until `done`.
                let (key, attempt) = (*item.key(), item.attempt());
                let (said, next) = match key {
                    "flaky" if attempt < 3 => ("failed: again after a backoff", Next::Retry),
                    "periodic" => ("is fine: again in 200 ms", Next::After(Duration::from_millis(200))),
                    _ => ("is done", Next::Forget),
                };
                println!("{:>4} ms  worker {worker}: {key} {said}", start.elapsed().as_millis());
                queue.done(item, next);
            }
        })
    });
    let workers: Vec<_> = workers.collect();

    queue.add("simple", ());
    queue.add("simple", ()); // It waits already: still one run.
    queue.add("flaky", ());
    queue.add("periodic", ());
    queue.add_after("later", (), Duration::from_millis(120));

    tokio::time::sleep(Duration::from_millis(500)).await;
    println!("{:>4} ms  shutting down: {} key(s) on a timer", start.elapsed().as_millis(), queue.timers());
    queue.shut_down();
    queue.drained().await;
    for worker in workers {
        worker.await.expect("no worker panicked");
    }
}
