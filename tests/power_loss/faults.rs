//! A disk that is full, and one that fails to sync.

use std::sync::Arc;
use std::time::Duration;

use fabrica::store::{EmbeddedStore, Key, Page, Store, StoreError};
use fabrica_tests::folder::Folder;
use fabrica_tests::ledger::Ledger;
use fabrica_tests::random::Random;
use parking_lot::Mutex;

use super::disk::{Disk, FailedSync, Part};
use super::scenario::{block_on, check, write};
use super::vfs::Slot;

/// A store on a disk of its own.
struct Bench {
    folder: Folder,
    disk: Disk,
    store: EmbeddedStore,
    ledger: Arc<Mutex<Ledger>>,
}

impl Bench {
    fn new(slot: &Slot, seed: u64) -> Self {
        let folder = Folder::in_memory("faults").unwrap();
        let disk = Disk::new(seed, None);
        let options = EmbeddedStore::options().watch_window(20).eager().vfs(slot.mount(&disk));
        let store = options.open(folder.path().join(EmbeddedStore::FILE_NAME)).unwrap();
        Self { folder, disk, store, ledger: Arc::new(Mutex::new(Ledger::new(seed))) }
    }

    /// Makes so many transactions; answers the error of the first that is not made.
    async fn write(&self, writer: u64, most: u64) -> Result<Option<StoreError>, String> {
        write(self.store.clone(), Arc::clone(&self.ledger), writer, most).await
    }

    /// Waits until the store makes transactions again.
    async fn recover(&self) -> Result<(), String> {
        while let Some(error) = self.write(0, 1).await? {
            println!("not yet: {error}");
            self.settle(0).await?;
            if !self.disk.is_powered() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// What the store holds must be what was acknowledged.
    async fn judge(&self) -> Result<(), String> {
        let page = self.store.list(&Key::EVERYTHING, Page::all()).await.map_err(|error| error.to_string())?;
        self.ledger.lock().judge(page.revision, page.entries).map(drop)
    }

    /// Takes the store at its word: did the writer's last attempt take place?
    async fn settle(&self, writer: u64) -> Result<(), String> {
        let (attempt, _) = self.ledger.lock().next(writer);
        let entry = loop {
            match self.store.get(&attempt.mark(), None).await {
                Ok((entry, _)) => break entry,
                Err(StoreError::Unavailable(_)) if !self.disk.is_powered() => return Ok(()),
                Err(StoreError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(1)).await,
                Err(error) => return Err(error.to_string()),
            }
        };
        let mut ledger = self.ledger.lock();
        match entry {
            Some(entry) if entry.value == attempt.sequence.to_string() => {
                ledger.acknowledge(attempt, entry.modified, fabrica::store::Revision::default())
            }
            _ => {
                ledger.refuse(attempt);
                Ok(())
            }
        }
    }

    /// Cuts the power, and looks at what is left.
    fn lose_power(self) -> Result<(), String> {
        self.disk.cut_power();
        let after = Folder::in_memory("faults").unwrap();
        self.disk.survivors(after.path()).unwrap();
        drop(self.store);
        drop(self.folder);
        block_on(check(&after.path().join(EmbeddedStore::FILE_NAME), &self.ledger))
    }
}

#[test]
fn a_full_disk_refuses_writes_serves_reads_and_is_forgotten_when_there_is_space() {
    let slot = Slot::new();
    for seed in 0..20 {
        let bench = Bench::new(&slot, seed);
        block_on(async {
            assert_eq!(bench.write(0, 1 + seed).await?, None);
            bench.disk.set_full(true);
            let refused = bench.write(0, 10_000).await?;
            assert!(matches!(refused, Some(StoreError::Unavailable(_))), "seed {seed}: {refused:?}");
            bench.judge().await?;
            // Still, and it is not a matter of the first one.
            assert!(bench.write(1, 10_000).await?.is_some(), "seed {seed}");
            bench.judge().await?;
            bench.disk.set_full(false);
            bench.recover().await?;
            assert_eq!(bench.write(2, 20).await?, None);
            bench.judge().await
        })
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        bench.lose_power().unwrap_or_else(|error| panic!("seed {seed}, after the power was lost: {error}"));
    }
}

/// One sync fails while several write, and later the power goes: it may be during what the store does about it.
/// Answers how many writers were told.
fn fail(seed: u64, slot: &Slot) -> Result<usize, String> {
    const WRITERS: u64 = 4;
    let mut random = Random::new(seed);
    let bench = Bench::new(slot, seed);
    let told = block_on(async {
        bench.write(0, random.below(30)).await?;
        let how = if random.percent(50) { FailedSync::Forgotten } else { FailedSync::Reverted };
        let part = if random.percent(80) { Part::Wal } else { Part::Main };
        let power_for = random.percent(50).then(|| 1 + random.below(30));
        bench.disk.fail_sync(part, how, power_for);
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(bench.store.clone(), Arc::clone(&bench.ledger), writer, 100));
        }
        let mut told = 0;
        while let Some(writer) = writers.join_next().await {
            told += usize::from(writer.map_err(|error| error.to_string())??.is_some());
        }
        // Who was not told finds what is known already.
        for writer in 0..WRITERS {
            bench.settle(writer).await?;
        }
        if bench.disk.is_powered() && random.percent(50) {
            bench.recover().await?;
            bench.write(1, random.below(10)).await?;
        }
        Ok(told)
    })?;
    bench.lose_power().map_err(|error| format!("after the power was lost: {error}"))?;
    Ok(told)
}

#[test]
fn what_a_store_says_after_a_failed_sync_is_true_and_survives_a_loss_of_power() {
    let slot = Slot::new();
    let told = |seed| fail(seed, &slot).map_err(|error| format!("seed {seed}: {error}"));
    let (told, wrong): (Vec<_>, Vec<_>) = (0..500).map(told).partition(Result::is_ok);
    assert!(wrong.is_empty(), "{} of 500: {wrong:#?}", wrong.len());
    let told: usize = told.into_iter().flatten().sum();
    assert!(told >= 500, "only {told} writers were told of a failed sync");
}
