//! A watch as one process sees it: where its view of the store stands still, skips, repeats or breaks.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::unfold;
use tokio::time::sleep;

use super::plan::ViewFault;
use super::world::{FAULT_LASTS, FAULT_RUNS, World};
use super::write::kind_of;
use crate::store::{Batch, Change, Revision, Watch, WatchItem};

/// Passes on what a watch delivers, but for one fault, which ends by itself.
pub(super) struct Delivery {
    watch: Watch,
    world: Arc<World>,
    /// What comes next, before anything else.
    ready: VecDeque<WatchItem>,
    standing: Option<Standing>,
}

/// A view that stands still.
struct Standing {
    fault: ViewFault,
    /// What is held back; of one kind only, if that is named.
    held: Vec<Batch>,
    kind: Option<String>,
    /// Is there when it has stood still for long enough.
    over: BoxFuture<'static, ()>,
}

impl Delivery {
    /// With `past`, everything comes late from the start: the list that it goes on from was old.
    pub(super) fn new(watch: Watch, world: Arc<World>, past: bool) -> Self {
        let standing =
            past.then(|| Standing { fault: ViewFault::Stale, held: Vec::new(), kind: None, over: over(&world) });
        Self { watch, world, ready: VecDeque::new(), standing }
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = WatchItem> + Send + 'static {
        unfold(self, |mut delivery| async { Some((delivery.next().await?, delivery)) })
    }

    async fn next(&mut self) -> Option<WatchItem> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            let item = match &mut self.standing {
                None => self.watch.next().await?,
                Some(standing) => {
                    let item = tokio::select! {
                        biased;
                        () = &mut standing.over => None,
                        item = self.watch.next() => Some(item?),
                    };
                    let Some(item) = item else {
                        self.release();
                        continue;
                    };
                    item
                }
            };
            match item {
                WatchItem::Batch(batch) => self.take(batch),
                WatchItem::Progress(revision) if !self.holds_all() => return Some(WatchItem::Progress(revision)),
                WatchItem::Progress(_) => {}
                expired @ WatchItem::Expired { .. } => return Some(expired),
            }
        }
    }

    /// Does nothing at all come through?
    fn holds_all(&self) -> bool {
        let holds_all = |fault| matches!(fault, ViewFault::Late | ViewFault::Coalesce | ViewFault::Reorder);
        self.standing.as_ref().is_some_and(|standing| holds_all(standing.fault))
    }

    fn take(&mut self, batch: Batch) {
        let fault = batch.changes.iter().find_map(|change| {
            let kind = kind_of(&change.key)?;
            self.world.delivers(&kind, &change.key.to_string()).map(|fault| (fault, kind))
        });
        if let Some((fault, kind)) = fault {
            return self.begin(fault, kind, batch);
        }
        let Some(standing) = &mut self.standing else { return self.ready.push_back(WatchItem::Batch(batch)) };
        match standing.fault {
            ViewFault::Stale | ViewFault::Skip => {
                // The writer is told that its own write is seen, though it is not.
                if touches(&batch, standing.kind.as_deref()) {
                    self.ready.push_back(WatchItem::Progress(batch.revision));
                    standing.held.push(batch);
                } else {
                    self.ready.push_back(WatchItem::Batch(batch));
                }
            }
            ViewFault::Reorder => {
                let is_other = standing.held.iter().all(|held| !overlap(held, &batch));
                if is_other {
                    self.ready.push_back(WatchItem::Batch(batch));
                } else {
                    standing.held.push(batch);
                }
                self.release();
            }
            _ => standing.held.push(batch),
        }
    }

    fn begin(&mut self, fault: ViewFault, kind: String, batch: Batch) {
        let over = over(&self.world);
        match fault {
            ViewFault::Duplicate => self.ready.extend([WatchItem::Batch(batch.clone()), WatchItem::Batch(batch)]),
            ViewFault::Expire => self.ready.push_back(WatchItem::Expired { oldest: batch.revision }),
            ViewFault::Stale | ViewFault::Skip => {
                self.ready.push_back(WatchItem::Progress(batch.revision));
                self.standing = Some(Standing { fault, held: vec![batch], kind: Some(kind), over });
            }
            ViewFault::Late | ViewFault::Coalesce | ViewFault::Reorder => {
                self.standing = Some(Standing { fault, held: vec![batch], kind: None, over });
            }
        }
    }

    /// The view goes on.
    fn release(&mut self) {
        let Some(Standing { fault, held, .. }) = self.standing.take() else { return };
        match fault {
            ViewFault::Coalesce => {
                let oldest = held.last().map_or(Revision::ZERO, |batch| batch.revision);
                self.ready.push_back(WatchItem::Expired { oldest });
            }
            ViewFault::Skip => self.ready.extend(last_states(&held).into_iter().map(WatchItem::Batch)),
            _ => self.ready.extend(held.into_iter().map(WatchItem::Batch)),
        }
    }
}

/// The end of a fault: it lasts for a while, or for some runs.
fn over(world: &World) -> BoxFuture<'static, ()> {
    let runs = world.runs_on(FAULT_RUNS);
    async {
        tokio::select! {
            biased;
            () = runs => {}
            () = sleep(FAULT_LASTS) => {}
        }
    }
    .boxed()
}

fn touches(batch: &Batch, kind: Option<&str>) -> bool {
    let is_of = |change: &Change| kind.is_none() || kind_of(&change.key).as_deref() == kind;
    batch.changes.iter().any(is_of)
}

fn overlap(one: &Batch, other: &Batch) -> bool {
    one.changes.iter().any(|change| other.changes.iter().any(|another| another.key == change.key))
}

/// Of each object the last state alone.
fn last_states(held: &[Batch]) -> Vec<Batch> {
    let is_last = |at: usize, change: &Change| {
        let later = held[at + 1..].iter().flat_map(|batch| batch.changes.iter());
        later.into_iter().all(|other| other.key != change.key)
    };
    let batches = held.iter().enumerate().map(|(at, batch)| Batch {
        revision: batch.revision,
        changes: batch.changes.iter().filter(|change| is_last(at, change)).cloned().collect(),
    });
    batches.filter(|batch| !batch.changes.is_empty()).collect()
}
