//! Following a kind from a moment on.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::cached::CachedObject;
use super::feed::{Feed, FeedItem};
use super::kinds::Kind;
use crate::resource::Uid;

/// The changes of one object, or of all of a kind. Dropping it ends it.
pub(super) struct Subscription {
    kind: Arc<Kind>,
    uid: Option<Uid>,
    feed: Arc<Feed>,
}

impl Subscription {
    /// What exists, in the order of a list, and what changes after that. Both are of one moment: nothing is missed
    /// between them, and nothing comes twice.
    pub(super) fn open(kind: &Arc<Kind>, uid: Option<Uid>) -> (Vec<CachedObject>, Self) {
        let mut cache = kind.cache.write();
        let existing = match &uid {
            Some(uid) => cache.get(uid).into_iter().cloned().collect(),
            None => cache.after(None).map(|(_, object)| object.clone()).collect(),
        };
        let feed = cache.subscribe(uid.as_ref());
        drop(cache);
        (existing, Self { kind: kind.clone(), uid, feed })
    }

    /// The next change; `None` when the client is closed.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<FeedItem>> {
        self.feed.poll_next(cx)
    }

    /// Waits for the next change; `None` when the client is closed. Dropping the future loses nothing.
    pub(super) async fn next(&self) -> Option<FeedItem> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.kind.cache.write().unsubscribe(self.uid.as_ref(), &self.feed);
    }
}
