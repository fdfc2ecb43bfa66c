//! The bounded log of committed batches that all watches of a store in this process read from.
//!
//! A watch holds a cursor into the log, not a queue of its own: a commit costs the same however far the
//! readers lag, and no reader can make the store grow.

mod reader;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use parking_lot::Mutex;

use super::{Batch, Change, Key, Revision, StoreError, Watch};
use reader::Reader;

/// How many revisions every store keeps for watches and pages that are behind, if nothing else is said.
pub(super) const DEFAULT_WINDOW: usize = 10_000;

/// How many batches are taken from the log while its lock is held.
const BATCHES_PER_LOCK: usize = 256;

/// The log, and the watches that wait for its next batch.
pub(crate) struct Feed {
    state: Mutex<State>,
}

struct State {
    /// In order of revision.
    batches: VecDeque<Batch>,
    capacity: usize,
    /// How many changes `batches` has in all.
    changes: usize,
    /// Every batch after this revision is in `batches`.
    compacted: Revision,
    /// The store's revision.
    latest: Revision,
    /// Counts the times that all open watches were told to expire.
    expiries: u64,
    closed: bool,
    /// The readers that wait, by prefix. A reader in here has been given all that `batches` holds for its
    /// prefix, so however long it waits it does not fall behind.
    waiting: BTreeMap<Key, Group>,
    /// The readers that were taken out of `waiting` and have not come back yet, with the revision up to which
    /// they had been given everything.
    woken: BTreeMap<u64, Revision>,
    readers: u64,
}

/// The readers of one prefix that wait.
#[derive(Default)]
struct Group {
    readers: BTreeMap<u64, Waiting>,
    /// How many of them are eager, so that a commit looks for them only if there are any.
    eager: usize,
}

struct Waiting {
    waker: Waker,
    /// Whether it is to be woken by changes outside its prefix as well, to tell of the progress.
    eager: bool,
}

/// What a reader got.
enum Pulled {
    /// The next batches, of all prefixes.
    Batches(Vec<Batch>),
    /// Nothing is left up to this revision, and the reader now waits.
    CaughtUp(Revision),
    Expired(Revision),
    Closed,
}

/// The readers that a commit woke, to be woken once the committer's locks are released.
#[must_use]
pub(crate) struct Woken(Vec<Waker>);

impl Woken {
    pub(crate) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

impl Feed {
    /// A log of a store at revision `latest`, that will keep `capacity` batches (at least one).
    pub(crate) fn new(latest: Revision, capacity: usize) -> Arc<Self> {
        Self::resumed(latest, capacity, latest, VecDeque::new())
    }

