use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use k8s_openapi::api::events::v1::Event as RecordedEvent;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::{self, Action, Controller};
use kube::runtime::events::{Event, EventType, Recorder};
use kube::runtime::finalizer::{self, finalizer};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::watcher;
use kube::{Api, Client, Resource as _, ResourceExt as _};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::oneshot;

use super::kinds::Sample;
use super::lab::lab;

const FINALIZER: &str = "samples.example.io/cleanup";

/// What happened to the samples, by name.
#[derive(Clone, Debug, Default)]
struct Counts {
    reconciles: BTreeMap<String, usize>,
    published: BTreeMap<String, i32>,
    cleanups: BTreeMap<String, usize>,
}

struct Measuring {
    samples: Api<Sample>,
    recorder: Recorder,
    counts: Mutex<Counts>,
}

fn count<N: Default + std::ops::AddAssign + From<u8>>(counts: &mut BTreeMap<String, N>, sample: &Sample) {
    *counts.entry(sample.name_any()).or_default() += 1.into();
}

async fn reconcile(sample: Arc<Sample>, ctx: Arc<Measuring>) -> Result<Action, finalizer::Error<kube::Error>> {
    count(&mut ctx.counts.lock().reconciles, &sample);
    finalizer(&ctx.samples, FINALIZER, sample, async |event| match event {
        finalizer::Event::Apply(sample) => ctx.measure(&sample).await,
        finalizer::Event::Cleanup(sample) => {
            count(&mut ctx.counts.lock().cleanups, &sample);
            Ok(Action::await_change())
        }
    })
    .await
}

impl Measuring {
    /// Writes the result whether or not it is there, as many do.
    async fn measure(&self, sample: &Sample) -> kube::Result<Action> {
        let status = json!({ "status": { "result": format!("{} mg", sample.spec.mass) } });
        self.samples.patch_status(&sample.name_any(), &PatchParams::default(), &Patch::Merge(&status)).await?;
        let event = Event {
            type_: EventType::Normal,
            reason: "Measured".to_owned(),
            note: Some("it was put on the scales".to_owned()),
            action: "Measure".to_owned(),
            secondary: None,
        };
        self.recorder.publish(&event, &sample.object_ref(&())).await?;
        count(&mut self.counts.lock().published, sample);
        Ok(Action::await_change())
    }
}

/// A controller of kube-rs at work.
struct Working {
    ctx: Arc<Measuring>,
    stop: oneshot::Sender<()>,
    /// What went wrong until it stopped.
    ended: tokio::task::JoinHandle<Vec<String>>,
}

impl Working {
    fn start(client: Client) -> Self {
        let samples: Api<Sample> = Api::default_namespaced(client.clone());
        let recorder = Recorder::new(client, "measuring".into());
        let ctx = Arc::new(Measuring { samples: samples.clone(), recorder, counts: Mutex::default() });
        let (stop, stopped) = oneshot::channel();
        let runs = Controller::new(samples, watcher::Config::default())
            .graceful_shutdown_on(async move { drop(stopped.await) })
            .run(reconcile, |_, _, _| Action::requeue(Duration::from_millis(50)), Arc::clone(&ctx))
            .filter_map(async |run| match run {
                // One that went while it was in the queue.
                Ok(_) | Err(controller::Error::ObjectNotFound(_)) => None,
                Err(error) => {
                    println!("{error}");
                    Some(error.to_string())
                }
            });
        Self { ctx, stop, ended: tokio::spawn(runs.collect()) }
    }

    fn counts(&self) -> Counts {
        self.ctx.counts.lock().clone()
    }
}

async fn weigh(samples: &Api<Sample>, name: &str, mass: u64) {
    let mass_is = Patch::Merge(json!({ "spec": { "mass": mass } }));
    samples.patch(name, &PatchParams::default(), &mass_is).await.unwrap();
    measured(samples, name, mass).await;
}

async fn measured(samples: &Api<Sample>, name: &str, mass: u64) {
    let result = format!("{mass} mg");
    let is = |sample: Option<&Sample>| sample.and_then(Sample::result) == Some(result.as_str());
    await_condition(samples.clone(), name, is).await.unwrap();
}

#[test]
fn a_controller_comes_to_rest_and_cleans_up_what_is_deleted() {
    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
    lab(async |lab| {
        let client = lab.client();
        let samples: Api<Sample> = Api::default_namespaced(client.clone());
        samples.create(&PostParams::default(), &Sample::new("a", 1)).await.unwrap();
        let working = Working::start(client.clone());
        for name in &NAMES[1..] {
            samples.create(&PostParams::default(), &Sample::new(name, 1)).await.unwrap();
        }
        for name in NAMES {
            measured(&samples, name, 1).await;
        }
        // What was to be done about the others is done long before this is.
        samples.create(&PostParams::default(), &Sample::new("z", 1)).await.unwrap();
        for mass in 1..=10 {
            weigh(&samples, "z", mass).await;
        }
        let counts = working.counts();
        for name in NAMES {
            // The finalizer, the result, and the look at what it has itself written.
            assert!((2..=3).contains(&counts.reconciles[name]), "{counts:?}");
        }
        assert!(counts.reconciles["z"] <= 3 + 9 * 2, "{counts:?}");

        let deleted = samples.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
        for sample in deleted.left().unwrap() {
            let uid = sample.uid().unwrap();
            await_condition(samples.clone(), &sample.name_any(), conditions::is_deleted(&uid)).await.unwrap();
        }
        working.stop.send(()).unwrap();
        assert_eq!(working.ended.await.unwrap(), [] as [String; 0]);
        let counts = working.ctx.counts.lock().clone();
        assert!(counts.cleanups.len() == 6 && counts.cleanups.values().all(|times| *times == 1), "{counts:?}");

        // Each sample's events were brought together in one.
        let events: Api<RecordedEvent> = Api::default_namespaced(client);
        let events = events.list(&ListParams::default()).await.unwrap();
        let told: BTreeMap<_, _> = events
            .iter()
            .filter(|event| event.reason.as_deref() == Some("Measured"))
            .map(|event| {
                let times = event.series.as_ref().map_or(1, |series| series.count);
                (event.regarding.clone().unwrap().name.unwrap(), times)
            })
            .collect();
        assert_eq!(told, counts.published);
        assert_eq!(events.iter().filter(|event| event.reason.as_deref() == Some("Measured")).count(), 6);
    });
}
