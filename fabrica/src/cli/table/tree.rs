//! Each object below its owner.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::{Columns, Shown};
use super::render::{Row, Section};
use crate::resource::{Timestamp, Uid};

/// What an object is known by: its group, kind and uid. Objects of two kinds may have the same uid.
type Id<'a> = (&'a str, &'a str, &'a Uid);

fn id<'a>(kind: &'a Columns, object: &'a Shown) -> Id<'a> {
    (kind.type_.group, kind.type_.kind, object.uid())
}

fn owner(object: &Shown) -> Option<Id<'_>> {
    object.owner().map(|owner| (owner.group(), owner.kind.as_str(), &owner.uid))
}

/// Which kinds have objects that own others, or are owned by others, of those that are given.
pub(super) fn related<'a>(kinds: impl Iterator<Item = (&'a Columns, &'a [Shown])> + Clone) -> Vec<bool> {
    let ids = |(kind, objects): (&'a Columns, &'a [Shown])| objects.iter().map(move |object| id(kind, object));
    let known: BTreeSet<Id<'_>> = kinds.clone().flat_map(ids).collect();
    let known_owner = |object: &'a Shown| owner(object).filter(|owner| known.contains(owner));
    let owners: BTreeSet<Id<'_>> = kinds.clone().flat_map(|(_, objects)| objects).filter_map(known_owner).collect();
    let are_related = |(kind, objects): (&'a Columns, &'a [Shown])| {
        objects.iter().any(|object| known_owner(object).is_some() || owners.contains(&id(kind, object)))
    };
    kinds.map(are_related).collect()
}

/// All objects of some kinds, each below its owner; nothing if there are none.
pub(super) fn section<'a>(kinds: impl Iterator<Item = (&'a Columns, &'a [Shown])>, now: Timestamp) -> Option<Section> {
    let objects: Vec<_> = kinds.flat_map(|(kind, objects)| objects.iter().map(move |object| (kind, object))).collect();
    let links: Vec<_> = objects.iter().map(|(kind, object)| (id(kind, object), owner(object))).collect();
    let (mut rows, mut counts) = (Vec::new(), Vec::<(&str, usize)>::new());
    for (index, depth) in arrange(&links) {
        let (kind, object) = objects[index];
        let kind_name = kind.type_.kind;
        let name = format!("{kind_name} {}", object.name());
        let ready = object.ready();
        let is_settled = ready == "True";
        rows.push(Row { depth, is_settled, cells: vec![name, ready, object.age(now), kind.summary(object)] });
        match counts.iter_mut().find(|(known, _)| *known == kind_name) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind_name, 1)),
        }
    }
    let title = counts.iter().map(|(kind, count)| format!("{kind} ({count})")).collect::<Vec<_>>().join("  ");
    let headings = ["NAME", "READY", "AGE", ""].map(str::to_owned).to_vec();
    (!rows.is_empty()).then_some(Section { title, headings, total: rows.len(), rows })
}

