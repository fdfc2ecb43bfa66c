//! Many keys that are due later: what each costs to add, and to keep.

use std::time::{Duration, Instant};

use fabrica::queue::WorkQueue;

use crate::Options;
use crate::report::{self, Outcome};

/// Keys are made in portions, outside the time and without a list of them in the memory that is told.
const PORTION: usize = 10_000;

pub fn run(options: &Options) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _inside = runtime.enter();
    drop(report::keys(0..PORTION));
    let before = report::rss();
    let queue = WorkQueue::default();
    let mut spent = Duration::ZERO;
    for first in (0..options.objects).step_by(PORTION) {
        let keys = report::keys(first..options.objects.min(first + PORTION));
        let start = Instant::now();
        for key in keys {
            queue.add_after(key, (), Duration::from_hours(1));
        }
        spent += start.elapsed();
    }
    let bytes = report::peak_rss().saturating_sub(before);
    let lost = options.objects.abs_diff(queue.timers()) as u64;
    Outcome { bytes: Some(bytes), lost, ..Outcome::of(spent.as_secs_f64()) }
}
