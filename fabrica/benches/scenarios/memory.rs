//! What an object takes in memory, and what of that is not the object itself: keys, indexes, the cache's and the store's
//! own structures, and what the allocator wastes.

use std::hint::black_box;
use std::time::Instant;

use fabrica::prelude::*;
use fabrica::resource::ObjectKey;

use crate::Options;
use crate::report::{self, Outcome};
use crate::things::{self, Thing};

/// The payload that makes the JSON of an object 1.2 KiB.
const PAYLOAD: usize = 945;
/// How many values are decoded once more, to see what one takes.
const SAMPLE: usize = 50_000;

/// Beside the resident bytes of each object: the length of its JSON and the resident bytes of a decoded value alone.
/// What remains is `other_bytes`.
#[allow(clippy::cast_precision_loss)]
pub fn run(options: &Options) -> Outcome {
    things::on_two_threads(async {
        let controller = things::controller::<things::look>(options).await;
        let client = controller.client();
        let before = report::rss();
        let start = Instant::now();
        things::create_all(client, options.objects, PAYLOAD).await;
        let seconds = start.elapsed().as_secs_f64();
        let bytes = report::rss().saturating_sub(before);
        let things = client.cache::<Thing>();
        let lost = (options.objects - things.len()) as u64;

        let json = client.get_json(&ObjectKey::of::<Thing>(things::uid(0))).expect("it was created").to_string();
        let before = report::rss();
        let copies: Vec<_> = (0..SAMPLE).map(|_| Thing::TYPE.decode(json.as_bytes()).expect("it is one")).collect();
        let decoded = report::rss().saturating_sub(before) as f64 / SAMPLE as f64;
        drop(black_box(copies));

        let each = bytes as f64 / options.objects.max(1) as f64;
        let other = each - json.len() as f64 - decoded;
        let figures = vec![("json_bytes", json.len() as f64), ("decoded_bytes", decoded), ("other_bytes", other)];
        Outcome { seconds, bytes: Some(bytes), lost, figures }
    })
}
