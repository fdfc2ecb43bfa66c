//! Objects that are created while the controller runs: from the first create until all were looked at.

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::Options;
use crate::report::Outcome;
use crate::things::{self, RUNS};

pub fn run(options: &Options) -> Outcome {
    things::on_two_threads(async {
        let controller = things::controller::<things::look>(options).await;
        controller.start().await.expect("it was not started before");
        let start = Instant::now();
        things::create_all(controller.client(), options.objects, 0).await;
        let lost = things::wait_for(options.objects, || RUNS.load(Ordering::Relaxed)).await;
        Outcome { lost, ..Outcome::of(start.elapsed().as_secs_f64()) }
    })
}
