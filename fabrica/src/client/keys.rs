//! Where objects and their names stand in the store.
//!
//! `o/<group>/<kind>/<uid>` holds an object, `n/<group>/<kind>/<namespace>/<name>` the uid of the object of that
//! name. Both are written in one transaction, which is what makes names unique. No part holds a `/`: groups and kinds
//! by their syntax, names and uids because they are checked before they get here.

use bytes::Bytes;

use crate::resource::{GroupKind, Metadata, OwnerReference, ResourceType, Uid};
use crate::store::Key;

/// The prefix of every object.
pub(super) fn objects() -> Key {
    Key::from("o/")
}

/// The prefix of every object of a kind.
#[cfg(feature = "api")]
pub(super) fn objects_of(kind: GroupKind) -> Key {
    foreign_object(kind.group, kind.kind, "")
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

/// What is written for a new object beside the object.
pub(super) struct NewKeys {
    /// The key of the object.
    pub(super) object: Key,
    /// The key of its name.
    pub(super) name: Key,
    /// The value of its name.
    pub(super) uid: Bytes,
}

/// The keys of a new object. They lie in one piece of memory: they come and go together, and a store keeps them.
pub(super) fn of_new(kind: GroupKind, metadata: &Metadata) -> NewKeys {
    let (uid, object) = (metadata.uid.as_str(), ["o", kind.group, kind.kind, &metadata.uid]);
    let name = ["n", kind.group, kind.kind, &metadata.namespace, &metadata.name];
    let end = length(&object);
    let mut text = String::with_capacity(end + length(&name));
    join(&object, &mut text);
    join(&name, &mut text);
    let bytes = Bytes::from(text);
    let part = |range| bytes.slice(range);
    NewKeys { object: part(0..end).into(), name: bytes.slice(end..).into(), uid: part(end - uid.len()..end) }
}

fn key(parts: &[&str]) -> Key {
    let mut text = String::with_capacity(length(parts));
    join(parts, &mut text);
    text.into()
}

fn length(parts: &[&str]) -> usize {
    parts.iter().map(|part| part.len() + 1).sum::<usize>() - 1
}

fn join(parts: &[&str], text: &mut String) {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push('/');
        }
        text.push_str(part);
    }
}

/// Takes the key of an object apart: `<group>/<kind>` and the uid. `None` for any other key.
pub(super) fn split_object(key: &Key) -> Option<(&str, &str)> {
    std::str::from_utf8(key.as_bytes()).ok()?.strip_prefix("o/")?.rsplit_once('/')
}

/// The uid in the key of an object of a kind. `None` for any other key.
#[cfg(feature = "api")]
pub(super) fn uid_of<'k>(of: &ResourceType, key: &'k Key) -> Option<&'k str> {
    let (kind, uid) = split_object(key)?;
    (kind.split_once('/') == Some((of.group, of.kind))).then_some(uid)
}

/// `<group>/<kind>`, as [`split_object`] gives it.
pub(super) fn kind(of: &ResourceType) -> String {
    format!("{}/{}", of.group, of.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_new_object_are_those_that_are_looked_for_later() {
        let kind = GroupKind { group: "example.io", kind: "Device" };
        for namespace in ["", "lab"] {
            let metadata = Metadata { namespace: namespace.into(), uid: "dev-1".into(), ..Metadata::named("one") };
            let NewKeys { object, name, uid } = of_new(kind, &metadata);
            assert_eq!(object, super::object(kind, &metadata.uid));
            assert_eq!(name, super::name(kind, namespace, "one"));
            assert_eq!(uid, "dev-1");
        }
    }

    #[test]
    fn the_key_of_an_object_can_be_taken_apart() {
        for group in ["", "example.io"] {
            let key = object(GroupKind { group, kind: "Device" }, &"dev-1".into());
            assert_eq!(split_object(&key), Some((format!("{group}/Device").as_str(), "dev-1")));
            assert!(key.starts_with(&objects()));
        }
        assert_eq!(split_object(&"n/example.io/Device//x".into()), None);
    }

    #[cfg(feature = "api")]
    #[test]
    fn only_an_object_of_the_kind_has_a_uid_in_it() {
        use crate::client::sample::Device;
        use crate::resource::Resource as _;

        assert_eq!(uid_of(Device::TYPE, &object(Device::TYPE.group_kind(), &"a".into())), Some("a"));
        for other in ["o/example.io/Device/a/b", "o/example.io/Devices/a", "o/io/Device/a", "n/example.io/Device//a"] {
            assert_eq!(uid_of(Device::TYPE, &other.into()), None, "{other}");
        }
    }
}
