//! The power goes while an embedded store is at work, a thousand times; now and then its process is killed before.
#![cfg(unix)] // the disk reads and writes at offsets
#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod creation;
mod disk;
mod faults;
mod inode;
mod scenario;
mod vfs;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use disk::{Act, Cut, End, Part};
use parking_lot::Mutex;
use scenario::live;
use vfs::Slot;

/// Lives by one seed after the other, on all processors, until the power went so many times. Answers what was cut off,
/// and what went wrong.
fn lose_power(times: u64, synchronous: bool) -> (BTreeMap<Cut, u64>, Vec<String>) {
    let (seeds, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let (cuts, failures) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8) {
            scope.spawn(|| {
                let slot = Slot::new();
                while done.load(Ordering::Relaxed) < times {
                    let seed = seeds.fetch_add(1, Ordering::Relaxed);
                    let life = live(seed, &slot, synchronous);
                    done.fetch_add(life.losses, Ordering::Relaxed);
                    for cut in life.cuts {
                        *cuts.lock().entry(cut).or_default() += 1;
                    }
                    if let Err(error) = life.outcome {
                        failures.lock().push(format!("seed {seed}: {error}"));
                    }
                }
            });
        }
    });
    (cuts.into_inner(), failures.into_inner())
}

#[test]
fn a_thousand_losses_of_power_take_nothing_that_was_acknowledged() {
    let (cuts, failures) = lose_power(1000, true);
    println!("what was cut off: {cuts:?}");
    assert!(failures.is_empty(), "{} lives ended badly:\n{}", failures.len(), failures.join("\n"));
    // The creation of the log, an append to it, its sync, and what a checkpoint does: each often enough.
    for (part, act) in [
        (Part::Wal, Act::Create),
        (Part::Wal, Act::Write),
        (Part::Wal, Act::Sync),
        (Part::Main, Act::Write),
        (Part::Main, Act::Sync),
    ] {
        for (end, least) in [(End::Power, 20), (End::Process, 5)] {
            let count = cuts.get(&(end, part, act)).copied().unwrap_or(0);
            assert!(count >= least, "{end:?} ended only {count} times during {part:?} {act:?}");
        }
    }
}

#[test]
fn a_store_that_answers_before_the_disk_has_it_is_caught() {
    let (_, failures) = lose_power(100, false);
    println!("{}", failures.join("\n"));
    assert!(failures.len() >= 50, "only {} of 100 losses are seen to take something", failures.len());
}
