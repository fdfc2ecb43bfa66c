//! Feeding a target, with an eye on what panics and what never ends.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use fabrica_tests::fuzz;
use fabrica_tests::random::Random;

use super::corpus::corpus;
use super::mutator::mutated;

/// How long one input may take, on a machine that is busy.
const HANG: Duration = Duration::from_secs(30);

/// Feeds a target with its corpus, and with mutations for as long as the environment says.
pub fn feed(name: &'static str) {
    let number = |variable: &str| env::var(variable).ok().map(|value| value.parse::<u64>().expect("a whole number"));
    let time = number("FABRICA_FUZZ_SECONDS").map_or(Duration::from_millis(500), Duration::from_secs);
    let seed = number("FABRICA_FUZZ_SEED").unwrap_or(1);
    let started = Instant::now();
    let inputs = corpus(name);
    let kept = inputs.len();
    let fed = watch_for(name, inputs, seed, move || started.elapsed() < time, move |bytes| fuzz::run(name, bytes));
    println!("{name}: {} inputs, {kept} of them kept", fed.unwrap_or_else(|error| panic!("{error}")));
}

/// Feeds a function with some inputs and ten thousand mutations of them.
pub fn watch(name: &str, inputs: Vec<Vec<u8>>, seed: u64, run: fn(&[u8])) -> Result<usize, String> {
    let mut left = 10_000;
    watch_for(name, inputs, seed, move || (left > 0, left -= 1).0, run)
}

fn watch_for(
    name: &str,
    inputs: Vec<Vec<u8>>,
    seed: u64,
    mut goes_on: impl FnMut() -> bool + Send + 'static,
    run: impl Fn(&[u8]) + Send + 'static,
) -> Result<usize, String> {
    let (begun, begins) = sync_channel::<Vec<u8>>(64);
    let feeder = thread::spawn(move || {
        let mut random = Random::new(seed);
        let mut fed = 0;
        loop {
            let input = match inputs.get(fed) {
                Some(kept) => kept.clone(),
                None if goes_on() => mutated(&mut random, &inputs),
                None => return Ok(fed),
            };
            if begun.send(input.clone()).is_err() {
                return Ok(fed);
            }
            if catch_unwind(AssertUnwindSafe(|| run(&input))).is_err() {
                return Err(input);
            }
            fed += 1;
        }
    });
    let keep = |input: &[u8], what: &str| {
        format!(
            "{name} {what} with seed {seed} on the input \"{}\": keep it under tests/fuzz/corpus/{name}",
            input.escape_ascii()
        )
    };
    let mut last = Vec::new();
    loop {
        match begins.recv_timeout(HANG) {
            Ok(input) => last = input,
            Err(RecvTimeoutError::Timeout) => return Err(keep(&last, "does not end")),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    feeder.join().map_err(|_| "the mutator panics".to_owned())?.map_err(|input| keep(&input, "fails"))
}
