//! The life of a store: it is made, written to by several, loses power, is opened again, and loses power again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fabrica::store::{Batch, EmbeddedStore, Key, Page, Revision, Store, StoreError, WatchItem};
use fabrica_tests::folder::Folder;
use fabrica_tests::ledger::Ledger;
use fabrica_tests::random::Random;
use parking_lot::Mutex;

use super::disk::{Act, Cut, Disk, End, Moment, Part};
use super::vfs::Slot;

const WRITERS: u64 = 4;
/// How many revisions the store keeps for watches: few, so that it sweeps.
const WINDOW: usize = 20;
/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// When the power goes or the process is killed.
fn moment(random: &mut Random) -> Option<Moment> {
    let (of, most) = match random.below(12) {
        0 | 1 => (Some((Part::Wal, Act::Create)), 1),
        2 | 3 => (Some((Part::Wal, Act::Write)), 150),
        4 | 5 => (Some((Part::Wal, Act::Sync)), 30),
        6 => (Some((Part::Main, Act::Write)), 60),
        7 => (Some((Part::Main, Act::Sync)), 5),
        8 => (None, 40),
        9 => return None,
        _ => (None, 600),
    };
    let end = if random.percent(25) { End::Process } else { End::Power };
    Some(Moment { end, of, nth: 1 + random.below(most) })
}

/// What became of a store.
pub struct Life {
    /// How often it lost power.
    pub losses: u64,
    /// What was cut off.
    pub cuts: Vec<Cut>,
    /// What was taken away, or anything else that a store must not do.
    pub outcome: Result<(), String>,
}

/// Lives by a seed.
pub fn live(seed: u64, slot: &Slot, synchronous: bool) -> Life {
    let mut random = Random::new(seed);
    let ledger = Arc::new(Mutex::new(Ledger::new(seed)));
    let mut folder = Folder::in_memory("power").unwrap();
    let mut life = Life { losses: 0, cuts: Vec::new(), outcome: Ok(()) };
    for _ in 0..=u64::from(random.percent(30)) {
        let disk = Disk::new(random.number(), moment(&mut random));
        let run =
            Run { file: folder.path().join(EmbeddedStore::FILE_NAME), slot, disk: &disk, synchronous, ledger: &ledger };
        life.outcome = run.lose_power(&mut random);
        life.losses += 1;
        life.cuts.extend(disk.cuts());
        let after = Folder::in_memory("power").unwrap();
        disk.survivors(after.path()).unwrap();
        let file = after.path().join(EmbeddedStore::FILE_NAME);
        // The second time, it must still be so.
        for _ in 0..2 {
            life.outcome = life.outcome.and_then(|()| block_on(check(&file, &ledger)));
        }
        if let Err(error) = &life.outcome {
            if synchronous {
                life.outcome = Err(format!("{error}; what was left of its file is in {}", after.keep().display()));
            }
            break;
        }
        folder = after;
    }
    life
}

pub fn block_on<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(DEADLINE, future).await.map_err(|_| "nothing goes on")? })
}

/// A store on a disk.
struct Run<'a> {
    file: PathBuf,
    slot: &'a Slot,
    disk: &'a Disk,
    synchronous: bool,
    ledger: &'a Arc<Mutex<Ledger>>,
}

impl Run<'_> {
    /// Goes on until the power goes, in one process or in several.
    fn lose_power(&self, random: &mut Random) -> Result<(), String> {
        let mut most = random.below(60);
        while let Some(End::Process) = self.go_on(most, random.percent(30))? {
            self.disk.restart(moment(random));
            // It may only read.
            most = random.below(60) * u64::from(random.percent(50));
        }
        self.disk.cut_power();
        Ok(())
    }

    /// A process opens the store, finds what must be there, and some write to it, until something ends or all is done.
    fn go_on(&self, most: u64, closes: bool) -> Result<Option<End>, String> {
        let options = EmbeddedStore::options().watch_window(WINDOW).eager().vfs(self.slot.mount(self.disk));
        let store = match if self.synchronous { options } else { options.synchronous_off() }.open(&self.file) {
            Ok(store) => store,
            Err(error) => return self.disk.ended().map(Some).ok_or_else(|| error.to_string()),
        };
        block_on(async {
            judge(&store, self.ledger).await?;
            let mut writers = tokio::task::JoinSet::new();
            for writer in 0..WRITERS {
                writers.spawn(write(store.clone(), Arc::clone(self.ledger), writer, most));
            }
            while let Some(writer) = writers.join_next().await {
                writer.map_err(|error| error.to_string())??;
            }
            Ok(())
        })?;
        // An orderly end is one in which things may end otherwise, too.
        if !closes {
            self.disk.cut_power();
        }
        drop(store);
        Ok(self.disk.ended())
    }
}

/// Makes one transaction after the other, until the store does not do one.
pub async fn write(
    store: EmbeddedStore,
    ledger: Arc<Mutex<Ledger>>,
    writer: u64,
    most: u64,
) -> Result<Option<StoreError>, String> {
    for _ in 0..most {
        let (floor, (attempt, txn)) = {
            let mut ledger = ledger.lock();
            (ledger.newest(), ledger.next(writer))
        };
        match store.txn(txn).await {
            Ok(revision) => ledger.lock().acknowledge(attempt, revision, floor)?,
            Err(error @ StoreError::Unavailable(_)) => {
                ledger.lock().refuse(attempt);
                return Ok(Some(error));
            }
            Err(StoreError::Unknown) => return Ok(Some(StoreError::Unknown)),
            Err(error) => return Err(format!("{attempt:?}: {error}")),
        }
    }
    Ok(None)
}

/// Opens the store as everyone does, compares what it holds and what it tells a watch, and writes to it.
pub async fn check(file: &Path, ledger: &Arc<Mutex<Ledger>>) -> Result<(), String> {
    let store = EmbeddedStore::options().watch_window(WINDOW).open(file).map_err(|error| error.to_string())?;
    judge(&store, ledger).await?;
    match write(store, Arc::clone(ledger), 0, 3).await? {
        Some(error) => Err(format!("a store that was opened again: {error}")),
        None => Ok(()),
    }
}

/// Compares what a store holds and what it tells a watch with what was acknowledged.
pub async fn judge(store: &EmbeddedStore, ledger: &Mutex<Ledger>) -> Result<(), String> {
    let page = store.list(&Key::EVERYTHING, Page::all()).await.map_err(|error| error.to_string())?;
    let history = ledger.lock().judge(page.revision, page.entries)?;
    watch(store, page.revision, &history).await
}

/// A watch from before goes on with what happened, or says that it can't.
async fn watch(store: &EmbeddedStore, newest: Revision, history: &[Batch]) -> Result<(), String> {
    let skipped = history.len().saturating_sub(WINDOW / 2);
    let Some(first) = history.get(skipped) else { return Ok(()) };
    let after = Revision::new(first.revision.get() - 1);
    let mut watch = store.watch(&Key::EVERYTHING, after).await.map_err(|error| error.to_string())?;
    for expected in &history[skipped..] {
        match watch.next().await {
            Some(WatchItem::Expired { .. }) => return Ok(()),
            Some(WatchItem::Batch(batch)) if is_same(&batch, expected) => {}
            other => {
                return Err(format!("a watch after {after} (of {newest}) must show {expected:?}, and shows {other:?}"));
            }
        }
    }
    Ok(())
}

/// Whether two batches show the same, in whatever order.
fn is_same(one: &Batch, other: &Batch) -> bool {
    one.revision == other.revision
        && one.changes.len() == other.changes.len()
        && one.changes.iter().all(|change| other.changes.contains(change))
}
