//! Lists that show one exact revision.

use std::cmp::Ordering;

use super::cached::CachedObject;
use super::keys;
use super::kinds::Kind;
use super::lifecycle::Client;
use super::list::candidates;
use super::place::Place;
use super::select::Selection;
use super::trouble;
use crate::resource::{FieldSelector, LabelSelector, ResourceType};
use crate::store::{Page, PageToken, Revision};
use crate::{Error, ErrorKind, Result};

/// How many entries are asked of the store at once.
const PAGE: usize = 1000;

/// Which objects to list, and as of when. The default is all of them, as of now.
#[derive(Clone, Debug, Default)]
pub(crate) struct SnapshotOptions {
    /// Only objects of this namespace. Default: all namespaces.
    pub(crate) namespace: Option<String>,
    /// Only objects with such labels. Default: whatever labels.
    pub(crate) labels: LabelSelector,
    /// Only objects with such fields. Default: whatever fields.
    pub(crate) fields: FieldSelector,
    /// At most so many objects; 0 means all. Default: 0.
    pub(crate) limit: usize,
    /// The revision to show. Default: the newest that is seen.
    pub(crate) at: Option<Revision>,
    /// Only objects after this place. Default: from the beginning.
    pub(crate) after: Option<Place>,
}

/// Objects of one kind at one revision, ordered by namespace and name.
pub(crate) struct Snapshot {
    /// The revision that is shown: every change up to it, and none after.
    pub(crate) revision: Revision,
    /// The objects, those that can't be decoded among them. Only one whose name can't be read is not there.
    pub(crate) items: Vec<CachedObject>,
    /// Where the next page begins; `None` on the last one.
    pub(crate) next: Option<Place>,
    /// How many objects are left after `next`, if everything was asked for by namespace alone; else 0.
    pub(crate) remaining: usize,
}

impl Client {
    /// The objects of a kind at one revision.
    ///
    /// Costs a reference count for each object, and a look at each change since the revision. What the history doesn't
    /// reach any more is read from the store, which costs a look at every object of the kind.
    ///
    /// # Errors
    /// `Invalid` for a field that the kind can't be selected by; `Expired` if neither the history nor the store reaches
    /// back to the revision; `Unavailable` if the revision is not seen yet (see [`Client::wait_seen`]), or if the store
    /// can't be read.
    pub(crate) async fn snapshot(&self, type_: &ResourceType, options: SnapshotOptions) -> Result<Snapshot> {
        let kind = self.inner.shared.kinds.of_type(type_)?;
        let SnapshotOptions { namespace, labels, fields, limit, at, after } = options;
        let selection = Selection::new(kind, namespace, labels, &fields)?;
        let part = Part { selection, after, limit: if limit == 0 { usize::MAX } else { limit } };
        let seen = self.seen();
        let revision = at.unwrap_or(seen);
        if revision > seen {
            return Err(not_reached(revision, seen));
        }
        match part.of_cache(kind, revision) {
            Some(snapshot) => Ok(snapshot),
            None => Ok(part.of_list(revision, self.listed(kind, revision).await?)),
        }
    }

    /// The objects of a kind at a revision, as the store has them.
    async fn listed(&self, kind: &Kind, at: Revision) -> Result<Vec<CachedObject>> {
        let prefix = keys::objects_of(kind.group_kind());
        let mut token = Some(PageToken::new(at, prefix.clone()));
        let mut objects = Vec::new();
        while let Some(next) = token {
            let page = self.inner.store.list(&prefix, Page::first(PAGE).after(next)).await;
            let page = page
                .map_err(|error| trouble::reading(format_args!("{} as of revision {at}", kind.type_.plural), &error))?;
            for entry in &page.entries {
                let Some(uid) = keys::uid_of(kind.type_, &entry.key) else { continue };
                // Most are what the cache holds: those need not be decoded once more.
                let (uid, known) = {
                    let cache = kind.cache.read();
                    let same =
                        |known: &&CachedObject| known.modified() == entry.modified && known.created == entry.created;
                    (cache.intern(uid), cache.get(uid).filter(same).cloned())
                };
                objects.push(known.unwrap_or_else(|| CachedObject::read(kind, &uid, entry)));
            }
            token = page.next;
            // A store in memory never waits: let others run.
            tokio::task::yield_now().await;
        }
        Ok(objects)
    }
}

