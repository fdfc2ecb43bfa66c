//! How changes reach those who wait for them: watches, and waits for one object.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::cached::CachedObject;
use crate::resource::Uid;

/// How many changes a feed holds one by one. Beyond that, several changes of one object become one, so that a reader
/// that stands still costs memory for the objects that changed and not for every change.
const ONE_BY_ONE: usize = 8192;

/// One change of one object.
#[derive(Clone)]
pub(super) struct FeedItem {
    pub(super) uid: Uid,
    pub(super) old: Option<CachedObject>,
    pub(super) new: Option<CachedObject>,
}

/// The changes that one reader has still to see.
pub(super) struct Feed(Mutex<State>);

struct State {
    pending: VecDeque<FeedItem>,
    /// When `pending` is that long, changes of one object are joined.
    join_at: usize,
    waker: Option<Waker>,
    closed: bool,
}

impl Feed {
    fn new(closed: bool) -> Self {
        Self(Mutex::new(State { pending: VecDeque::new(), join_at: ONE_BY_ONE, waker: None, closed }))
    }

    fn push(&self, item: FeedItem) {
        let mut state = self.0.lock();
        state.pending.push_back(item);
        if state.pending.len() >= state.join_at {
            let pending = std::mem::take(&mut state.pending);
            state.pending = join(pending);
            // At least half of the room is free now: joining costs O(1) a change.
            state.join_at = ONE_BY_ONE.max(2 * state.pending.len());
        }
        if let Some(waker) = state.waker.take() {
            drop(state);
            waker.wake();
        }
    }

    fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        if let Some(waker) = state.waker.take() {
            drop(state);
            waker.wake();
        }
    }

    /// The next change; `None` when there will be none.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<FeedItem>> {
        let mut state = self.0.lock();
        if let Some(item) = state.pending.pop_front() {
            return Poll::Ready(Some(item));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

/// Joins the changes of each object into one, at the place of its first: from what the reader knows to what is.
/// A deletion and what follows it stay two, since the second is another object.
fn join(items: VecDeque<FeedItem>) -> VecDeque<FeedItem> {
    let mut places: HashMap<Uid, usize> = HashMap::new();
    let mut joined: Vec<FeedItem> = Vec::new();
    for item in items {
        match places.get(&item.uid).map(|place| &mut joined[*place]) {
            Some(first) if first.new.is_some() => first.new = item.new,
            _ => {
                places.insert(item.uid.clone(), joined.len());
                joined.push(item);
            }
        }
    }
    joined.retain(|item| item.old.is_some() || item.new.is_some());
    joined.into()
}

/// The feeds of one kind.
#[derive(Default)]
pub(super) struct Feeds {
    all: Vec<Arc<Feed>>,
    of_one: HashMap<Uid, Vec<Arc<Feed>>>,
    closed: bool,
}

impl Feeds {
    pub(super) fn push(&self, item: &FeedItem) {
        for feed in &self.all {
            feed.push(item.clone());
        }
        if let Some(feeds) = self.of_one.get(&item.uid) {
            for feed in feeds {
                feed.push(item.clone());
            }
        }
    }

    pub(super) fn add(&mut self, uid: Option<&Uid>) -> Arc<Feed> {
        let feed = Arc::new(Feed::new(self.closed));
        match uid {
            Some(uid) => self.of_one.entry(uid.clone()).or_default().push(feed.clone()),
            None => self.all.push(feed.clone()),
        }
        feed
    }

    pub(super) fn remove(&mut self, uid: Option<&Uid>, feed: &Arc<Feed>) {
        let Some(uid) = uid else {
            self.all.retain(|other| !Arc::ptr_eq(other, feed));
            return;
        };
        if let Some(feeds) = self.of_one.get_mut(uid) {
            feeds.retain(|other| !Arc::ptr_eq(other, feed));
            if feeds.is_empty() {
                self.of_one.remove(uid);
            }
        }
    }

    #[cfg(feature = "api")]
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
        for feed in self.all.iter().chain(self.of_one.values().flatten()) {
            feed.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::kinds::Kinds;
    use crate::client::sample::Device;
    use crate::resource::{GroupKind, Resource};
    use crate::store::{Entry, Revision};

    /// The version of an object that a revision made.
    fn version(revision: u64) -> CachedObject {
        let kinds = Kinds::new(&[Device::TYPE], "x").unwrap();
        let (created, modified) = (Revision::new(1), Revision::new(revision));
        let entry = Entry { key: "o".into(), value: "{}".into(), created, modified };
        CachedObject::read(kinds.get(GroupKind::of::<Device>()).unwrap(), &"a".into(), &entry)
    }

    fn joined(changes: &[(&str, Option<u64>, Option<u64>)]) -> Vec<(String, Option<u64>, Option<u64>)> {
        let item = |(uid, old, new): &(&str, Option<u64>, Option<u64>)| FeedItem {
            uid: (*uid).into(),
            old: old.map(version),
            new: new.map(version),
        };
        let modified = |object: Option<CachedObject>| object.map(|object| object.modified().get());
        let items = join(changes.iter().map(item).collect());
        items.into_iter().map(|item| (item.uid.to_string(), modified(item.old), modified(item.new))).collect()
    }

    #[test]
    fn joined_changes_lead_from_what_the_reader_knows_to_what_is() {
        let changes = [("a", Some(1), Some(2)), ("b", None, Some(3)), ("a", Some(2), Some(4)), ("b", Some(3), Some(5))];
        assert_eq!(joined(&changes), [("a".into(), Some(1), Some(4)), ("b".into(), None, Some(5))]);
    }

    #[test]
    fn an_object_that_came_and_went_is_not_shown() {
        assert!(joined(&[("a", None, Some(1)), ("a", Some(1), None)]).is_empty());
    }

    #[test]
    fn a_deletion_is_shown_even_if_another_object_takes_the_uid_over() {
        let changes = [("a", Some(1), Some(2)), ("a", Some(2), None), ("a", None, Some(4)), ("a", Some(4), Some(5))];
        assert_eq!(joined(&changes), [("a".into(), Some(1), None), ("a".into(), None, Some(5))]);
    }
}
