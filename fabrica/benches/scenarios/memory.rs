//! What an object of 1 KiB takes, with everything that is kept for it: in the store, in the cache and in the indexes.

use std::time::Instant;

use crate::Options;
use crate::report::{self, Outcome};
use crate::things::{self, Thing};

/// The payload that makes the JSON of an object 1 KiB.
const PAYLOAD: usize = 740;

pub fn run(options: &Options) -> Outcome {
    things::on_two_threads(async {
        let controller = things::controller::<things::look>(options).await;
        let before = report::rss();
        let start = Instant::now();
        things::create_all(controller.client(), options.objects, PAYLOAD).await;
        let seconds = start.elapsed().as_secs_f64();
        let bytes = report::rss().saturating_sub(before);
        let lost = options.objects - controller.client().cache::<Thing>().len();
        Outcome { seconds, bytes: Some(bytes), lost: lost as u64 }
    })
}