/// A revision that the client has not seen.
pub(super) fn not_reached(asked: Revision, seen: Revision) -> Error {
    let message =
        format!("revision {asked} is not reached yet: the newest is {seen}; ask again later, or for that one");
    Error::new(ErrorKind::Unavailable, message)
}

/// Which part of a kind's objects is asked for.
struct Part {
    selection: Selection,
    after: Option<Place>,
    limit: usize,
}

/// An object and where it stands.
type Placed<'a> = (&'a str, &'a CachedObject);

impl Part {
    /// From the cache, with the changes since the revision taken back. `None` if the history doesn't have them all.
    fn of_cache(&self, kind: &Kind, revision: Revision) -> Option<Snapshot> {
        let cache = kind.cache.read();
        let before = cache.history()?.before(revision)?;
        let mut then: Vec<(String, &CachedObject)> =
            before.values().flatten().filter_map(|object| Some((object.place()?, *object))).collect();
        then.retain(|(place, _)| self.is_after(place));
        then.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
        let now = candidates(&cache, &self.selection, self.after.as_ref());
        let unchanged = now.filter(|(_, object)| !before.contains_key(object.uid()));
        let then = then.iter().map(|(place, object)| (place.as_str(), *object));
        let mut snapshot = self.cut(revision, merged(unchanged, then.clone()));
        if let Some(next) = &snapshot.next
            && self.selection.is_everything()
        {
            let namespace = self.selection.namespace();
            let is_left = |place: &str| place > next.as_str() && self.is_in_namespace(place);
            let now = cache.names_after(next.as_str(), namespace);
            let changed = before.keys().filter_map(|uid| cache.get(uid)?.place()).filter(|place| is_left(place));
            let then = then.filter(|(place, _)| is_left(place));
            snapshot.remaining = (now + then.count()).saturating_sub(changed.count());
        }
        Some(snapshot)
    }

    /// From all objects of the kind as they were.
    fn of_list(&self, revision: Revision, objects: Vec<CachedObject>) -> Snapshot {
        let placed = objects.into_iter().filter_map(|object| Some((object.place()?, object)));
        let mut placed: Vec<_> = placed.filter(|(place, _)| self.is_after(place)).collect();
        placed.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
        let placed = placed.iter().map(|(place, object)| (place.as_str(), object));
        let mut snapshot = self.cut(revision, placed.clone());
        if let Some(next) = &snapshot.next
            && self.selection.is_everything()
        {
            let left = placed.filter(|(place, _)| *place > next.as_str() && self.is_in_namespace(place));
            snapshot.remaining = left.count();
        }
        snapshot
    }

    fn is_after(&self, place: &str) -> bool {
        self.after.as_ref().is_none_or(|after| place > after.as_str())
    }

    fn is_in_namespace(&self, place: &str) -> bool {
        self.selection.namespace().is_none_or(|namespace| Place::new(place).namespace() == namespace)
    }

    fn cut<'a>(&self, revision: Revision, objects: impl Iterator<Item = Placed<'a>>) -> Snapshot {
        let mut found = objects.filter(|(_, object)| self.selection.matches_any(object));
        let mut last = "";
        let items: Vec<CachedObject> =
            found.by_ref().take(self.limit).inspect(|(place, _)| last = place).map(|(_, o)| o.clone()).collect();
        let more = items.len() == self.limit && found.next().is_some();
        Snapshot { revision, items, next: more.then(|| Place::new(last)), remaining: 0 }
    }
}

/// Two lists in the order of places as one.
fn merged<'a>(
    one: impl Iterator<Item = Placed<'a>>,
    two: impl Iterator<Item = Placed<'a>>,
) -> impl Iterator<Item = Placed<'a>> {
    let (mut one, mut two) = (one.peekable(), two.peekable());
    std::iter::from_fn(move || match (one.peek(), two.peek()) {
        (Some((first, _)), Some((second, _))) if first.cmp(second) == Ordering::Greater => two.next(),
        (None, _) => two.next(),
        _ => one.next(),
    })
}
