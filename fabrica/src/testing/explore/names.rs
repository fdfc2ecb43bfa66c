//! What objects are called, so that two runs can be compared: generated names and uids differ from run to run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What an object is called: `Device dev-123`, or `Device lab/dev-123` in a namespace.
pub(super) fn title(kind: &str, object: &Value) -> String {
    let text = |path| object.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("/metadata/name").or_else(|| text("/metadata/uid")).unwrap_or("without a name");
    match text("/metadata/namespace") {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

/// What stands for the end of a generated name.
const ANY: &str = "~";

/// What each generated name and uid of one run is called in a comparison.
#[derive(Clone, Default)]
pub(super) struct Names {
    /// The longest first, so that no name hides in another.
    replaced: Vec<(String, String)>,
    /// Prefixes of names that user code made up: what follows differs from run to run.
    prefixes: Vec<(String, String)>,
}

impl Names {
    /// From every object that ever was, with its kind; and the prefixes of made-up names by kind.
    pub(super) fn of<'a>(
        objects: impl Iterator<Item = (&'a str, &'a Value)>,
        prefixes: &BTreeSet<(String, String)>,
    ) -> Self {
        let mut replaced = BTreeMap::new();
        let prefixes: Vec<_> = prefixes.iter().cloned().collect();
        for (kind, object) in objects {
            let text = |path| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
            let (name, prefix, uid) = (text("/metadata/name"), text("/metadata/generateName"), text("/metadata/uid"));
            let made_up = prefixes.iter().find(|(of, prefix)| of == kind && name.starts_with(prefix.as_str()));
            let short = if !prefix.is_empty() && name.starts_with(prefix) {
                format!("{prefix}{ANY}")
            } else if let Some((_, prefix)) = made_up {
                format!("{prefix}{ANY}")
            } else {
                name.to_owned()
            };
            // A uid that somebody chose is the same in every run.
            if is_assigned(uid) {
                replaced.insert(uid.to_owned(), format!("<uid of {kind} {short}>"));
            }
            if short != name && !name.is_empty() {
                replaced.insert(name.to_owned(), short);
            }
        }
        let mut replaced: Vec<_> = replaced.into_iter().collect();
        replaced.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Self { replaced, prefixes }
    }

    /// A text without what differs from run to run.
    pub(super) fn canonical(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, short) in &self.replaced {
            if text.contains(name.as_str()) {
                text = text.replace(name.as_str(), short);
            }
        }
        text
    }

    /// Are names of this kind made up by user code?
    pub(super) fn made_up(&self) -> impl Iterator<Item = String> {
        self.prefixes.iter().map(|(kind, prefix)| format!("{kind} {prefix}{ANY}"))
    }
}

/// Was the uid assigned, rather than given? It is a UUID of version 7 then.
fn is_assigned(uid: &str) -> bool {
    uid.len() == 36 && uid.as_bytes()[14] == b'7' && uid.bytes().filter(|byte| *byte == b'-').count() == 4
}

/// The prefixes of names that two runs without a fault made up differently, from what only one of them has.
///
/// `None` if it is not a matter of names: one has more objects of a kind than the other.
pub(super) fn prefixes(
    one: &BTreeSet<(String, String)>,
    other: &BTreeSet<(String, String)>,
) -> Option<BTreeSet<(String, String)>> {
    let only = |here: &BTreeSet<(String, String)>, there: &BTreeSet<(String, String)>| {
        let mut by_kind: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (kind, name) in here.difference(there) {
            by_kind.entry(kind.clone()).or_default().push(name.clone());
        }
        by_kind
    };
    let (here, there) = (only(one, other), only(other, one));
    let mut prefixes = BTreeSet::new();
    if here.keys().ne(there.keys()) {
        return None;
    }
    for (kind, names) in here {
        let others = there.get(&kind)?;
        if names.len() != others.len() {
            return None;
        }
        for (name, other) in names.iter().zip(others) {
            let common = name.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
            let common: String = name.chars().take(common).collect();
            let end = common.rfind(['-', '.']).map_or(0, |dash| dash + 1);
            prefixes.insert((kind.clone(), common[..end].to_owned()));
        }
    }
    Some(prefixes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_generated_name_and_an_assigned_uid_are_called_by_what_stays() {
        let uid = "00000000-0001-7abc-8def-0123456789ab";
        let object = json!({ "metadata": { "name": "web-x7k2p", "generateName": "web-", "uid": uid } });
        let names = Names::of([("Pod", &object)].into_iter(), &BTreeSet::new());
        assert_eq!(names.canonical("web-x7k2p is up"), "web-~ is up");
        assert_eq!(names.canonical(uid), "<uid of Pod web-~>");
    }

    #[test]
    fn names_that_user_code_makes_up_are_known_by_their_common_beginning() {
        let set = |names: &[&str]| names.iter().map(|name| ("Job".to_owned(), (*name).to_owned())).collect();
        let found = prefixes(&set(&["a", "run-1-xyz"]), &set(&["a", "run-1-abc"]));
        assert_eq!(found, Some([("Job".to_owned(), "run-1-".to_owned())].into()));
        assert_eq!(prefixes(&set(&["a", "b"]), &set(&["a"])), None, "that is another number of objects");
    }
}
