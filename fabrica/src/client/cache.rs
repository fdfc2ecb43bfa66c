//! The objects of one kind in memory, and how they are found.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::ops::Bound;
use std::sync::Arc;

use hashbrown::hash_table::{self, HashTable};
use hashbrown::{DefaultHashBuilder, HashMap};

use super::cached::CachedObject;
use super::feed::{Feed, FeedItem, Feeds};
#[cfg(feature = "api")]
use super::history::{History, HistoryChange};
use super::owners::Owners;
use crate::resource::{ObjectKey, Uid};
use crate::store::PackedMap;
#[cfg(feature = "api")]
use crate::store::Revision;

/// Where an object stands in a list: by namespace, then by name. One string, so that a lookup borrows.
type Place = Arc<str>;

/// Separates namespace and name; smaller than whatever stands in either, so that the order is that of the pair.
pub(super) const SEPARATOR: char = '\0';

/// The place of a name.
pub(super) fn place(namespace: &str, name: &str) -> String {
    let mut place = String::with_capacity(namespace.len() + 1 + name.len());
    place.push_str(namespace);
    place.push(SEPARATOR);
    place.push_str(name);
    place
}

/// The objects of one kind. Only the follower changes it.
pub(crate) struct Cache {
    /// By the uid that each object has itself: an own copy in the table would cost three times what the object does there.
    objects: HashTable<CachedObject>,
    hasher: DefaultHashBuilder,
    by_name: PackedMap<Place, Uid>,
    /// For each selectable field, in their order: the objects that have a value, in the order of a list.
    by_field: Vec<HashMap<Box<str>, BTreeMap<Place, Uid>>>,
    by_owner: Owners,
    feeds: Feeds,
    /// The last changes, from when somebody asks for them.
    #[cfg(feature = "api")]
    history: Option<History>,
}

impl Cache {
    /// An empty cache that is indexed by so many fields.
    pub(super) fn new(fields: usize) -> Self {
        Self {
            objects: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            by_name: PackedMap::new(),
            by_field: std::iter::repeat_with(HashMap::new).take(fields).collect(),
            by_owner: Owners::new(),
            feeds: Feeds::default(),
            #[cfg(feature = "api")]
            history: None,
        }
    }

    /// The object with a uid.
    pub(crate) fn get(&self, uid: &str) -> Option<&CachedObject> {
        self.objects.find(self.hasher.hash_one(uid), |object| **object.uid() == *uid)
    }

