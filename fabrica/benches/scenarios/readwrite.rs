//! Reconciles that read another object and write their status: from the start until all are written.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use fabrica::prelude::*;

use crate::Options;
use crate::report::Outcome;
use crate::things::{self, Thing};

static OBJECTS: AtomicUsize = AtomicUsize::new(0);

#[reconciler(register = false)]
async fn copy_the_next(thing: &mut Thing, ctx: &Context) -> Result<Action> {
    let next = usize::try_from(thing.spec.number + 1)? % OBJECTS.load(Ordering::Relaxed);
    let next = ctx.client().get::<Thing>(things::uid(next)).await?;
    thing.status.seen = next.spec.number + 1;
    Ok(Action::AwaitChange)
}

pub fn run(options: &Options) -> Outcome {
    OBJECTS.store(options.objects, Ordering::Relaxed);
    things::on_two_threads(async {
        let controller = things::controller::<copy_the_next>(options).await;
        let client = controller.client();
        things::create_all(client, options.objects, 0).await;
        let start = Instant::now();
        controller.start().await.expect("it was not started before");
        things::wait_for(options.objects, || options.objects.saturating_sub(controller.pending())).await;
        let seconds = start.elapsed().as_secs_f64();
        let written = client.cache::<Thing>().all().into_iter().filter(|thing| thing.status.seen > 0).count();
        Outcome { lost: (options.objects - written) as u64, ..Outcome::of(seconds) }
    })
}
