//! `graph`: who reconciles what, and what wakes it.

use std::fmt::Write;

use crate::registry::Registry;
use crate::resource::{GroupKind, ResourceType};

/// A Mermaid flowchart: kinds as boxes, reconcilers as rounded ones.
pub(super) fn graph(registry: &Registry) -> String {
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
    text
}
