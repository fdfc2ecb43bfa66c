//! `graph`: who reconciles what, what wakes it, and who owns whom.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

use super::copy;
use crate::Result;
use crate::client::export;
use crate::registry::Registry;
use crate::resource::{GroupKind, OwnerReference, ResourceType};

/// Which kinds own which, by group and kind: the owner's and then the child's.
pub(super) type Ownership = BTreeSet<[(String, String); 2]>;

/// What the objects in a file show of it. Reconcilers don't declare what they own.
pub(super) async fn ownership(source: &Path) -> Result<Ownership> {
    let (_folder, copied) = copy::of(source)?;
    let mut ownership = Ownership::new();
    export(&copied, |object| {
        // An object that is something else is not this command's to complain about: `dump` does.
        if let Ok(child) = Owned::deserialize(&object) {
            let of = |api_version: &str, kind: String| {
                (api_version.split_once('/').map_or("", |(group, _)| group).to_owned(), kind)
            };
            for owner in child.metadata.owner_references {
                let owner = of(&owner.api_version, owner.kind);
                ownership.insert([owner, of(&child.api_version, child.kind.clone())]);
            }
        }
        Ok(())
    })
    .await?;
    Ok(ownership)
}

/// What of an object says whom it belongs to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owned {
    api_version: String,
    kind: String,
    metadata: OwnedMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnedMetadata {
    #[serde(default)]
    owner_references: Vec<OwnerReference>,
}

/// A Mermaid flowchart: kinds as boxes, reconcilers as rounded ones.
pub(super) fn graph(registry: &Registry, ownership: &Ownership) -> String {
    let mut text = String::from("flowchart LR\n");
    let kinds = registry.resources();
    let node =
        |kind: GroupKind| kinds.iter().position(|type_| type_.group_kind() == kind).map(|index| format!("kind{index}"));
    for (index, type_) in kinds.iter().enumerate() {
        let ResourceType { kind, api_version, .. } = type_;
        let _ = writeln!(text, "    kind{index}[\"{kind}<br/>{api_version}\"]");
    }
    for (index, reconciler) in registry.reconcilers().iter().enumerate() {
        let (name, options) = (reconciler.name, reconciler.options());
        let finalize = if reconciler.has_finalize { "<br/>finalizes" } else { "" };
        let _ = writeln!(text, "    reconciler{index}([\"{name}{finalize}\"])");
        if let Some(kind) = node(reconciler.resource.group_kind()) {
            let _ = writeln!(text, "    reconciler{index} -->|reconciles| {kind}");
        }
        for watch in &options.watches {
            if let Some(kind) = node(watch.resource().group_kind()) {
                let _ = writeln!(text, "    {kind} -.->|wakes| reconciler{index}");
            }
        }
        if !options.events.is_empty() {
            let patterns = options.events.join("<br/>");
            let _ = writeln!(text, "    events{index}{{{{\"{patterns}\"}}}} -.->|wakes| reconciler{index}");
        }
    }
    for [owner, child] in ownership {
        let of_program = |(group, kind): &(String, String)| {
            let found = kinds.iter().find(|type_| type_.group == *group && type_.kind == *kind);
            found.and_then(|type_| node(type_.group_kind()))
        };
        if let (Some(owner), Some(child)) = (of_program(owner), of_program(child)) {
            let _ = writeln!(text, "    {owner} ==>|owns| {child}");
        }
    }
    text
}
