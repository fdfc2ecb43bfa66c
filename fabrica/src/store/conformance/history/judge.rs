//! What a watch delivered, against what happened.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::timeout;

use super::replay::Truth;
use crate::store::conformance::bench::{Bench, PATIENCE};
use crate::store::{Batch, Key, Revision, WatchItem};

/// What a watch promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store::conformance) enum Guarantee {
    /// Revisions never go back.
    Ordered,
    /// No change comes twice.
    Unique,
    /// Every revision that changed something under the prefix comes.
    Reliable,
    /// A revision comes whole, in one batch.
    Atomic,
    /// A watch that begins where another stopped goes on without a gap or a repetition.
    Resumable,
    /// Up to a progress mark all was delivered, and nothing older comes after it.
    Bookmarkable,
    /// Changes are what happened, and under the prefix.
    Truthful,
}

/// What one watch delivered.
pub(super) struct Session {
    prefix: Key,
    after: Revision,
    /// Whether it went on after an earlier session.
    resumed: bool,
    items: Vec<WatchItem>,
    /// Up to where it should have delivered everything.
    until: Revision,
    /// Why it came to an end too early.
    broke_off: Option<String>,
}

impl Session {
    /// Watches until `last` has been told of, or `most` batches came.
    pub(super) async fn observe(
        bench: &Bench,
        prefix: &Key,
        after: Revision,
        resumed: bool,
        most: usize,
        is_last: impl Fn(&WatchItem) -> bool,
    ) -> Result<(Self, bool), String> {
        let watch = bench.watch(prefix.clone(), after).await?;
        Ok(Self::record(watch, prefix, after, resumed, most, is_last).await)
    }

    /// Records what a watch delivers; says whether the last item came.
    pub(super) async fn record(
        mut watch: crate::store::Watch,
        prefix: &Key,
        after: Revision,
        resumed: bool,
        most: usize,
        is_last: impl Fn(&WatchItem) -> bool,
    ) -> (Self, bool) {
        let mut session =
            Self { prefix: prefix.clone(), after, resumed, items: Vec::new(), until: after, broke_off: None };
        let mut batches = 0;
        while batches < most {
            let item = match timeout(PATIENCE, watch.next()).await {
                Ok(Some(item)) => item,
                Ok(None) => return session.broken("it ended without saying that it expired"),
                Err(_) => return session.broken("nothing came any more"),
            };
            match &item {
                WatchItem::Batch(batch) => {
                    batches += 1;
                    session.until = session.until.max(batch.revision);
                }
                WatchItem::Progress(mark) => session.until = session.until.max(*mark),
                WatchItem::Expired { .. } => return session.broken("it expired within the window"),
            }
            let last = is_last(&item);
            session.items.push(item);
            if last {
                return (session, true);
            }
        }
        // Else one that begins after it would see the same for ever.
        if session.until > after { (session, false) } else { session.broken("it shows only what came before") }
    }

    fn broken(mut self, reason: &str) -> (Self, bool) {
        self.broke_off = Some(format!("{reason}, after revision {}", self.until));
        (self, true)
    }

    /// Where the next session goes on.
    pub(super) fn until(&self) -> Revision {
        self.until
    }

    pub(super) fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.items.iter().filter_map(|item| match item {
            WatchItem::Batch(batch) => Some(batch),
            _ => None,
        })
    }

    /// Everything that this session got wrong.
    pub(super) fn judge(&self, truth: &Truth) -> Vec<(Guarantee, String)> {
        let mut judge =
            Judge { session: self, truth, seen: BTreeMap::new(), last: self.after, mark: None, broken: Vec::new() };
        for item in &self.items {
            match item {
                WatchItem::Batch(batch) => judge.batch(batch),
                WatchItem::Progress(mark) => judge.progress(*mark),
                WatchItem::Expired { .. } => {}
            }
        }
        judge.end();
        judge.broken
    }
}

struct Judge<'a> {
    session: &'a Session,
    truth: &'a Truth,
    seen: BTreeMap<Revision, BTreeSet<&'a Key>>,
    last: Revision,
    mark: Option<Revision>,
    broken: Vec<(Guarantee, String)>,
}

