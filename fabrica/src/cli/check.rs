//! `check`: does everything fit together?

use std::fmt::Write;

use crate::controller::Builder;
use crate::resource::Validator;
use crate::{Error, ErrorKind, Result};

/// What was found, to read; or every problem.
pub(super) fn check(builder: &Builder) -> Result<String> {
    let registry = builder.registry();
    builder.check()?;
    let broken = registry.resources().iter().filter_map(|type_| {
        let error = Validator::new(type_).err()?;
        Some(format!("\n  - {}: {error}", type_.location))
    });
    let broken = broken.collect::<String>();
    if !broken.is_empty() {
        return Err(Error::new(ErrorKind::Startup, format!("some schemas are wrong:{broken}")));
    }
    let (kinds, reconcilers) = (registry.resources(), registry.reconcilers());
    let mut text =
        format!("{} and {} fit together\n", count(kinds.len(), "kind"), count(reconcilers.len(), "reconciler"));
    for type_ in kinds {
        let scope = if type_.namespaced { ", namespaced" } else { "" };
        let _ = writeln!(text, "  kind {} ({}{scope}) at {}", type_.kind, type_.api_version, type_.location);
    }
    for reconciler in reconcilers {
        let kind = reconciler.resource.kind;
        let _ = writeln!(text, "  reconciler {} of {kind} at {}", reconciler.name, reconciler.location);
    }
    Ok(text)
}

fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}
