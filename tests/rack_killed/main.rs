//! The rack of the example survives its own death: killed after each of its writes and at any instant, it ends as one
//! that lived.
#![cfg(unix)] // a kill is a signal
#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod cases;
mod inventory;
mod program;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cases::{Random, in_parallel};
use inventory::Inventory;
use program::{End, Folder, Task};

/// How many writes it takes at least: fewer, and the test kills nothing that matters.
const FEWEST_WRITES: u64 = 60;

#[test]
fn a_rack_that_is_killed_after_any_of_its_writes_is_completed_at_the_next_start() {
    let last = after_every_write(|writes| {
        let folder = Folder::new(&format!("grow-{writes}"));
        let end = folder.run(Task::Grow, Some(writes));
        complete(&folder, &format!("killed after write {writes}"));
        end
    });
    assert!(last > FEWEST_WRITES, "it took only {last} writes");
}

#[test]
fn a_rack_that_is_killed_at_any_instant_is_completed_at_the_next_start() {
    let usual = {
        let folder = Folder::new("usual");
        let start = Instant::now();
        assert_eq!(folder.run(Task::Grow, None), End::Done);
        start.elapsed()
    };
    in_parallel(0..KILLS, |seed| {
        let mut random = Random::new(seed);
        let folder = Folder::new(&format!("instant-{seed}"));
        // More than once now and then, so that a recovery is cut short as well.
        for _ in 0..=random.below(2) {
            let micros = u64::try_from(usual.as_micros()).unwrap();
            folder.run_for(Task::Grow, Duration::from_micros(random.below(micros)));
        }
        complete(&folder, &format!("killed with seed {seed}"));
        true
    });
}

/// How many times it is killed at an instant by chance.
const KILLS: u64 = 200;

#[test]
fn the_removal_of_a_rack_that_is_killed_after_any_of_its_writes_is_completed_at_the_next_start() {
    let grown = Folder::new("grown");
    assert_eq!(grown.run(Task::Grow, None), End::Done);
    let last = after_every_write(|writes| {
        let folder = grown.copy(&format!("remove-{writes}"));
        let end = folder.run(Task::Remove, Some(writes));
        let restarted = folder.run(Task::Remove, None);
        let left = Inventory::read(&folder);
        let is_as_it_should = restarted == End::Done && left.is_empty();
        assert!(is_as_it_should, "its removal killed after write {writes}: {restarted:?}, and there is left\n{left}");
        end
    });
    assert!(last > FEWEST_WRITES, "it took only {last} writes");
}

/// Starts it again, without a kill, and looks at what it leaves: all of the rack once, and what was there already is
/// what is there now.
fn complete(folder: &Folder, what: &str) {
    let before = Inventory::read(folder);
    let end = folder.run(Task::Grow, None);
    let after = Inventory::read(folder);
    let mut faults = [after.faults(), after.faults_since(&before)].concat();
    if end != End::Done {
        faults.insert(0, format!("it ended as {end:?}"));
    }
    assert!(faults.is_empty(), "{what}: {faults:#?}\nbefore the restart\n{before}\nand after it\n{after}");
}

/// Tries each number of writes from 1, until one is not reached any more; answers that one.
fn after_every_write(case: impl Fn(u64) -> End + Sync) -> u64 {
    let first_without = AtomicU64::new(u64::MAX);
    in_parallel(1.., |writes| {
        if writes >= first_without.load(Ordering::Relaxed) {
            return false;
        }
        match case(writes) {
            End::Killed => true,
            End::Done => {
                first_without.fetch_min(writes, Ordering::Relaxed);
                false
            }
            End::Failed(error) => panic!("before it was killed after write {writes}: {error}"),
        }
    });
    first_without.into_inner()
}
