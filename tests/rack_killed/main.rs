//! The rack of the example survives its own death: killed after each of its writes and at any instant, it ends as one
//! that lived.
#![cfg(unix)] // a kill is a signal
#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod cases;
mod inventory;
mod program;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cases::in_parallel;
use fabrica_tests::random::Random;
use inventory::Inventory;
use program::{Data, End, Task};

/// How many writes it takes at least: fewer, and the test kills nothing that matters.
const FEWEST_WRITES: u64 = 60;

#[test]
fn a_rack_that_is_killed_after_any_of_its_writes_is_completed_at_the_next_start() {
    let last = after_every_write(|writes| {
        let data = Data::new(&format!("grow-{writes}"));
        let end = data.run(Task::Grow, Some(writes));
        complete(&data, &format!("killed after write {writes}"));
        end
    });
    println!("it took {} writes", last - 1);
    assert!(last > FEWEST_WRITES, "it took only {} writes", last - 1);
}

#[test]
fn a_rack_that_is_killed_at_any_instant_is_completed_at_the_next_start() {
    let usual = {
        let data = Data::new("usual");
        let start = Instant::now();
        assert_eq!(data.run(Task::Grow, None), End::Done);
        start.elapsed()
    };
    let halfway = AtomicU64::new(0);
    in_parallel(0..KILLS, |seed| {
        let mut random = Random::new(seed);
        let data = Data::new(&format!("instant-{seed}"));
        // More than once now and then, so that a recovery is cut short as well.
        for _ in 0..=random.below(2) {
            let micros = u64::try_from(usual.as_micros()).unwrap();
            data.run_for(Task::Grow, Duration::from_micros(random.below(micros)));
        }
        let was_there = complete(&data, &format!("killed with seed {seed}"));
        halfway.fetch_add(u64::from(!was_there.is_empty() && !was_there.faults().is_empty()), Ordering::Relaxed);
        true
    });
    let halfway = halfway.into_inner();
    println!("{halfway} of {KILLS} were killed halfway");
    assert!(halfway >= KILLS / 10, "only {halfway} of {KILLS} were killed halfway");
}

/// How many times it is killed at an instant by chance.
const KILLS: u64 = 200;

#[test]
fn the_removal_of_a_rack_that_is_killed_after_any_of_its_writes_is_completed_at_the_next_start() {
    let grown = Data::new("grown");
    assert_eq!(grown.run(Task::Grow, None), End::Done);
    let last = after_every_write(|writes| {
        let data = grown.copy(&format!("remove-{writes}"));
        let end = data.run(Task::Remove, Some(writes));
        let restarted = data.run(Task::Remove, None);
        let left = Inventory::read(&data);
        let is_as_it_should = restarted == End::Done && left.is_empty();
        assert!(is_as_it_should, "its removal killed after write {writes}: {restarted:?}, and there is left\n{left}");
        end
    });
    println!("it took {} writes", last - 1);
    assert!(last > FEWEST_WRITES, "it took only {} writes", last - 1);
}

/// Starts it again, without a kill, and looks at what it leaves: all of the rack once, and what was there already is
/// what is there now. Answers what was there.
fn complete(data: &Data, what: &str) -> Inventory {
    let before = Inventory::read(data);
    let end = data.run(Task::Grow, None);
    let after = Inventory::read(data);
    let mut faults = [after.faults(), after.faults_since(&before)].concat();
    if end != End::Done {
        faults.insert(0, format!("it ended as {end:?}"));
    }
    assert!(faults.is_empty(), "{what}: {faults:#?}\nbefore the restart\n{before}\nand after it\n{after}");
    before
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
