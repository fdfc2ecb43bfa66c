//! What the scenarios of the controller reconcile, and how they wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fabrica::prelude::*;
use fabrica::store::{MemoryStore, Store};

use crate::Options;

/// A thing that counts.
#[derive(Clone, Debug, Resource)]
#[resource(group = "bench.example.io", version = "v1", register = false)]
pub struct Thing {
    pub metadata: Metadata,
    pub spec: ThingSpec,
    pub status: ThingStatus,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ThingSpec {
    pub number: u64,
    pub payload: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ThingStatus {
    pub seen: u64,
}

pub fn uid(number: usize) -> String {
    format!("018f3c1e-7b2a-7000-8000-{number:012x}")
}

pub fn thing(number: usize, payload: usize) -> Thing {
    let uid = uid(number);
    let spec = ThingSpec { number: number as u64, payload: "x".repeat(payload) };
    Thing::new(uid.clone(), spec).with_uid(uid)
}

/// How many runs there were.
pub static RUNS: AtomicUsize = AtomicUsize::new(0);

/// Looks at its thing and is content.
#[reconciler(register = false)]
pub async fn look(thing: &mut Thing) -> Result<Action> {
    std::hint::black_box(&*thing);
    RUNS.fetch_add(1, Ordering::Relaxed);
    Ok(Action::AwaitChange)
}

/// Runs a scenario on two threads, as the bars are for two cores.
pub fn on_two_threads<T>(scenario: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("the runtime starts").block_on(scenario)
}

/// Creates the objects, sixteen at a time.
pub async fn create_all(client: &Client, objects: usize, payload: usize) {
    const AT_ONCE: usize = 16;
    let creators = (0..AT_ONCE).map(|first| {
        let client = client.clone();
        tokio::spawn(async move {
            for number in (first..objects).step_by(AT_ONCE) {
                client.create(thing(number, payload)).await.expect("nothing is in the way");
            }
        })
    });
    for creator in creators.collect::<Vec<_>>() {
        creator.await.expect("a creator does not panic");
    }
}

/// Waits until a count is reached, or stands still for ten seconds; how many are missing.
pub async fn wait_for(wanted: usize, count: impl Fn() -> usize) -> u64 {
    let (mut last, mut since) = (count(), Instant::now());
    while last < wanted && since.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let now = count();
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    wanted.saturating_sub(last) as u64
}

/// A controller on a store, with one reconciler; not started.
pub async fn stored<R: fabrica::reconciler::Reconciler>(options: &Options, store: impl Store) -> Controller {
    let builder = Controller::empty().reconciler::<R>().workers(options.workers).store(store);
    builder.build().await.expect("the declarations fit together")
}

/// A controller in memory with one reconciler, not started.
pub async fn controller<R: fabrica::reconciler::Reconciler>(options: &Options) -> Controller {
    stored::<R>(options, MemoryStore::new()).await
}
