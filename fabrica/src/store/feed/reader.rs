//! One watch's place in the log.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::Stream;
use tokio::time::Sleep;

use super::{Feed, Pulled};
use crate::store::{Batch, Change, Key, Revision, WatchItem};

/// The shortest time between two progress marks of a watch. What changes outside its prefix wakes a watch
/// no more often than this.
const BETWEEN_MARKS: Duration = Duration::from_millis(100);

/// The stream inside a [`Watch`](crate::store::Watch).
pub(super) struct Reader {
    feed: Arc<Feed>,
    id: u64,
    prefix: Key,
    /// All batches up to here were taken from the log.
    cursor: Revision,
    /// What the consumer knows: the revision of the last batch or mark.
    told: Revision,
    /// The feed's count of expiries when the watch began.
    expiries: u64,
    taken: VecDeque<WatchItem>,
    /// Runs after a progress mark, until the next one may come.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Reader {
    pub(super) fn new(feed: Arc<Feed>, id: u64, prefix: Key, after: Revision, expiries: u64) -> Self {
        Self { feed, id, prefix, cursor: after, told: after, expiries, taken: VecDeque::new(), pause: None }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn prefix(&self) -> &Key {
        &self.prefix
    }

    pub(super) fn cursor(&self) -> Revision {
        self.cursor
    }

    pub(super) fn expiries(&self) -> u64 {
        self.expiries
    }

    /// Keeps what concerns the prefix. This runs without the lock.
    fn take(&mut self, batches: Vec<Batch>) {
        for batch in batches {
            self.cursor = batch.revision;
            let changes = batch.changes.iter();
            let wanted = changes.filter(|c| c.key.starts_with(&self.prefix)).count();
            if wanted == 0 {
                continue;
            }
            self.told = batch.revision;
            self.taken.push_back(WatchItem::Batch(if wanted == batch.changes.len() {
                batch
            } else {
                self.narrowed(&batch)
            }));
        }
    }

    fn narrowed(&self, batch: &Batch) -> Batch {
        let wanted = |change: &&Change| change.key.starts_with(&self.prefix);
        Batch { revision: batch.revision, changes: batch.changes.iter().filter(wanted).cloned().collect() }
    }
}

impl Stream for Reader {
    type Item = WatchItem;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<WatchItem>> {
        // A consumer that never has to wait still lets other tasks run.
        let budget = ready!(tokio::task::coop::poll_proceed(cx));
        loop {
            if let Some(item) = self.taken.pop_front() {
                budget.made_progress();
                return Poll::Ready(Some(item));
            }
            if let Some(pause) = &mut self.pause
                && pause.as_mut().poll(cx).is_ready()
            {
                self.pause = None;
            }
            // While the pause runs, its end is soon enough for the next mark.
            let eager = self.pause.is_none();
            match self.feed.pull(&self, cx.waker(), eager) {
                Pulled::Batches(batches) => self.take(batches),
                Pulled::CaughtUp(revision) => {
                    self.cursor = revision;
                    if self.told == revision || !eager {
                        return Poll::Pending;
                    }
                    self.told = revision;
                    self.pause = Some(Box::pin(tokio::time::sleep(BETWEEN_MARKS)));
                    self.taken.push_back(WatchItem::Progress(revision));
                }
                Pulled::Expired(oldest) => {
                    self.taken.push_back(WatchItem::Expired { oldest });
                }
                Pulled::Closed => {
                    budget.made_progress();
                    return Poll::Ready(None);
                }
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.feed.forget(self);
    }
}
