//! Which objects of one kind belong to whom.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::resource::{OwnerReference, Uid};

/// The objects of one kind by their owners. Only objects that have an owner cost anything.
pub(super) struct Owners {
    /// The kinds of the owners, as group and kind: a handful. Their place here stands for them in a link.
    kinds: Vec<(Box<str>, Box<str>)>,
    /// For whom a foreground deletion of the owner waits. Apart, so that it is seen at once when none is left.
    blocking: BTreeSet<Link>,
    others: BTreeSet<Link>,
    /// Come before every other in the order.
    least: (Arc<str>, Uid),
}

/// One reference. Ordered by the owner, then as a list of the objects is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    kind: u32,
    owner: Uid,
    place: Arc<str>,
    child: Uid,
}

impl Owners {
    pub(super) fn new() -> Self {
        let least = (Arc::from(""), Uid::default());
        Self { kinds: Vec::new(), blocking: BTreeSet::new(), others: BTreeSet::new(), least }
    }

    pub(super) fn add(&mut self, reference: &OwnerReference, place: Arc<str>, child: Uid) {
        let (group, kind) = (reference.group(), &reference.kind);
        let kind = self.kind(group, kind).unwrap_or_else(|| {
            self.kinds.push((group.into(), kind.as_str().into()));
            self.kinds.len() - 1
        });
        let link = Link { kind: number(kind), owner: reference.uid.clone(), place, child };
        self.links(reference.block_owner_deletion).insert(link);
    }

    pub(super) fn remove(&mut self, reference: &OwnerReference, place: Arc<str>, child: Uid) {
        if let Some(kind) = self.kind(reference.group(), &reference.kind) {
            let link = Link { kind: number(kind), owner: reference.uid.clone(), place, child };
            self.links(reference.block_owner_deletion).remove(&link);
        }
    }

    /// The objects of an owner, in the order of a list; first those that a foreground deletion waits for.
    pub(super) fn of<'a>(&'a self, group: &str, kind: &str, owner: &Uid) -> impl Iterator<Item = &'a Uid> + use<'a> {
        self.blocking(group, kind, owner).chain(self.range(&self.others, group, kind, owner))
    }

    /// Those for whom a foreground deletion of the owner waits.
    pub(super) fn blocking<'a>(
        &'a self,
        group: &str,
        kind: &str,
        owner: &Uid,
    ) -> impl Iterator<Item = &'a Uid> + use<'a> {
        self.range(&self.blocking, group, kind, owner)
    }

    /// Every object with an owner; one with several owners as often.
    pub(super) fn all(&self) -> impl Iterator<Item = &Uid> {
        self.blocking.iter().chain(&self.others).map(|link| &link.child)
    }

    fn range<'a>(
        &'a self,
        links: &'a BTreeSet<Link>,
        group: &str,
        kind: &str,
        owner: &Uid,
    ) -> impl Iterator<Item = &'a Uid> + use<'a> {
        let kind = if links.is_empty() { None } else { self.kind(group, kind).map(number) };
        let first = kind.map(|kind| {
            let (place, child) = self.least.clone();
            Link { kind, owner: owner.clone(), place, child }
        });
        let after = first.clone().map(|first| links.range(first..)).into_iter().flatten();
        let is_of = move |link: &&Link| first.as_ref().is_some_and(|f| f.kind == link.kind && f.owner == link.owner);
        after.take_while(is_of).map(|link| &link.child)
    }

    fn links(&mut self, blocking: bool) -> &mut BTreeSet<Link> {
        if blocking { &mut self.blocking } else { &mut self.others }
    }

    fn kind(&self, group: &str, kind: &str) -> Option<usize> {
        self.kinds.iter().position(|known| (&*known.0, &*known.1) == (group, kind))
    }
}

/// More kinds than that fit into no memory.
fn number(kind: usize) -> u32 {
    u32::try_from(kind).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(kind: &str, uid: &str, blocking: bool) -> OwnerReference {
        OwnerReference {
            api_version: "example.io/v1".into(),
            kind: kind.into(),
            name: "x".into(),
            uid: uid.into(),
            controller: false,
            block_owner_deletion: blocking,
        }
    }

    fn of(owners: &Owners, kind: &str, uid: &str) -> Vec<String> {
        owners.of("example.io", kind, &uid.into()).map(ToString::to_string).collect()
    }

    #[test]
    fn objects_are_found_by_group_kind_and_uid_of_their_owner() {
        let mut owners = Owners::new();
        for (kind, uid, blocking, child) in
            [("Rack", "a", true, "1"), ("Rack", "a", false, "2"), ("Rack", "ab", true, "3"), ("Node", "a", true, "4")]
        {
            owners.add(&reference(kind, uid, blocking), child.into(), child.into());
        }
        assert_eq!(of(&owners, "Rack", "a"), ["1", "2"]);
        assert_eq!(of(&owners, "Rack", "ab"), ["3"]);
        assert_eq!(of(&owners, "Node", "a"), ["4"]);
        assert!(of(&owners, "Blade", "a").is_empty() && of(&owners, "Rack", "").is_empty());
        assert_eq!(owners.of("other.io", "Rack", &"a".into()).count(), 0);
        let blocking: Vec<_> = owners.blocking("example.io", "Rack", &"a".into()).collect();
        assert_eq!(blocking, ["1"]);
    }

    #[test]
    fn another_version_of_the_owners_kind_makes_no_other_owner() {
        let mut owners = Owners::new();
        owners.add(&reference("Rack", "a", true), "1".into(), "1".into());
        let newer = OwnerReference { api_version: "example.io/v2".into(), ..reference("Rack", "a", true) };
        owners.remove(&newer, "1".into(), "1".into());
        assert_eq!(owners.all().count(), 0);
    }
}