    /// The log of a store at revision `latest` with every batch after `compacted`.
    pub(crate) fn resumed(
        latest: Revision,
        capacity: usize,
        compacted: Revision,
        batches: VecDeque<Batch>,
    ) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                changes: batches.iter().map(|batch| batch.changes.len()).sum(),
                batches,
                capacity: capacity.max(1),
                compacted,
                latest,
                expiries: 0,
                closed: false,
                waiting: BTreeMap::new(),
                woken: BTreeMap::new(),
                readers: 0,
            }),
        })
    }

    /// Adds the changes of a committed revision, which must be greater than all before.
    pub(crate) fn push(&self, revision: Revision, changes: Arc<[Change]>) -> Woken {
        let mut state = self.state.lock();
        if state.batches.len() >= state.capacity
            && let Some(oldest) = state.batches.pop_front()
        {
            state.compacted = oldest.revision;
            state.changes -= oldest.changes.len();
        }
        let woken = state.take_waiting(&changes);
        state.latest = revision;
        state.changes += changes.len();
        state.batches.push_back(Batch { revision, changes });
        woken
    }

    /// The store's revision.
    pub(crate) fn latest(&self) -> Revision {
        self.state.lock().latest
    }

    /// The revision after which every batch is kept, and how many changes these batches have.
    #[cfg(feature = "embedded")]
    pub(crate) fn kept(&self) -> (Revision, usize) {
        let state = self.state.lock();
        (state.compacted, state.changes)
    }

    /// Forgets all batches: every watch and page that still needs one expires.
    pub(crate) fn compact(&self) {
        let mut state = self.state.lock();
        state.batches.clear();
        state.changes = 0;
        state.compacted = state.latest;
    }

    /// Makes all open watches expire.
    pub(crate) fn expire_watches(&self) {
        let mut state = self.state.lock();
        state.expiries += 1;
        let woken = state.take_all_waiting();
        drop(state);
        woken.wake();
    }

    /// Ends all open watches once they have delivered what is in the log.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let woken = state.take_all_waiting();
        drop(state);
        woken.wake();
    }

    /// A watch of all changes after a revision to keys with a prefix.
    pub(crate) fn watch(self: &Arc<Self>, prefix: &Key, after: Revision) -> Result<Watch, StoreError> {
        let mut state = self.state.lock();
        if after > state.latest {
            return Err(StoreError::FutureRevision { asked: after, current: state.latest });
        }
        state.readers += 1;
        let (id, expiries) = (state.readers, state.expiries);
        drop(state);
        Ok(Watch::new(Reader::new(self.clone(), id, prefix.clone(), after, expiries)))
    }

    /// The first batches after a revision, up to [`BATCHES_PER_LOCK`]; none if there are no more.
    pub(crate) fn batches_after(&self, revision: Revision) -> Result<Vec<Batch>, StoreError> {
        let state = self.state.lock();
        if revision < state.compacted {
            return Err(StoreError::Expired { oldest: state.compacted });
        }
        Ok(state.take_after(revision))
    }

    fn pull(&self, reader: &Reader, waker: &Waker, eager: bool) -> Pulled {
        let mut state = self.state.lock();
        let cursor = state.stop_waiting(reader).unwrap_or(reader.cursor());
        if reader.expiries() != state.expiries || cursor < state.compacted {
            return Pulled::Expired(state.compacted);
        }
        let batches = state.take_after(cursor);
        if !batches.is_empty() {
            return Pulled::Batches(batches);
        }
        if state.closed {
            return Pulled::Closed;
        }
        state.start_waiting(reader, waker.clone(), eager);
        Pulled::CaughtUp(state.latest)
    }

    fn forget(&self, reader: &Reader) {
        self.state.lock().stop_waiting(reader);
    }
}

impl State {
    fn take_after(&self, revision: Revision) -> Vec<Batch> {
        let start = self.batches.partition_point(|b| b.revision <= revision);
        self.batches.range(start..).take(BATCHES_PER_LOCK).cloned().collect()
    }

    /// Takes out the readers that these changes concern, and wakes the eager ones too.
    fn take_waiting(&mut self, changes: &[Change]) -> Woken {
        let mut wakers = Vec::new();
        self.waiting.retain(|prefix, group| {
            if changes.iter().any(|change| change.key.starts_with(prefix)) {
                for (id, reader) in std::mem::take(&mut group.readers) {
                    self.woken.insert(id, self.latest);
                    wakers.push(reader.waker);
                }
                return false;
            }
            if group.eager > 0 {
                group.eager = 0;
                for reader in group.readers.values_mut().filter(|reader| reader.eager) {
                    reader.eager = false;
                    wakers.push(reader.waker.clone());
                }
            }
            true
        });
        Woken(wakers)
    }

    fn take_all_waiting(&mut self) -> Woken {
        let mut wakers = Vec::new();
        let groups = std::mem::take(&mut self.waiting).into_values();
        for (id, reader) in groups.flat_map(|group| group.readers) {
            self.woken.insert(id, self.latest);
            wakers.push(reader.waker);
        }
        Woken(wakers)
    }

    fn start_waiting(&mut self, reader: &Reader, waker: Waker, eager: bool) {
        let group = self.waiting.entry(reader.prefix().clone()).or_default();
        group.eager += usize::from(eager);
        group.readers.insert(reader.id(), Waiting { waker, eager });
    }

    /// If the reader was waiting: the revision up to which it has missed nothing.
    fn stop_waiting(&mut self, reader: &Reader) -> Option<Revision> {
        if let Some(revision) = self.woken.remove(&reader.id()) {
            return Some(revision);
        }
        let group = self.waiting.get_mut(reader.prefix())?;
        let waited = group.readers.remove(&reader.id())?;
        group.eager -= usize::from(waited.eager);
        if group.readers.is_empty() {
            self.waiting.remove(reader.prefix());
        }
        Some(self.latest)
    }
}
