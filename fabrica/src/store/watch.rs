//! What a watch delivers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{BoxStream, FusedStream, Stream, StreamExt as _};

use super::{Entry, Key, Revision};

/// What one revision did to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Key,
    /// The entry after the change; `None` if the key was deleted.
    pub entry: Option<Entry>,
    /// The entry before the change, so that a deletion still shows the last value; `None` if the key was created.
    pub previous: Option<Entry>,
}

/// All that one revision changed under the prefix of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The revision.
    pub revision: Revision,
    /// The changes, one for each key; never empty. A clone shares them.
    pub changes: Arc<[Change]>,
}

/// One item of a [`Watch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchItem {
    /// The next revision that changed something under the prefix, whole.
    Batch(Batch),
    /// All changes up to this revision were delivered; a new watch may start after it.
    Progress(Revision),
    /// The watch can't go on, because it fell behind what the store keeps. List again at some revision,
    /// compare with what is known (what is missing was deleted), and watch after that revision. Always the
    /// last item.
    Expired {
        /// The oldest revision that a watch can start after.
        oldest: Revision,
    },
}

/// A stream of changes, from [`Store::watch`](super::Store::watch).
///
/// It ends after [`WatchItem::Expired`], or when the store is closed or dropped. Dropping it ends it. It must be
/// polled within a tokio runtime that has its timer enabled.
pub struct Watch {
    items: BoxStream<'static, WatchItem>,
    ended: bool,
}

impl Watch {
    /// For a backend: a watch that delivers the items of a stream, up to the first `Expired`.
    pub fn new(items: impl Stream<Item = WatchItem> + Send + 'static) -> Self {
        Self { items: items.boxed(), ended: false }
    }

    /// Waits for the next item. `None` after `Expired`, or when the store is closed. Dropping the future
    /// loses nothing.
    pub async fn next(&mut self) -> Option<WatchItem> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Watch {
    type Item = WatchItem;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<WatchItem>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let item = std::task::ready!(self.items.as_mut().poll_next(cx));
        self.ended = matches!(item, None | Some(WatchItem::Expired { .. }));
        Poll::Ready(item)
    }
}

impl FusedStream for Watch {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("ended", &self.ended).finish_non_exhaustive()
    }
}
