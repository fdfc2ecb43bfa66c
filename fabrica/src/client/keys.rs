//! Where objects and their names stand in the store.
//!
//! `o/<group>/<kind>/<uid>` holds an object, `n/<group>/<kind>/<namespace>/<name>` the uid of the object of that
//! name. Both are written in one transaction, which is what makes names unique. No part holds a `/`: groups and kinds
//! by their syntax, names and uids because they are checked before they get here.

use crate::resource::{GroupKind, OwnerReference, ResourceType, Uid};
use crate::store::Key;

/// The prefix of every object.
pub(super) fn objects() -> Key {
    Key::from("o/")
}

/// The key of an object.
pub(super) fn object(kind: GroupKind, uid: &Uid) -> Key {
    foreign_object(kind.group, kind.kind, uid)
}

/// The key of an owner that some object names, of a kind that may be unknown to the program.
pub(super) fn owner(reference: &OwnerReference) -> Key {
    foreign_object(reference.group(), &reference.kind, &reference.uid)
}

/// The key of a name; the namespace is empty for a kind that is not namespaced.
pub(super) fn name(kind: GroupKind, namespace: &str, name: &str) -> Key {
    foreign_name(kind.group, kind.kind, namespace, name)
}

/// The key of an object of a kind that need not be known here. Group and kind must be well-formed.
pub(super) fn foreign_object(group: &str, kind: &str, uid: &str) -> Key {
    key(&["o", group, kind, uid])
}

/// As [`name`], for a kind that need not be known here.
pub(super) fn foreign_name(group: &str, kind: &str, namespace: &str, name: &str) -> Key {
    key(&["n", group, kind, namespace, name])
}

fn key(parts: &[&str]) -> Key {
    let mut text = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push('/');
        }
        text.push_str(part);
    }
    text.into()
}

/// Takes the key of an object apart: `<group>/<kind>` and the uid. `None` for any other key.
pub(super) fn split_object(key: &Key) -> Option<(&str, &str)> {
    std::str::from_utf8(key.as_bytes()).ok()?.strip_prefix("o/")?.rsplit_once('/')
}

/// `<group>/<kind>`, as [`split_object`] gives it.
pub(super) fn kind(of: &ResourceType) -> String {
    format!("{}/{}", of.group, of.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_object_can_be_taken_apart() {
        for group in ["", "example.io"] {
            let key = object(GroupKind { group, kind: "Device" }, &"dev-1".into());
            assert_eq!(split_object(&key), Some((format!("{group}/Device").as_str(), "dev-1")));
            assert!(key.starts_with(&objects()));
        }
        assert_eq!(split_object(&"n/example.io/Device//x".into()), None);
    }
}
