//! Fields of the final state that are not compared.

use std::collections::BTreeSet;

/// A field, of one kind or of all, with all that is below it: `status.lastSeen`, `Cluster/status.nodes[*].ip`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mask {
    kind: Option<String>,
    path: Vec<String>,
}

impl Mask {
    pub(super) fn parse(text: &str) -> Self {
        let (kind, path) = match text.split_once('/') {
            Some((kind, path)) if !kind.is_empty() && kind.chars().all(char::is_alphanumeric) => (Some(kind), path),
            _ => (None, text),
        };
        Self { kind: kind.map(str::to_owned), path: segments(path) }
    }

    pub(super) fn covers(&self, kind: &str, path: &str) -> bool {
        self.kind.as_deref().is_none_or(|of| of == kind) && matches(&self.path, &segments(path))
    }
}

/// Which entry of a list is meant may be left out.
fn matches(mask: &[String], path: &[String]) -> bool {
    let Some(first) = mask.first() else { return true };
    let Some(next) = path.first() else { return false };
    if first == next || first == "*" || (first == "[*]" && next.starts_with('[')) {
        return matches(&mask[1..], &path[1..]);
    }
    next.starts_with('[') && !first.starts_with('[') && matches(mask, &path[1..])
}

fn segments(path: &str) -> Vec<String> {
    let mut segments = vec![String::new()];
    let mut depth = 0;
    for letter in path.trim_start_matches(['.', '/']).chars() {
        match letter {
            '.' if depth == 0 => segments.push(String::new()),
            '[' if depth == 0 => {
                depth = 1;
                segments.push("[".into());
            }
            _ => {
                depth -= usize::from(letter == ']' && depth > 0);
                if let Some(last) = segments.last_mut() {
                    last.push(letter);
                }
            }
        }
    }
    segments.retain(|segment| !segment.is_empty());
    segments
}

/// All that is left out of a comparison: what a user masked, what differs without a fault, and what says nothing.
#[derive(Clone, Default)]
pub(super) struct Masks {
    /// With how it was written.
    pub(super) user: Vec<(String, Mask)>,
    /// Kind and path of what two runs without a fault did not agree on.
    pub(super) found: BTreeSet<(String, String)>,
}

/// What identifies an object, or counts and dates its changes.
const BUILT_IN: [&str; 5] = [
    "metadata.uid",
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
];

impl Masks {
    pub(super) fn covers(&self, kind: &str, path: &str) -> bool {
        Self::is_built_in(path) || self.is_users(kind, path) || self.found.contains(&(kind.to_owned(), general(path)))
    }

    pub(super) fn is_users(&self, kind: &str, path: &str) -> bool {
        self.user.iter().any(|(_, mask)| mask.covers(kind, path))
    }

    pub(super) fn is_built_in(path: &str) -> bool {
        BUILT_IN.contains(&path) || path.ends_with(".lastTransitionTime") || path.ends_with(".observedGeneration")
    }
}

/// A path without the numbers of list entries: `status.nodes[*].ip`.
pub(super) fn general(path: &str) -> String {
    let mut general = String::new();
    for segment in segments(path) {
        let is_index = segment.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_index = is_index.is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()));
        match segment {
            _ if is_index => general.push_str("[*]"),
            list if list.starts_with('[') => general.push_str(&list),
            name if general.is_empty() => general.push_str(&name),
            name => general.extend([".", &name]),
        }
    }
    general
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_covers_its_field_and_what_is_below_it_of_its_kind() {
        let covers = |mask, kind, path| Mask::parse(mask).covers(kind, path);
        assert!(covers("status.lastSeen", "Device", "status.lastSeen"));
        assert!(covers("status", "Device", "status.lastSeen"));
        assert!(!covers("status.last", "Device", "status.lastSeen"));
        assert!(covers("status.conditions.message", "Device", "status.conditions[Ready].message"));
        assert!(covers("status.conditions[Ready].message", "Device", "status.conditions[Ready].message"));
        assert!(!covers("status.conditions[Up].message", "Device", "status.conditions[Ready].message"));
        assert!(covers("Device/status.*.ip", "Device", "status.a.ip"));
        assert!(!covers("Device/status.*.ip", "Node", "status.a.ip"));
        assert!(covers("metadata.annotations", "Node", "metadata.annotations.example.io/x"));
    }

    #[test]
    fn the_number_of_a_list_entry_is_left_open() {
        assert_eq!(general("status.nodes[12].ip"), "status.nodes[*].ip");
        assert_eq!(general("status.conditions[Ready].message"), "status.conditions[Ready].message");
    }
}