impl<'a> Judge<'a> {
    fn batch(&mut self, batch: &'a Batch) {
        let revision = batch.revision;
        if revision <= self.session.after {
            let after = self.session.after;
            self.breaks(
                Guarantee::Resumable,
                &format!("it delivers revision {revision}, though it began after {after}"),
            );
        }
        if let Some(mark) = self.mark.filter(|mark| *mark >= revision) {
            self.breaks(Guarantee::Bookmarkable, &format!("revision {revision} came after the mark {mark}"));
        }
        let keys: BTreeSet<&Key> = batch.changes.iter().map(|change| &change.key).collect();
        if keys.len() < batch.changes.len() {
            self.breaks(Guarantee::Unique, &format!("a key comes twice in revision {revision}"));
        }
        if let Some(seen) = self.seen.get(&revision) {
            if let Some(key) = keys.iter().find(|key| seen.contains(**key)) {
                self.breaks(Guarantee::Unique, &format!("revision {revision} of {key} came twice"));
            } else {
                self.breaks(Guarantee::Atomic, &format!("revision {revision} came in more than one batch"));
            }
        } else if revision < self.last {
            let last = self.last;
            self.breaks(Guarantee::Ordered, &format!("revision {revision} came after revision {last}"));
        }
        self.changes(batch);
        self.last = self.last.max(revision);
        self.seen.entry(revision).or_default().extend(keys);
    }

    fn changes(&mut self, batch: &Batch) {
        let revision = batch.revision;
        if batch.changes.is_empty() {
            self.breaks(Guarantee::Truthful, &format!("the batch of revision {revision} is empty"));
        }
        let happened = self.truth.changes.get(&revision);
        for change in batch.changes.iter() {
            let key = &change.key;
            if !key.starts_with(&self.session.prefix) {
                self.breaks(Guarantee::Truthful, &format!("{key} is not under its prefix"));
            }
            let expected = happened.and_then(|changes| changes.get(key));
            if expected != Some(change) {
                let reason = format!("at revision {revision} it shows {change:?}, what happened is {expected:?}");
                self.breaks(Guarantee::Truthful, &reason);
            }
        }
    }

    fn progress(&mut self, mark: Revision) {
        let told = self.mark.map_or(self.last, |mark| mark.max(self.last));
        if mark < told {
            self.breaks(Guarantee::Bookmarkable, &format!("the mark {mark} came after revision {told}"));
        }
        let missing = self.missing(mark).next();
        if let Some(missing) = missing {
            self.breaks(Guarantee::Bookmarkable, &format!("the mark {mark} came before revision {missing}"));
        }
        self.mark = Some(mark);
    }

    fn end(&mut self) {
        if let Some(reason) = &self.session.broke_off {
            self.breaks(Guarantee::Reliable, reason);
        }
        let missing: Vec<Revision> = self.missing(self.session.until).collect();
        let first = self.expected(self.session.until).next();
        for revision in missing {
            let begins = self.session.resumed && first == Some(revision);
            let guarantee = if begins { Guarantee::Resumable } else { Guarantee::Reliable };
            self.breaks(guarantee, &format!("revision {revision} never came"));
        }
        let parts: Vec<String> = self
            .expected(self.session.until)
            .filter_map(|revision| {
                let seen = self.seen.get(&revision)?;
                let key = self.wanted(revision).find(|key| !seen.contains(*key))?;
                Some(format!("revision {revision} came without {key}"))
            })
            .collect();
        for reason in parts {
            self.breaks(Guarantee::Atomic, &reason);
        }
    }

    /// The revisions up to `until` that changed something under the prefix.
    fn expected(&self, until: Revision) -> impl Iterator<Item = Revision> {
        let revisions = self.truth.changes.keys().copied();
        let after = self.session.after;
        revisions.filter(move |r| *r > after && *r <= until && self.wanted(*r).next().is_some())
    }

    fn missing(&self, until: Revision) -> impl Iterator<Item = Revision> {
        self.expected(until).filter(|revision| !self.seen.contains_key(revision))
    }

    fn wanted(&self, revision: Revision) -> impl Iterator<Item = &'a Key> {
        let changed = self.truth.changes.get(&revision).into_iter().flat_map(BTreeMap::keys);
        changed.filter(|key| key.starts_with(&self.session.prefix))
    }

    fn breaks(&mut self, guarantee: Guarantee, what: &str) {
        let Session { prefix, after, .. } = self.session;
        self.broken.push((guarantee, format!("a watch of \"{prefix}\" after {after}: {what}")));
    }
}
