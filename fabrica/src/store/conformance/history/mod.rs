//! Checks of whole histories: what many writers, readers and watchers saw must fit one order of events.

mod judge;
mod mirror;
mod replay;
mod script;
mod seeded;
mod workload;

use std::collections::BTreeMap;

use super::Failure;
use super::bench::Maker;
use crate::store::{Entry, Key};
pub(super) use judge::Guarantee;
pub(super) use script::Script;

/// Each history is made from one of these, and so can be made again.
const SEEDS: [u64; 2] = [1, 2];

/// All entries at some revision.
type State = BTreeMap<Key, Entry>;

/// Plays random histories, and judges them.
pub(super) async fn run(maker: &Maker<'_>) -> Vec<Failure> {
    let mut failures = Vec::new();
    for seed in SEEDS {
        let mut found = match workload::run(&maker.bench().await, seed).await {
            Ok(history) => history.judge(),
            Err(reason) => vec![Failure { check: "a_history_goes_on_to_its_end", reason }],
        };
        if let Err(reason) = mirror::run(&maker.bench_with_window(mirror::WINDOW).await, seed).await {
            found.push(Failure { check: "a_mirror_survives_expiry", reason });
        }
        failures.extend(
            found
                .into_iter()
                .map(|failure| Failure { reason: format!("{} (seed {seed})", failure.reason), check: failure.check }),
        );
    }
    // One example of each is enough.
    failures.sort_by_key(|failure| failure.check);
    failures.dedup_by_key(|failure| failure.check);
    failures
}

pub(super) fn unfinished() -> Failure {
    Failure { check: "a_history_goes_on_to_its_end", reason: "it was not done before the deadline".into() }
}

/// The entries of a state that a reading of a prefix shows.
fn under(state: &State, prefix: &Key) -> Vec<Entry> {
    state.values().filter(|entry| entry.key.starts_with(prefix)).cloned().collect()
}
