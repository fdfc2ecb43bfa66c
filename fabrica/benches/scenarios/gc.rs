//! An owner of many children is deleted: from the deletion until the last child is gone.

use std::time::Instant;

use fabrica::prelude::*;
use futures_util::{StreamExt as _, stream};

use crate::Options;
use crate::report::Outcome;
use crate::things::{self, Thing, look, thing};

pub fn run(options: &Options) -> Outcome {
    things::on_two_threads(async {
        let controller = things::controller::<look>(options).await;
        controller.start().await.expect("it was not started before");
        let client = controller.client();
        let owner = client.create(thing(0, 0)).await.expect("nothing is in the way");
        let child = |number| thing(number, 0).with_owner(OwnerReference::to_controller(&*owner));
        let creations = stream::iter(1..=options.objects).map(|number| client.create(child(number)));
        creations
            .buffer_unordered(16)
            .for_each(|created| async { drop(created.expect("nothing is in the way")) })
            .await;
        let things = client.cache::<Thing>();
        let start = Instant::now();
        client.delete::<Thing>(owner.uid()).await.expect("it is there");
        let lost = things::wait_for(options.objects, || options.objects - things.len()).await;
        Outcome { seconds: start.elapsed().as_secs_f64(), bytes: None, lost }
    })
}
