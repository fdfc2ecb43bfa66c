//! Who an object belongs to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{LABEL_MAX, dns_label_problem, dns_subdomain_problem, note, quoted, uid_problem};
use super::{Object, ObjectKey, Uid};
use crate::Fault;

/// How many owners an object may have: the transaction that deletes it looks at each.
const OWNERS_MAX: usize = 64;

/// A reference from an object to its owner, as Kubernetes writes it.
///
/// An owner is known by its group, kind and uid; the version and the name are there for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnerReference {
    /// The group and version of the owner's kind, as in `example.io/v1`.
    pub api_version: String,
    /// The owner's kind.
    pub kind: String,
    /// The owner's name.
    pub name: String,
    /// The owner's uid.
    #[schemars(with = "String")]
    pub uid: Uid,
    /// Is it the one owner that acts on the object? At most one reference of an object says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub controller: bool,
    /// Must a foreground deletion of the owner wait for this object?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub block_owner_deletion: bool,
}

impl OwnerReference {
    /// A reference to an owner that doesn't act on the object and needn't wait for it: one of several that share it.
    ///
    /// The owner must have its uid: it was created, or was given one.
    ///
    /// ```
    /// use fabrica::resource::{Namespace, OwnerReference};
    ///
    /// let lab = Namespace::new("lab").with_uid("lab-1");
    /// let reference = OwnerReference::to(&lab);
    /// assert_eq!((reference.api_version.as_str(), reference.kind.as_str(), reference.uid.as_str()), ("v1", "Namespace", "lab-1"));
    /// assert!(!reference.controller);
    /// # use fabrica::resource::Resource;
    /// ```
    #[must_use]
    pub fn to(owner: &dyn Object) -> Self {
        let (type_, metadata) = (owner.resource_type(), owner.metadata());
        Self {
            api_version: type_.api_version.to_owned(),
            kind: type_.kind.to_owned(),
            name: metadata.name.clone(),
            uid: metadata.uid.clone(),
            controller: false,
            block_owner_deletion: false,
        }
    }

    /// A reference to the one owner that acts on the object, and whose foreground deletion waits for it.
    #[must_use]
    pub fn to_controller(owner: &dyn Object) -> Self {
        Self { controller: true, block_owner_deletion: true, ..Self::to(owner) }
    }

    /// The group of the owner's kind; empty for the built-in kinds.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Do both name the same owner? Versions and names don't matter.
    #[must_use]
    pub fn is_same_owner(&self, other: &Self) -> bool {
        self.uid == other.uid && self.kind == other.kind && self.group() == other.group()
    }

    /// Does it name the object with this key?
    #[must_use]
    pub fn is_to(&self, key: &ObjectKey) -> bool {
        self.uid == key.uid && self.kind == key.kind.kind && self.group() == key.kind.group
    }
}

/// Checks the owners that a user gives.
pub(super) fn check_owners(owners: &[OwnerReference], faults: &mut Vec<Fault>) {
    if owners.len() > OWNERS_MAX {
        let message = format!("name {} owners: at most {OWNERS_MAX} are allowed", owners.len());
        faults.push(Fault::new("metadata.ownerReferences", message));
    }
    let mut controller: Option<usize> = None;
    for (index, owner) in owners.iter().enumerate() {
        let path = format!("metadata.ownerReferences[{index}]");
        let parts = [
            ("apiVersion", owner.api_version.as_str()),
            ("kind", owner.kind.as_str()),
            ("name", owner.name.as_str()),
            ("uid", owner.uid.as_str()),
        ];
        for (part, text) in parts {
            if text.is_empty() {
                faults.push(Fault::new(format!("{path}.{part}"), format!("is required: give the owner's {part}")));
            }
        }
        if !owner.uid.is_empty() {
            note(faults, &format!("{path}.uid"), uid_problem(&owner.uid));
        }
        if !owner.api_version.is_empty() {
            note(faults, &format!("{path}.apiVersion"), api_version_problem(&owner.api_version));
        }
        if !owner.kind.is_empty() {
            note(faults, &format!("{path}.kind"), kind_problem(&owner.kind));
        }
        if let Some(first) = owners[..index].iter().position(|other| other.is_same_owner(owner)) {
            faults
                .push(Fault::new(path.clone(), format!("names the owner of ownerReferences[{first}] again: keep one")));
        }
        if owner.controller {
            if let Some(first) = controller {
                let message = format!(
                    "is `true`, and so is that of ownerReferences[{first}]: at most one owner can be the controller"
                );
                faults.push(Fault::new(format!("{path}.controller"), message));
            } else {
                controller = Some(index);
            }
        }
    }
}

fn api_version_problem(text: &str) -> Option<String> {
    let (group, version) = text.split_once('/').unwrap_or(("", text));
    let right = (group.is_empty() != text.contains('/')) && dns_label_problem(version).is_none();
    let right = right && (group.is_empty() || dns_subdomain_problem(group).is_none());
    (!right).then(|| format!("{} is no group and version: write it as in `example.io/v1`", quoted(text)))
}

fn kind_problem(text: &str) -> Option<String> {
    let right = text.len() <= LABEL_MAX
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric());
    (!right).then(|| format!("{} is no kind: use letters and digits, as in `Device`", quoted(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(api_version: &str, kind: &str, uid: &str) -> OwnerReference {
        OwnerReference {
            api_version: api_version.into(),
            kind: kind.into(),
            name: "r".into(),
            uid: uid.into(),
            controller: false,
            block_owner_deletion: false,
        }
    }

    fn faults_of(owners: &[OwnerReference]) -> Vec<String> {
        let mut faults = Vec::new();
        check_owners(owners, &mut faults);
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_owner_is_named_once_by_a_group_a_kind_and_a_uid() {
        assert!(faults_of(&[owner("v1", "Namespace", "u"), owner("example.io/v1beta1", "Rack", "u")]).is_empty());
        for (api_version, kind) in
            [("/v1", "Rack"), ("a/b/c", "Rack"), ("example.io/", "Rack"), ("v1", "R/x"), ("v1", "1R")]
        {
            assert_eq!(faults_of(&[owner(api_version, kind, "u")]).len(), 1, "{api_version} {kind}");
        }
        let twice = faults_of(&[owner("example.io/v1", "Rack", "u"), owner("example.io/v2", "Rack", "u")]).concat();
        assert!(twice.contains("ownerReferences[1]: names the owner of ownerReferences[0] again"), "{twice}");
        let many: Vec<_> = (0..=OWNERS_MAX).map(|n| owner("v1", "Rack", &format!("u{n}"))).collect();
        assert_eq!(faults_of(&many).len(), 1);
    }
}
