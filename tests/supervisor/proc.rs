//! What runs on this machine, as `/proc` says.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::harness::DEADLINE;

/// How often `/proc` is read: nothing tells of a change.
const LOOK: Duration = Duration::from_millis(5);

/// One process. Its number alone may come to mean another one, but not together with its start.
#[derive(Clone, Copy, Debug)]
pub struct Proc {
    pub pid: i32,
    start: Option<u64>,
    /// When it was first heard of.
    pub seen: Instant,
}

impl PartialEq for Proc {
    fn eq(&self, other: &Self) -> bool {
        (self.pid, self.start) == (other.pid, other.start)
    }
}

impl Proc {
    pub fn of(pid: i32) -> Self {
        Self::seen_at(pid, Instant::now())
    }

    pub fn seen_at(pid: i32, seen: Instant) -> Self {
        Self { pid, start: Stat::read(pid).map(|stat| stat.start), seen }
    }

    pub fn exists(&self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| Some(stat.start) == self.start && !stat.is_zombie)
    }

    pub fn wait_until_gone(&self) {
        assert!(wait_until(|| !self.exists()), "{self:?} is still there");
    }

    /// Who is in a process group.
    pub fn group(group: i32) -> Vec<i32> {
        let is_in = |pid: &i32| Stat::read(*pid).is_some_and(|stat| stat.group == group && !stat.is_zombie);
        all().filter(is_in).collect()
    }

    /// The processes with an argument that has a part.
    pub fn with(part: &str) -> Vec<Self> {
        all().filter(|pid| arguments(*pid).contains(part)).map(Self::of).filter(Self::exists).collect()
    }

    /// Counts the processes with an argument that has a part, over and over, until asked for the most there were.
    pub fn watch(part: &'static str) -> Watch {
        let is_over = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&is_over);
        let counter = thread::spawn(move || {
            let mut most = 0;
            while !shared.load(Ordering::Relaxed) {
                most = most.max(all().filter(|pid| arguments(*pid).contains(part)).count());
                thread::sleep(Duration::from_millis(1));
            }
            most
        });
        Watch { is_over, counter }
    }
}

pub struct Watch {
    is_over: Arc<AtomicBool>,
    counter: JoinHandle<usize>,
}

impl Watch {
    pub fn most(self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        self.counter.join().unwrap()
    }
}

/// The arguments of a process; empty for one that has ended.
pub fn arguments(pid: i32) -> String {
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).into_owned()
}

fn all() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

struct Stat {
    is_zombie: bool,
    group: i32,
    start: u64,
}

impl Stat {
    /// The fields 3, 5 and 22; the second, in parentheses, may hold anything.
    fn read(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self { is_zombie: fields[0] == "Z", group: fields[2].parse().ok()?, start: fields[19].parse().ok()? })
    }
}

/// Waits for what nothing tells of: does it hold before the deadline?
pub fn wait_until(mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + DEADLINE;
    while Instant::now() < deadline {
        if holds() {
            return true;
        }
        thread::sleep(LOOK);
    }
    holds()
}
