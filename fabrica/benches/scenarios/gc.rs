//! An owner of many children is deleted: from the deletion until the last child is gone, and what others notice of it.

use std::time::{Duration, Instant};

use fabrica::client::Patch;
use fabrica::prelude::*;
use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;

use crate::Options;
use crate::report::Outcome;
use crate::things::{self, Thing, look, thing};

/// An object of another kind, that has nothing to do with the deletion.
#[derive(Clone, Debug, Resource)]
#[resource(group = "bench.example.io", version = "v1", register = false)]
pub struct Bystander {
    pub metadata: Metadata,
    pub spec: BystanderSpec,
    pub status: BystanderStatus,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BystanderSpec {
    pub beat: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BystanderStatus {}

/// Tells which beat it has seen.
#[reconciler(register = false)]
pub async fn notice(bystander: &mut Bystander, seen: State<watch::Sender<u64>>) -> Result<Action> {
    seen.send_replace(bystander.spec.beat);
    Ok(Action::AwaitChange)
}

/// Beside the time: how long a change of the other kind took until its reconcile, in the middle and at worst, with and
/// without a deletion under way.
pub fn run(options: &Options) -> Outcome {
    things::on_two_threads(async {
        let (send, seen) = watch::channel(u64::MAX);
        let builder = Controller::empty().reconciler::<look>().reconciler::<notice>().state(send);
        let controller = builder.workers(options.workers).build().await.expect("the declarations fit together");
        controller.start().await.expect("it was not started before");
        let client = controller.client();
        let owner = client.create(thing(0, 0)).await.expect("nothing is in the way");
        let child = |number| thing(number, 0).with_owner(OwnerReference::to_controller(&*owner));
        let creations = stream::iter(1..=options.objects).map(|number| client.create(child(number)));
        creations
            .buffer_unordered(16)
            .for_each(|created| async { drop(created.expect("nothing is in the way")) })
            .await;
        let bystander = client.create(Bystander::new("bystander", BystanderSpec { beat: 0 })).await;
        let mut heart = Heart { client, seen, uid: bystander.expect("nothing is in the way").uid().clone(), beats: 0 };
        let calm = heart.beat_while(|beats| beats < 200).await;

        let things = client.cache::<Thing>();
        let start = Instant::now();
        client.delete::<Thing>(owner.uid().clone()).await.expect("it is there");
        let gone = async {
            let lost = things::wait_for(options.objects, || options.objects - things.len()).await;
            (lost, start.elapsed().as_secs_f64())
        };
        let (done, is_done) = watch::channel(false);
        let watched = async {
            let gone = gone.await;
            done.send_replace(true);
            gone
        };
        let ((lost, seconds), busy) = tokio::join!(watched, heart.beat_while(|_| !*is_done.borrow()));
        let figures = vec![
            ("other_kind_median_ms", busy.0),
            ("other_kind_worst_ms", busy.1),
            ("other_kind_median_ms_before", calm.0),
            ("other_kind_worst_ms_before", calm.1),
        ];
        Outcome { lost, figures, ..Outcome::of(seconds) }
    })
}

/// Changes the bystander over and over.
struct Heart<'a> {
    client: &'a Client,
    seen: watch::Receiver<u64>,
    uid: Uid,
    beats: u64,
}

impl Heart<'_> {
    /// How many milliseconds it took from a change until its reconcile, in the middle and at worst.
    async fn beat_while(&mut self, go_on: impl Fn(u64) -> bool) -> (f64, f64) {
        let mut took = Vec::new();
        while go_on(took.len() as u64) {
            self.beats += 1;
            let beat = self.beats;
            let start = Instant::now();
            let patch = Patch::Merge(serde_json::json!({ "spec": { "beat": beat } }));
            let changed = self.client.patch::<Bystander>(self.uid.clone(), patch);
            changed.await.expect("nothing is in the way");
            self.seen.wait_for(|seen| *seen == beat).await.expect("the controller runs");
            took.push(start.elapsed().as_secs_f64() * 1e3);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.sort_by(f64::total_cmp);
        let at = |index: usize| took.get(index).copied().unwrap_or_default();
        (at(took.len() / 2), at(took.len().saturating_sub(1)))
    }
}
