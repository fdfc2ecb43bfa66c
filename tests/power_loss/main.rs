//! The power goes while an embedded store is at work, a thousand times.
#![cfg(unix)] // the disk reads and writes at offsets
#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod creation;
mod disk;
mod faults;
mod scenario;
mod vfs;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use disk::{Act, Part};
use parking_lot::Mutex;
use scenario::{Cut, live};
use vfs::Slot;

/// Lives by one seed after the other, on all processors, until so many losses of power were survived or one was not.
fn losses(enough: u64, synchronous: bool) -> (BTreeMap<Cut, u64>, Vec<String>) {
    let (seeds, survived) = (AtomicU64::new(0), AtomicU64::new(0));
    let (cuts, failures) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8) {
            scope.spawn(|| {
                let slot = Slot::new();
                while survived.load(Ordering::Relaxed) < enough {
                    let seed = seeds.fetch_add(1, Ordering::Relaxed);
                    match live(seed, &slot, synchronous) {
                        Ok(during) => {
                            survived.fetch_add(during.len() as u64, Ordering::Relaxed);
                            during.into_iter().for_each(|cut| *cuts.lock().entry(cut).or_default() += 1);
                        }
                        Err(error) => {
                            survived.fetch_add(1, Ordering::Relaxed);
                            failures.lock().push(format!("seed {seed}: {error}"));
                        }
                    }
                }
            });
        }
    });
    (cuts.into_inner(), failures.into_inner())
}

#[test]
fn a_thousand_losses_of_power_take_nothing_that_was_acknowledged() {
    let (cuts, failures) = losses(1000, true);
    println!("what they cut off: {cuts:?}");
    assert!(failures.is_empty(), "{} lives ended badly:\n{}", failures.len(), failures.join("\n"));
    // The creation of the log, an append to it, its sync, and what a checkpoint does: each often enough.
    for during in [
        (Part::Wal, Act::Create),
        (Part::Wal, Act::Write),
        (Part::Wal, Act::Sync),
        (Part::Main, Act::Write),
        (Part::Main, Act::Sync),
    ] {
        let count = cuts.get(&Some(during)).copied().unwrap_or(0);
        assert!(count >= 20, "only {count} of 1000 losses came during {during:?}");
    }
}

#[test]
fn a_store_that_answers_before_the_disk_has_it_is_caught() {
    let (_, failures) = losses(100, false);
    println!("{}", failures.join("\n"));
    assert!(failures.len() >= 25, "only {} of 100 lives are seen to lose something", failures.len());
}
