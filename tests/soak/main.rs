//! A soak: random operations on a program that is killed again and again, for as long as asked, and held to a model.
//!
//! `cargo test -p fabrica-tests --test soak -- 10m --seed 7`, or `tests/soak/run 10m --seed 7`. The operations of each
//! user follow from the seed; when the kills come between them does not.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../kube/kinds.rs"]
#[allow(dead_code)]
mod kinds;
mod mirror;
mod model;
mod program;
mod user;

use std::sync::Arc;
use std::time::{Duration, Instant};

use fabrica_tests::random::Random;
use kinds::{Device, Sample};
use kube::Api;
use mirror::Mirror;
use model::Counts;
use program::Program;
use tokio::sync::{RwLock, watch};
use user::User;

/// How many work at once.
const USERS: u64 = 4;
/// After how many kills everything is compared.
const KILLS: u64 = 8;
/// How long everything may take to come to rest.
const DEADLINE: Duration = Duration::from_secs(60);

fn main() {
    let usage = "usage: soak <TIME> [--seed <N>], as in soak 10m --seed 7";
    let args: Vec<_> = std::env::args().skip(1).collect();
    let (time, seed) = match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [time] => (fabrica::testing::parsers::duration(time).expect(usage), 1),
        [time, "--seed", seed] => (fabrica::testing::parsers::duration(time).expect(usage), seed.parse().expect(usage)),
        _ => panic!("{usage}"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(soak(time, seed));
}

async fn soak(time: Duration, seed: u64) {
    let started = Instant::now();
    let mut random = Random::new(seed);
    let mut program = Program::start().await;
    let counts = Arc::new(Counts::default());
    // Held for reading by whoever does something, and for writing by whoever wants quiet.
    let quiet = Arc::new(RwLock::new(()));
    let (stop, stopped) = watch::channel(false);
    let samples = Mirror::<Sample>::watch(Api::default_namespaced(program.client()), counts.clone()).await;
    let devices = Mirror::<Device>::watch(Api::all(program.client()), counts.clone()).await;
    let mut users = Vec::new();
    for number in 0..USERS {
        let user = User::new(number, seed, &program.client(), counts.clone());
        users.push(tokio::spawn(user.work(quiet.clone(), stopped.clone())));
    }
    let mut checks = 0;
    while started.elapsed() < time {
        for _ in 0..KILLS {
            let life = Duration::from_millis(random.below(1500));
            tokio::time::sleep(life).await;
            program.kill().await;
            assert!(!users.iter().any(tokio::task::JoinHandle::is_finished), "seed {seed}: a user has found a fault");
        }
        let silence = quiet.write().await;
        samples.is_what_is_listed().await;
        devices.is_what_is_listed().await;
        devices.comes_to_rest(Device::runs_as_desired).await;
        drop(silence);
        checks += 1;
    }
    stop.send_replace(true);
    let mut objects = 0;
    for user in users {
        objects += user.await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    samples.is_what_is_listed().await;
    devices.comes_to_rest(|_| false).await;
    println!(
        "seed {seed}, {:?}: {} kills, {checks} checks, {objects} objects in the end",
        started.elapsed(),
        program.kills
    );
    println!("{counts}");
}
