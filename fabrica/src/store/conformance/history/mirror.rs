//! Copies of the store that fall behind, expire and recover, as every cache does.

use super::State;
use super::seeded::Seeded;
use crate::store::conformance::bench::{Bench, Outcome, ensure, item, keys};
use crate::store::{Key, Page, Revision, Transaction, WatchItem};

pub(super) const WINDOW: usize = 8;
const WRITES: u64 = 200;
const END: &str = "/m/end";

/// Mirrors a store while it changes; each mirror must end up equal to it.
pub(super) async fn run(bench: &Bench, seed: u64) -> Outcome {
    let mirrors: Vec<_> =
        (0..3).map(|n| tokio::spawn(mirror(bench.clone(), Seeded::new(seed * 7 + n), n * 20))).collect();
    let mut random = Seeded::new(seed);
    for i in 0..WRITES {
        let key = format!("/m/{}", random.below(6));
        let txn = Transaction::new();
        bench.commit(if random.percent(30) { txn.delete(key) } else { txn.put(key, format!("{i}")) }).await?;
        random.dawdle(2).await;
    }
    bench.put(END, "1").await?;
    let entries = bench.list("/m/", Page::all()).await?.entries;
    for mirror in mirrors {
        let mirrored: Vec<_> = mirror.await.map_err(|error| error.to_string())??.into_values().collect();
        ensure!(
            mirrored == entries,
            "it ended up with {:?}, the store with {:?}, or other values",
            keys(&mirrored),
            keys(&entries)
        );
    }
    Ok(())
}

/// List, watch after its revision, and again when the watch expires.
async fn mirror(bench: Bench, mut random: Seeded, slowness: u64) -> Result<State, String> {
    let end = Key::from(END);
    loop {
        let page = bench.list("/m/", Page::all()).await?;
        let mut state: State = page.entries.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
        let mut last: Revision = page.revision;
        let mut watch = bench.watch("/m/", page.revision).await?;
        loop {
            if state.contains_key(&end) {
                return Ok(state);
            }
            match item(&mut watch).await? {
                WatchItem::Expired { .. } => break,
                WatchItem::Progress(_) => {}
                WatchItem::Batch(batch) => {
                    ensure!(batch.revision > last, "revision {} came after {last}", batch.revision);
                    last = batch.revision;
                    for change in batch.changes.iter() {
                        ensure!(
                            state.get(&change.key) == change.previous.as_ref(),
                            "a change of {} replaces {:?}, the mirror holds {:?}",
                            change.key,
                            change.previous,
                            state.get(&change.key)
                        );
                        match &change.entry {
                            Some(entry) => state.insert(change.key.clone(), entry.clone()),
                            None => state.remove(&change.key),
                        };
                    }
                }
            }
            random.dawdle(slowness).await;
        }
    }
}