    /// The object with a name.
    pub(crate) fn by_name(&self, namespace: &str, name: &str) -> Option<(&Uid, &CachedObject)> {
        let uid = self.by_name.get(place(namespace, name).as_str())?;
        self.get(uid).map(|object| (object.uid(), object))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// The uids: in the order of a list, which is more often than not that of the objects in memory, unless some of the
    /// objects have no name that can be read.
    pub(crate) fn uids(&self) -> impl Iterator<Item = &Uid> {
        // No object has two names, so there are as many names as objects only if each has one.
        let all_named = self.by_name.len() == self.objects.len();
        let by_name = all_named.then(|| self.by_name.values()).into_iter().flatten();
        by_name.chain((!all_named).then(|| self.objects.iter().map(CachedObject::uid)).into_iter().flatten())
    }

    /// The objects after a place, ordered by namespace and name.
    pub(super) fn after<'a>(
        &'a self,
        place: Option<&str>,
    ) -> impl Iterator<Item = (&'a str, &'a CachedObject)> + use<'a> {
        let start = place.map_or(Bound::Unbounded, Bound::Excluded);
        self.resolve(self.by_name.from(start))
    }

    /// The objects after a place that have a value in an indexed field, ordered alike.
    pub(super) fn with_field<'a>(
        &'a self,
        field: usize,
        value: &str,
        place: Option<&str>,
    ) -> impl Iterator<Item = (&'a str, &'a CachedObject)> + use<'a> {
        let start = place.map_or(Bound::Unbounded, Bound::Excluded);
        let found = self.by_field.get(field).and_then(|index| index.get(value));
        self.resolve(found.map(|places| places.range::<str, _>((start, Bound::Unbounded))).into_iter().flatten())
    }

    /// How many objects have a value in an indexed field.
    pub(super) fn count_with_field(&self, field: usize, value: &str) -> usize {
        self.by_field.get(field).and_then(|index| index.get(value)).map_or(0, BTreeMap::len)
    }

    /// The uids of the objects in a namespace, in the order of a list; those that can't be decoded among them.
    pub(super) fn in_namespace<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a Uid> + use<'a> {
        // Names are not empty: every object of the namespace comes after this.
        let start = place(namespace, "");
        let after = self.by_name.from(Bound::Excluded(start.as_str()));
        after.take_while(move |(place, _)| place.starts_with(&start)).map(|(_, uid)| uid)
    }

    /// The uids of the objects of an owner, whose kind may be unknown to the program; in no order.
    pub(super) fn owned_by<'a>(
        &'a self,
        group: &str,
        kind: &str,
        owner: &Uid,
    ) -> impl Iterator<Item = &'a Uid> + use<'a> {
        self.by_owner.of(group, kind, owner)
    }

    /// The objects of an owner, those that can't be decoded among them, in the order of a list.
    pub(super) fn children<'a>(&'a self, owner: &ObjectKey) -> impl Iterator<Item = (&'a Uid, &'a CachedObject)> {
        let children = self.by_owner.in_order(owner.kind.group, owner.kind.kind, &owner.uid);
        children.into_iter().filter_map(|uid| Some((uid, self.get(uid)?)))
    }

    /// Those that a foreground deletion of their owner waits for.
    pub(super) fn blocking<'a>(&'a self, owner: &ObjectKey) -> impl Iterator<Item = &'a Uid> + use<'a> {
        self.by_owner.blocking(owner.kind.group, owner.kind.kind, &owner.uid)
    }

    /// The uids of all objects with an owner; of one with several as often.
    pub(super) fn with_owner(&self) -> impl Iterator<Item = &Uid> {
        self.by_owner.all()
    }

    fn resolve<'a>(
        &'a self,
        places: impl Iterator<Item = (&'a Place, &'a Uid)>,
    ) -> impl Iterator<Item = (&'a str, &'a CachedObject)> {
        places.filter_map(|(place, uid)| Some((&**place, self.get(uid)?)))
    }

    /// The uid as the cache already holds it, so that an object's versions share one.
    pub(super) fn intern(&self, uid: &str) -> Uid {
        self.get(uid).map_or_else(|| uid.into(), |object| object.uid().clone())
    }

    /// Puts or removes an object, brings the indexes and the feeds up to date, and returns what was there.
    pub(super) fn apply(&mut self, uid: &Uid, new: Option<&CachedObject>) -> Option<CachedObject> {
        let old = self.replace(uid, new);
        self.index(uid, old.as_ref(), new);
        self.feeds.push(&FeedItem { uid: uid.clone(), old: old.clone(), new: new.cloned() });
        old
    }

    fn replace(&mut self, uid: &Uid, new: Option<&CachedObject>) -> Option<CachedObject> {
        let hasher = &self.hasher;
        let hash = |object: &CachedObject| hasher.hash_one(&**object.uid());
        let entry = self.objects.entry(hasher.hash_one(&**uid), |object| object.uid() == uid, hash);
        match (entry, new) {
            (hash_table::Entry::Occupied(mut entry), Some(new)) => {
                Some(std::mem::replace(entry.get_mut(), new.clone()))
            }
            (hash_table::Entry::Occupied(entry), None) => Some(entry.remove().0),
            (hash_table::Entry::Vacant(entry), Some(new)) => {
                entry.insert(new.clone());
                None
            }
            (hash_table::Entry::Vacant(_), None) => None,
        }
    }

    fn index(&mut self, uid: &Uid, old: Option<&CachedObject>, new: Option<&CachedObject>) {
        // Names don't change: most often there is nothing to do.
        if let (Some(old), Some(new)) = (old, new)
            && old.is_found_as(new)
        {
            return;
        }
        let old_place = old.and_then(CachedObject::place);
        let new_place = new.and_then(CachedObject::place);
        let moved = old_place != new_place;
        if moved {
            // Another object may have taken the name already (a relist sees only the outcome): that one stays.
            if let Some(place) = &old_place
                && self.by_name.get(place.as_str()) == Some(uid)
            {
                self.by_name.remove(place.as_str());
            }
            if let Some(place) = &new_place {
                self.by_name.insert(place.as_str().into(), uid.clone());
            }
        }
        for (field, index) in self.by_field.iter_mut().enumerate() {
            let old_value = old.and_then(|old| old.field(field));
            let new_value = new.and_then(|new| new.field(field));
            if !moved && old_value == new_value {
                continue;
            }
            if let (Some(place), Some(value)) = (&old_place, old_value)
                && let Some(places) = index.get_mut(value)
            {
                places.remove(place.as_str());
                if places.is_empty() {
                    index.remove(value);
                }
            }
            if let (Some(place), Some(value)) = (&new_place, new_value) {
                let place = shared(&self.by_name, place);
                index.entry(value.into()).or_default().insert(place, uid.clone());
            }
        }
        let old_owners = old.map(CachedObject::owners).unwrap_or_default();
        let new_owners = new.map(CachedObject::owners).unwrap_or_default();
        if !moved && old_owners == new_owners {
            return;
        }
        if let Some(place) = &old_place {
            for owner in &*old_owners {
                self.by_owner.remove(owner, place.as_str().into(), uid.clone());
            }
        }
        if let Some(place) = &new_place {
            for owner in &*new_owners {
                self.by_owner.add(owner, shared(&self.by_name, place), uid.clone());
            }
        }
    }

    /// A feed of the changes from now on: of one object, or of all.
    pub(super) fn subscribe(&mut self, uid: Option<&Uid>) -> Arc<Feed> {
        self.feeds.add(uid)
    }

    /// Ends a feed.
    pub(super) fn unsubscribe(&mut self, uid: Option<&Uid>, feed: &Arc<Feed>) {
        self.feeds.remove(uid, feed);
    }

    /// Ends every feed, and those still to come.
    pub(super) fn close(&mut self) {
        self.feeds.close();
        #[cfg(feature = "api")]
        self.history.iter().for_each(History::close);
    }
}