/// The order in which objects are shown, and how deep: each followed by what it owns, otherwise in the order in which
/// they are given. One whose owner isn't there stands by itself; so does, somewhere, one of those that own each other.
fn arrange<K: Copy + Ord>(links: &[(K, Option<K>)]) -> Vec<(usize, usize)> {
    let known: BTreeSet<K> = links.iter().map(|(id, _)| *id).collect();
    let mut below: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    let mut roots = Vec::new();
    for (index, (_, owner)) in links.iter().enumerate() {
        match owner {
            Some(owner) if known.contains(owner) => below.entry(*owner).or_default().push(index),
            _ => roots.push(index),
        }
    }
    let mut order = Vec::new();
    let mut is_placed = vec![false; links.len()];
    for root in roots.into_iter().chain(0..links.len()) {
        let mut next = vec![(root, 0)];
        while let Some((index, depth)) = next.pop() {
            if std::mem::replace(&mut is_placed[index], true) {
                continue;
            }
            order.push((index, depth));
            let children = below.get(&links[index].0).into_iter().flatten().rev();
            next.extend(children.map(|child| (*child, depth + 1)));
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::sample::Device;
    use crate::resource::{Namespace, Resource};

    fn order(links: &[(&str, &str)]) -> Vec<(String, usize)> {
        let links: Vec<_> =
            links.iter().map(|(id, owner)| (*id, Some(*owner).filter(|owner| !owner.is_empty()))).collect();
        arrange(&links).into_iter().map(|(index, depth)| (links[index].0.to_owned(), depth)).collect()
    }

    fn expected(order: &[(&str, usize)]) -> Vec<(String, usize)> {
        order.iter().map(|(uid, depth)| ((*uid).to_owned(), *depth)).collect()
    }

    #[test]
    fn each_stands_below_its_owner_in_the_given_order() {
        let links = [("r1", ""), ("r2", ""), ("c1", "r1"), ("c2", "r2"), ("c3", "r1"), ("b", "c1"), ("x", "gone")];
        assert_eq!(
            order(&links),
            expected(&[("r1", 0), ("c1", 1), ("b", 2), ("c3", 1), ("r2", 0), ("c2", 1), ("x", 0)])
        );
    }

    #[test]
    fn those_that_own_each_other_are_all_shown_once() {
        assert_eq!(order(&[("a", "b"), ("b", "a"), ("c", "c")]), expected(&[("a", 0), ("b", 1), ("c", 0)]));
    }

    /// An object that a device owns.
    fn shown(name: &str, owner: Option<&str>) -> Shown {
        let api_version = Device::TYPE.api_version;
        let owners = owner.map(
            |uid| json!({ "apiVersion": api_version, "kind": "Device", "name": uid, "uid": uid, "controller": true }),
        );
        let owners: Vec<_> = owners.into_iter().collect();
        Shown::new(json!({ "metadata": { "name": name, "uid": name, "ownerReferences": owners } }))
    }

    #[test]
    fn a_kind_is_related_if_one_of_its_objects_owns_or_is_owned() {
        let kinds = [
            (Device::TYPE, vec![shown("a", None)]),
            (Namespace::TYPE, vec![shown("stray", None), shown("lab", Some("a"))]),
            (Namespace::TYPE, vec![shown("a", None)]),
            (Namespace::TYPE, vec![shown("orphan", Some("gone"))]),
        ];
        let kinds = kinds.map(|(type_, objects)| (Columns::of(type_), objects));
        let related = related(kinds.iter().map(|(kind, objects)| (kind, objects.as_slice())));
        assert_eq!(related, [true, true, false, false]);
    }

    #[test]
    fn an_owner_is_not_taken_for_another_kind_of_the_same_uid() {
        let kinds = [(Namespace::TYPE, shown("a", None)), (Device::TYPE, shown("a", None))];
        let kinds = kinds.map(|(type_, object)| (Columns::of(type_), [object, shown("b", Some("a"))]));
        let section = section(kinds.iter().map(|(kind, objects)| (kind, &objects[..])), Timestamp::now()).unwrap();
        let rows = section.rows.iter().map(|row| (row.depth, &*row.cells[0])).collect::<Vec<_>>();
        assert_eq!(rows, [(0, "Namespace a"), (0, "Device a"), (1, "Namespace b"), (1, "Device b")]);
    }

    #[test]
    fn a_row_says_the_kind_the_name_and_what_the_columns_say() {
        let mut envelope = json!({ "metadata": { "name": "a", "uid": "a" }, "status": { "state": "running" } });
        envelope["status"]["conditions"] = json!([{ "type": "Ready", "status": "True" }]);
        let (columns, objects) = (Columns::of(Device::TYPE), [Shown::new(envelope), shown("b", Some("a"))]);
        let section = section([(&columns, &objects[..])].into_iter(), Timestamp::now()).unwrap();
        assert_eq!((section.title.as_str(), section.total), ("Device (2)", 2));
        assert_eq!(section.rows[0].cells[..3], ["Device a", "True", "-"].map(str::to_owned));
        assert!(section.rows[0].cells[3].contains("running"), "{:?}", section.rows[0]);
        assert_eq!((section.rows[1].depth, &*section.rows[1].cells[0]), (1, "Device b"));
    }
}
