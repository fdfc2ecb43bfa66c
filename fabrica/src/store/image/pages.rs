//! Pages after the first, which show the past.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use super::Image;
use crate::store::feed::Feed;
use crate::store::{Entry, Key, PageToken, Revision, StoreError};

impl Image {
    /// The part of a list that comes after a token, as it was at the token's revision, and whether there is
    /// more.
    ///
    /// Nothing is kept for it: the past is the present with the changes since then taken back, and the feed
    /// knows what each of them replaced. It costs a look at every revision since the token's.
    pub(super) fn list_past(
        &self,
        prefix: &Key,
        token: &PageToken,
        limit: usize,
    ) -> Result<(Vec<Entry>, Revision, bool), StoreError> {
        if !token.after().starts_with(prefix) {
            return Err(StoreError::Invalid(format!(
                "the page token is not one of a list of {prefix}: hand it back with the prefix that it came from"
            )));
        }
        let mut past = Past::at(token, prefix);
        // Most of the way without the store's lock, the rest with it, so that both show one revision.
        past.catch_up(&self.feed)?;
        let state = self.state.lock();
        if token.revision() > state.revision {
            return Err(StoreError::FutureRevision { asked: token.revision(), current: state.revision });
        }
        past.catch_up(&self.feed)?;
        let now = state.under(prefix, Bound::Excluded(token.after()));
        let (entries, more) = cut(past.over(now), limit);
        Ok((entries, token.revision(), more))
    }
}

/// The token of the page that follows this entry.
pub(super) fn token(revision: Revision, last: &Entry) -> PageToken {
    PageToken::new(revision, last.key.clone())
}

/// The first `limit` entries, and whether there are more.
pub(super) fn cut(mut entries: impl Iterator<Item = Entry>, limit: usize) -> (Vec<Entry>, bool) {
    let page: Vec<Entry> = entries.by_ref().take(limit).collect();
    let more = entries.next().is_some();
    (page, more)
}

/// What the changed keys after a token held at its revision.
struct Past<'a> {
    prefix: &'a Key,
    after: &'a Key,
    seen: Revision,
    /// The first change of a key says what it held before all of them.
    before: BTreeMap<Key, Option<Entry>>,
}

impl<'a> Past<'a> {
    fn at(token: &'a PageToken, prefix: &'a Key) -> Self {
        Self { prefix, after: token.after(), seen: token.revision(), before: BTreeMap::new() }
    }

    fn catch_up(&mut self, feed: &Feed) -> Result<(), StoreError> {
        loop {
            let batches = feed.batches_after(self.seen)?;
            let Some(last) = batches.last() else { return Ok(()) };
            self.seen = last.revision;
            for change in batches.iter().flat_map(|batch| batch.changes.iter()) {
                if change.key > *self.after && change.key.starts_with(self.prefix) {
                    self.before.entry(change.key.clone()).or_insert_with(|| change.previous.clone());
                }
            }
        }
    }

    /// The entries of now, with what they were then laid over.
    fn over(self, now: impl Iterator<Item = Entry>) -> impl Iterator<Item = Entry> {
        let mut now = now.peekable();
        let mut before = self.before.into_iter().peekable();
        std::iter::from_fn(move || {
            loop {
                let order = match (now.peek(), before.peek()) {
                    (Some(entry), Some((key, _))) => entry.key.cmp(key),
                    (Some(_), None) => Ordering::Less,
                    (None, _) => Ordering::Greater,
                };
                if order == Ordering::Less {
                    return now.next();
                }
                if order == Ordering::Equal {
                    now.next();
                }
                if let Some(entry) = before.next()?.1 {
                    return Some(entry);
                }
            }
        })
    }
}