#[cfg(feature = "api")]
impl Cache {
    /// Keeps the changes after a revision, which must be the one that the cache shows.
    pub(super) fn keep_history(&mut self, changes: usize, seen: Revision) {
        let closed = self.feeds.is_closed();
        self.history.get_or_insert_with(|| History::new(seen, closed)).grow(changes);
    }

    pub(super) fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    pub(super) fn history_mut(&mut self) -> Option<&mut History> {
        self.history.as_mut()
    }

    /// Adds what a revision did to an object, if changes are kept.
    pub(super) fn keep_change(
        &mut self,
        uid: &Uid,
        old: Option<&CachedObject>,
        new: Option<&CachedObject>,
        revision: Revision,
    ) {
        if let Some(history) = &mut self.history
            && (old.is_some() || new.is_some())
        {
            history.push(HistoryChange::new(uid.clone(), old.cloned(), new.cloned(), revision));
        }
    }

    /// How many names come after a place, in a namespace or in all.
    pub(super) fn names_after(&self, place: &str, namespace: Option<&str>) -> usize {
        let start = namespace.map(|namespace| self::place(namespace, ""));
        let names = self.by_name.from(Bound::Excluded(place));
        names.take_while(|(place, _)| start.as_ref().is_none_or(|start| place.starts_with(start.as_str()))).count()
    }
}

/// The place as the index of names holds it already, so that all indexes share one.
fn shared(by_name: &PackedMap<Place, Uid>, place: &str) -> Place {
    by_name.get_key_value(place).map_or_else(|| place.into(), |(place, _)| place.clone())
}
