//! The life of a store: it is made, written to by several, loses power, is opened again, and loses power again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fabrica::store::{Batch, EmbeddedStore, Key, Page, Revision, Store, StoreError, WatchItem};
use fabrica_tests::folder::Folder;
use fabrica_tests::ledger::Ledger;
use fabrica_tests::random::Random;
use parking_lot::Mutex;

use super::disk::{Act, Disk, Moment, Part};
use super::vfs::Slot;

const WRITERS: u64 = 4;
/// How many revisions the store keeps for watches: few, so that it sweeps.
const WINDOW: usize = 20;
/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// What was going on when the power went; nothing, if everyone was idle.
pub type Cut = Option<(Part, Act)>;

/// When the power goes.
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
    Some(Moment { of, nth: 1 + random.below(most) })
}

/// Lives by a seed. Answers what each loss of power cut off.
///
/// # Errors
///
/// What a loss of power took away, or anything else that a store must not do.
pub fn live(seed: u64, slot: &Slot, synchronous: bool) -> Result<Vec<Cut>, String> {
    let mut random = Random::new(seed);
    let ledger = Arc::new(Mutex::new(Ledger::new(seed)));
    let mut folder = Folder::in_memory("power").unwrap();
    let mut cuts = Vec::new();
    for _ in 0..=u64::from(random.percent(30)) {
        let disk = Disk::new(random.number(), moment(&mut random));
        work(&mut random, &folder.path().join(EmbeddedStore::FILE_NAME), &disk, slot, synchronous, &ledger)?;
        cuts.push(disk.cut_during());
        let after = Folder::in_memory("power").unwrap();
        disk.survivors(after.path()).unwrap();
        drop(folder);
        let file = after.path().join(EmbeddedStore::FILE_NAME);
        // The second time, it must still be so.
        for _ in 0..2 {
            if let Err(error) = block_on(check(&file, &ledger)) {
                return Err(if synchronous {
                    format!("{error}; its file is {}", after.keep().display())
                } else {
                    error
                });
            }
        }
        folder = after;
    }
    Ok(cuts)
}

pub fn block_on<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(DEADLINE, future).await.map_err(|_| "nothing goes on")? })
}

/// Several write to the store until the power is off.
fn work(
    random: &mut Random,
    file: &Path,
    disk: &Disk,
    slot: &Slot,
    synchronous: bool,
    ledger: &Arc<Mutex<Ledger>>,
) -> Result<(), String> {
    let options = EmbeddedStore::options().watch_window(WINDOW).eager().vfs(slot.mount(disk));
    let store = match if synchronous { options } else { options.synchronous_off() }.open(file) {
        Ok(store) => store,
        Err(error) if disk.is_powered() => return Err(format!("with power: {error}")),
        Err(_) => return Ok(()),
    };
    let most = random.below(60);
    block_on(async {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(store.clone(), Arc::clone(ledger), writer, most));
        }
        while let Some(writer) = writers.join_next().await {
            writer.unwrap()?;
        }
        Ok(())
    })?;
    // An orderly end is also one in which the power may go.
    if random.percent(30) {
        drop(store);
    }
    disk.cut_power();
    Ok(())
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
    let page = store.list(&Key::EVERYTHING, Page::all()).await.map_err(|error| error.to_string())?;
    let history = ledger.lock().judge(page.revision, page.entries)?;
    watch(&store, page.revision, &history).await?;
    match write(store, Arc::clone(ledger), 0, 3).await? {
        Some(error) => Err(format!("a store that was opened again: {error}")),
        None => Ok(()),
    }
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
