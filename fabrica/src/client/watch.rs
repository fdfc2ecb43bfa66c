//! Watches: the objects as they are, and every change after that.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{FusedStream, Stream, StreamExt};

use super::cached::CachedObject;
use super::feed::FeedItem;
use super::lifecycle::Client;
use super::select::Selection;
use super::subscription::Subscription;
use crate::Result;
use crate::resource::{FieldSelector, LabelSelector, Object, Resource, ResourceType, Uid, downcast};

/// Which objects to watch. The default is all of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchOptions {
    /// Only the object with this uid, whether or not it exists yet. Default: all. Costs other watches nothing.
    pub uid: Option<Uid>,
    /// Only objects of this namespace. Default: all namespaces.
    pub namespace: Option<String>,
    /// Only objects with such labels. Default: whatever labels.
    pub labels: LabelSelector,
    /// Only objects with such fields, as in [`ListOptions`](super::ListOptions). Default: whatever fields.
    pub fields: FieldSelector,
}

/// A change of what a watch shows.
#[derive(Clone, Debug)]
pub enum Change<T: ?Sized> {
    /// An object came to be, or into view: it is selected now, or can be decoded now.
    Added(Arc<T>),
    /// An object in view changed.
    Modified {
        /// What it was, as this watch showed it last.
        old: Arc<T>,
        /// What it is.
        new: Arc<T>,
    },
    /// An object is gone, or out of view; this is what it was.
    Deleted(Arc<T>),
}

/// A watch of objects of any kind; see [`Client::watch`].
pub struct ObjectWatch {
    selection: Selection,
    existing: std::vec::IntoIter<CachedObject>,
    changes: Subscription,
    ended: bool,
}

impl Client {
    /// Watches objects of any kind; see [`Client::watch`].
    ///
    /// # Errors
    /// As for [`Client::watch`].
    pub fn watch_objects(&self, type_: &ResourceType, options: WatchOptions) -> Result<ObjectWatch> {
        let kind = self.inner.shared.kinds.of_type(type_)?.clone();
        let WatchOptions { uid, namespace, labels, fields } = options;
        let selection = Selection::new(&kind, namespace, labels, &fields)?;
        let (existing, changes) = Subscription::open(&kind, uid);
        Ok(ObjectWatch { selection, existing: existing.into_iter(), changes, ended: false })
    }
}

impl ObjectWatch {
    /// Waits for the next change; `None` when the client is closed. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Change<dyn Object>> {
        StreamExt::next(self).await
    }

    fn visible(&self, object: &CachedObject) -> Option<Arc<dyn Object>> {
        object.object().filter(|_| self.selection.matches(object)).cloned()
    }

    fn change(&self, item: &FeedItem) -> Option<Change<dyn Object>> {
        let old = item.old.as_ref().and_then(|old| self.visible(old));
        let new = item.new.as_ref().and_then(|new| self.visible(new));
        match (old, new) {
            (None, None) => None,
            (None, Some(new)) => Some(Change::Added(new)),
            (Some(old), Some(new)) => Some(Change::Modified { old, new }),
            (Some(old), None) => Some(Change::Deleted(old)),
        }
    }
}

impl Stream for ObjectWatch {
    type Item = Change<dyn Object>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // A reader that never has to wait still lets other tasks run.
        let budget = std::task::ready!(tokio::task::coop::poll_proceed(cx));
        while let Some(object) = self.existing.next() {
            if let Some(object) = self.visible(&object) {
                budget.made_progress();
                return Poll::Ready(Some(Change::Added(object)));
            }
        }
        while !self.ended {
            match std::task::ready!(self.changes.poll_next(cx)) {
                Some(item) => {
                    if let Some(change) = self.change(&item) {
                        budget.made_progress();
                        return Poll::Ready(Some(change));
                    }
                }
                None => self.ended = true,
            }
        }
        Poll::Ready(None)
    }
}

impl FusedStream for ObjectWatch {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

/// A watch of objects of one Rust type, from [`Client::watch`]: a stream that ends when the client is closed.
pub struct Changes<T> {
    watch: ObjectWatch,
    of: PhantomData<fn() -> T>,
}

impl<T: Resource> Changes<T> {
    pub(super) fn new(watch: ObjectWatch) -> Self {
        Self { watch, of: PhantomData }
    }

    /// Waits for the next change; `None` when the client is closed. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Change<T>> {
        StreamExt::next(self).await
    }
}

impl<T: Resource> Stream for Changes<T> {
    type Item = Change<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Change<T>>> {
        loop {
            let Some(change) = std::task::ready!(self.watch.poll_next_unpin(cx)) else { return Poll::Ready(None) };
            // The client makes watches of the registered type alone, so every object is of it.
            if let Some(change) = typed(change) {
                return Poll::Ready(Some(change));
            }
        }
    }
}

impl<T: Resource> FusedStream for Changes<T> {
    fn is_terminated(&self) -> bool {
        self.watch.is_terminated()
    }
}

fn typed<T: Resource>(change: Change<dyn Object>) -> Option<Change<T>> {
    Some(match change {
        Change::Added(object) => Change::Added(downcast(object)?),
        Change::Modified { old, new } => Change::Modified { old: downcast(old)?, new: downcast(new)? },
        Change::Deleted(object) => Change::Deleted(downcast(object)?),
    })
}
