//! A program that begins again with what its file holds.

use std::sync::atomic::Ordering;
use std::time::Instant;

use fabrica::store::EmbeddedStore;

use crate::Options;
use crate::durable::Folder;
use crate::report::{self, Outcome};
use crate::things::{self, RUNS, Thing};

/// The payload that makes the JSON of an object 1.2 KiB.
const PAYLOAD: usize = 945;

/// The time is that from the opening of the file until every object was reconciled; beside it, that until the store
/// and the client served reads. The file was just written, so it lies in the system's cache.
pub fn run(options: &Options) -> Outcome {
    let folder = Folder::new("restart");
    let file = folder.0.join(EmbeddedStore::FILE_NAME);
    let open = || EmbeddedStore::open(&file).expect("the file is a store's");
    things::on_two_threads(async {
        let controller = things::stored::<things::look>(options, open()).await;
        things::create_all(controller.client(), options.objects, PAYLOAD).await;
    });
    let before = report::rss();
    let start = Instant::now();
    things::on_two_threads(async {
        let store = open();
        let opened = start.elapsed().as_secs_f64();
        let controller = things::stored::<things::look>(options, store).await;
        let newest = controller.client().get::<Thing>(things::uid(options.objects - 1)).await;
        newest.expect("it was there before");
        let serving = start.elapsed().as_secs_f64();
        controller.start().await.expect("it was not started before");
        let lost = things::wait_for(options.objects, || RUNS.load(Ordering::Relaxed)).await;
        let seconds = start.elapsed().as_secs_f64();
        let figures = vec![("opened_seconds", opened), ("serving_seconds", serving)];
        let bytes = report::rss().saturating_sub(before);
        Outcome { seconds, bytes: Some(bytes), lost, figures }
    })
}
