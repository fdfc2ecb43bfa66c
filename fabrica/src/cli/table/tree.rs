//! Each object below its owner.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::{Columns, Shown};
use super::render::{Row, Section};
use crate::resource::{Timestamp, Uid};

/// Which kinds have objects that own others, or are owned by others, of those that are given.
pub(super) fn related<'a>(kinds: impl Iterator<Item = &'a [Shown]> + Clone) -> Vec<bool> {
    let uids: BTreeSet<&Uid> = kinds.clone().flatten().map(Shown::uid).collect();
    let owner = |object: &'a Shown| object.owner().filter(|owner| uids.contains(*owner));
    let owners: BTreeSet<&Uid> = kinds.clone().flatten().filter_map(owner).collect();
    let is_related = |object: &'a Shown| owner(object).is_some() || owners.contains(object.uid());
    kinds.map(|objects| objects.iter().any(is_related)).collect()
}

/// All objects of some kinds, each below its owner; nothing if there are none.
pub(super) fn section<'a>(kinds: impl Iterator<Item = (&'a Columns, &'a [Shown])>, now: Timestamp) -> Option<Section> {
    let objects: Vec<_> = kinds.flat_map(|(kind, objects)| objects.iter().map(move |object| (kind, object))).collect();
    let links: Vec<_> = objects.iter().map(|(_, object)| (object.uid(), object.owner())).collect();
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
fn arrange(links: &[(&Uid, Option<&Uid>)]) -> Vec<(usize, usize)> {
    let uids: BTreeSet<&Uid> = links.iter().map(|(uid, _)| *uid).collect();
    let mut below: BTreeMap<&Uid, Vec<usize>> = BTreeMap::new();
    let mut roots = Vec::new();
    for (index, (_, owner)) in links.iter().enumerate() {
        match owner {
            Some(owner) if uids.contains(*owner) => below.entry(*owner).or_default().push(index),
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
            let children = below.get(links[index].0).into_iter().flatten().rev();
            next.extend(children.map(|child| (*child, depth + 1)));
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::Resource;
    use crate::resource::sample::Device;

    fn order(links: &[(&str, &str)]) -> Vec<(String, usize)> {
        let uids: Vec<(Uid, Option<Uid>)> =
            links.iter().map(|(uid, owner)| ((*uid).into(), (!owner.is_empty()).then(|| (*owner).into()))).collect();
        let links: Vec<_> = uids.iter().map(|(uid, owner)| (uid, owner.as_ref())).collect();
        arrange(&links).into_iter().map(|(index, depth)| (links[index].0.to_string(), depth)).collect()
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

    fn shown(name: &str, owner: Option<&str>) -> Shown {
        let owners =
            owner.map(|uid| json!({ "apiVersion": "v1", "kind": "K", "name": uid, "uid": uid, "controller": true }));
        let owners: Vec<_> = owners.into_iter().collect();
        Shown::new(json!({ "metadata": { "name": name, "uid": name, "ownerReferences": owners } }))
    }

    #[test]
    fn a_kind_is_related_if_one_of_its_objects_owns_or_is_owned() {
        let kinds = [
            vec![shown("rack", None)],
            vec![shown("stray", None), shown("blade", Some("rack"))],
            vec![shown("template", None)],
            vec![shown("orphan", Some("gone"))],
        ];
        assert_eq!(related(kinds.iter().map(Vec::as_slice)), [true, true, false, false]);
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
