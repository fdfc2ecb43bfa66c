//! How an object says which source it was applied from.
//!
//! The mark stands on the object itself: it is written with it, in one transaction, and survives with it whatever the
//! store is. The set that was applied from a source is every object that bears the source's mark.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::manifest::Identity;
use crate::resource::Metadata;

/// The annotation that says it.
pub(super) const ANNOTATION: &str = "fabrica.io/applied-from";

/// The mark of an object of a source: `/srv/manifests#Device.example.io/dev-1`.
///
/// It names the object too, so that another one to which a reconciler copies annotations isn't taken for applied.
pub(super) fn mark(source: &str, identity: &Identity) -> String {
    let Identity { kind, namespace, name } = identity;
    let slash = if namespace.is_empty() { "" } else { "/" };
    format!("{source}#{kind}/{namespace}{slash}{name}")
}

/// The source that an object was applied from, if it was.
pub(super) fn source_of<'a>(mark: &'a str, identity: &Identity) -> Option<&'a str> {
    mark.strip_suffix(&self::mark("", identity))
}

/// The annotation that says which labels and annotations the document gave: `labels:rack annotations:note`.
///
/// Applying puts a document's labels on top of those that are there, since others may have added some. What the document
/// gave once and doesn't any more must be taken away, and only this tells the one from the other.
pub(super) const KEYS: &str = "fabrica.io/applied-keys";

/// The maps of the metadata that a document and others share.
const SHARED: [&str; 2] = ["labels", "annotations"];

/// Puts a mark on an envelope. Does nothing to one whose metadata or annotations are none: it can't be applied.
///
/// What is `gone` stays written down until it was taken away: a program that ends in between goes on with it.
pub(super) fn put(envelope: &mut Value, mark: String, gone: &BTreeSet<String>) {
    let keys: BTreeSet<_> = keys(envelope).union(gone).cloned().collect();
    let Some(metadata) = envelope.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let annotations = metadata.entry("annotations").or_insert(Value::Null);
    if annotations.is_null() {
        *annotations = Map::new().into();
    }
    let Some(annotations) = annotations.as_object_mut() else { return };
    annotations.insert(ANNOTATION.to_owned(), mark.into());
    annotations.remove(KEYS);
    if !keys.is_empty() {
        annotations.insert(KEYS.to_owned(), words(&keys).into());
    }
}

/// What an earlier document gave and this one doesn't.
pub(super) fn gone(before: &Metadata, envelope: &Value) -> BTreeSet<String> {
    let now = keys(envelope);
    let before = before.annotations.get(KEYS).map_or("", String::as_str).split(' ').filter(|key| key.contains(':'));
    before.filter(|key| !now.contains(*key)).map(str::to_owned).collect()
}

/// The merge patch that takes away what is gone.
pub(super) fn removal(gone: &BTreeSet<String>, envelope: &Value) -> Value {
    let mut patch = json!({ "metadata": { "labels": {}, "annotations": {} } });
    for (map, key) in gone.iter().filter_map(|key| key.split_once(':')).filter(|(map, _)| SHARED.contains(map)) {
        patch["metadata"][map][key] = Value::Null;
    }
    let keys = keys(envelope);
    patch["metadata"]["annotations"][KEYS] = if keys.is_empty() { Value::Null } else { words(&keys).into() };
    patch
}

fn words(keys: &BTreeSet<String>) -> String {
    keys.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn keys(envelope: &Value) -> BTreeSet<String> {
    let given = SHARED.iter().flat_map(|map| {
        let entries = envelope.pointer(&format!("/metadata/{map}")).and_then(Value::as_object).into_iter().flatten();
        entries.map(move |(key, _)| (map, key)).filter(|(_, key)| *key != ANNOTATION && *key != KEYS)
    });
    given.map(|(map, key)| format!("{map}:{key}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::GroupKind;

    #[test]
    fn a_mark_that_was_copied_to_another_object_is_none() {
        let identity = |name: &str| Identity {
            kind: GroupKind { group: "example.io", kind: "Device" },
            namespace: String::new(),
            name: name.to_owned(),
        };
        let marked = mark("/srv/a#b", &identity("dev-1"));
        assert_eq!(source_of(&marked, &identity("dev-1")), Some("/srv/a#b"));
        assert_eq!(source_of(&marked, &identity("dev-2")), None);
    }

    #[test]
    fn a_mark_joins_the_other_annotations() {
        let mut envelope = json!({ "metadata": { "annotations": { "a": "b" } } });
        put(&mut envelope, "m".to_owned(), &BTreeSet::new());
        assert_eq!(envelope["metadata"]["annotations"], json!({ "a": "b", ANNOTATION: "m", KEYS: "annotations:a" }));
        let mut envelope = json!({ "metadata": { "annotations": null } });
        put(&mut envelope, "m".to_owned(), &BTreeSet::new());
        assert_eq!(envelope["metadata"]["annotations"], json!({ ANNOTATION: "m" }));
    }
}
