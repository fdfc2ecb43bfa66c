//! Who works on objects of their own, one operation after the other.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use fabrica_tests::random::Random;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::{RwLock, watch};

use super::kinds::{Device, Sample};
use super::model::{Counts, Known};

/// How many names of each kind a user has.
const NAMES: u64 = 6;
/// How long is waited before something is tried again: the program is about to be back.
const AGAIN: Duration = Duration::from_millis(20);

pub struct User {
    number: u64,
    random: Random,
    samples: Api<Sample>,
    devices: Api<Device>,
    known: BTreeMap<String, Known>,
    written: u64,
    counts: Arc<Counts>,
}

/// How a call ended.
enum Outcome<T> {
    Done(T),
    Refused(u16),
    Unknown,
}

async fn outcome<T>(call: impl Future<Output = kube::Result<T>>) -> Outcome<T> {
    match call.await {
        Ok(done) => Outcome::Done(done),
        // A program that ends may say so.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Outcome::Refused(status.code),
        Err(kube::Error::Api(status)) if status.code < 500 => panic!("{status:?}"),
        Err(_) => Outcome::Unknown,
    }
}

impl User {
    pub fn new(number: u64, seed: u64, client: &Client, counts: Arc<Counts>) -> Self {
        Self {
            number,
            random: Random::new(seed * 1000 + number + 1),
            samples: Api::default_namespaced(client.clone()),
            devices: Api::all(client.clone()),
            known: BTreeMap::new(),
            written: number << 40,
            counts,
        }
    }

    /// Works until it is told to stop, and then takes its devices away; how many samples are left.
    pub async fn work(mut self, quiet: Arc<RwLock<()>>, stopped: watch::Receiver<bool>) -> usize {
        while !*stopped.borrow() {
            let _busy = quiet.read().await;
            let name = format!("u{}-{}", self.number, self.random.below(NAMES));
            match self.random.below(10) {
                0..7 => self.sample(&name).await,
                7..9 => self.device(&name).await,
                _ => drop(self.delete_device(&name).await),
            }
        }
        for n in 0..NAMES {
            let name = format!("u{}-{n}", self.number);
            while !self.delete_device(&name).await {}
            self.read(&name).await;
        }
        self.known.values().filter(|known| known.one().is_some()).count()
    }

    fn known(&mut self, name: &str) -> &mut Known {
        self.known.entry(name.to_owned()).or_insert_with(Known::absent)
    }

    /// Reads a sample: it is what the model says.
    async fn read(&mut self, name: &str) -> Option<u64> {
        let found = loop {
            match outcome(self.samples.get_opt(name)).await {
                Outcome::Done(sample) => break sample.map(|sample| sample.spec.mass),
                _ => tokio::time::sleep(AGAIN).await,
            }
        };
        self.counts.read.fetch_add(1, Relaxed);
        self.known(name).found(name, found);
        found
    }

    /// Creates, changes or deletes a sample.
    async fn sample(&mut self, name: &str) {
        let is = self.read(name).await;
        self.written += 1;
        let mass = self.written;
        let choice = self.random.below(4);
        let (state, answer) = match (is, choice) {
            (None, _) => {
                let (params, sample) = (PostParams::default(), Sample::new(name, mass));
                (Some(mass), strip(outcome(self.samples.create(&params, &sample)).await))
            }
            (Some(_), 0) => (None, strip(outcome(self.samples.delete(name, &DeleteParams::default())).await)),
            (Some(_), _) => {
                let (params, patch) = (PatchParams::default(), Patch::Merge(json!({ "spec": { "mass": mass } })));
                (Some(mass), strip(outcome(self.samples.patch(name, &params, &patch)).await))
            }
        };
        match answer {
            Outcome::Done(()) => {
                self.counts.acknowledged.fetch_add(1, Relaxed);
                self.known(name).is(state);
                if self.random.percent(50) {
                    self.read(name).await;
                }
            }
            Outcome::Unknown => {
                self.counts.unknown.fetch_add(1, Relaxed);
                self.known(name).may_be(state);
            }
            Outcome::Refused(code) => panic!("{name} is {is:?} and nobody else's, but a write of {state:?} got {code}"),
        }
    }

    /// Creates a device, or switches it over.
    async fn device(&mut self, name: &str) {
        let desired = if self.random.percent(50) { "running" } else { "stopped" };
        let patch = json!({ "spec": { "desired": desired } });
        let patched = outcome(self.devices.patch(name, &PatchParams::default(), &Patch::Merge(patch))).await;
        let answer = match patched {
            Outcome::Refused(404) => {
                strip(outcome(self.devices.create(&PostParams::default(), &Device::new(name, "r1"))).await)
            }
            answer => strip(answer),
        };
        match answer {
            Outcome::Done(()) => self.counts.acknowledged.fetch_add(1, Relaxed),
            Outcome::Refused(_) => 0,
            Outcome::Unknown => self.counts.unknown.fetch_add(1, Relaxed),
        };
    }

    /// Was it acknowledged, or is there none?
    async fn delete_device(&mut self, name: &str) -> bool {
        match outcome(self.devices.delete(name, &DeleteParams::default())).await {
            Outcome::Done(_) => self.counts.acknowledged.fetch_add(1, Relaxed),
            Outcome::Refused(code) => return code == 404,
            Outcome::Unknown => {
                tokio::time::sleep(AGAIN).await;
                self.counts.unknown.fetch_add(1, Relaxed);
                return false;
            }
        };
        true
    }
}

#[allow(clippy::needless_pass_by_value)] // made on the spot
fn strip<T>(outcome: Outcome<T>) -> Outcome<()> {
    match outcome {
        Outcome::Done(_) => Outcome::Done(()),
        Outcome::Refused(code) => Outcome::Refused(code),
        Outcome::Unknown => Outcome::Unknown,
    }
}
