//! `crds`: what a Kubernetes cluster needs to know of the program's kinds.

use crate::registry::Registry;
use crate::resource::ResourceType;
use crate::{Error, ErrorKind, Result};

/// One YAML document for each kind.
pub(super) fn crds(registry: &Registry) -> Result<String> {
    let (mut documents, mut problems) = (String::new(), Vec::new());
    for type_ in own_kinds(registry)? {
        let crd = type_.crd().map_err(|error| error.to_string());
        match crd.and_then(|crd| serde_saphyr::to_string(&crd).map_err(|error| error.to_string())) {
            Ok(yaml) => documents.extend(["---\n", yaml.trim_end(), "\n"]),
            Err(problem) => problems.push(format!("\n  - {}: {problem}", type_.location)),
        }
    }
    if problems.is_empty() {
        return Ok(documents);
    }
    Err(Error::new(ErrorKind::Startup, format!("some kinds can't be defined:{}", problems.concat())))
}

/// The kinds of the program itself, in the order of their groups and names; the built-in ones are none of its business.
pub(super) fn own_kinds(registry: &Registry) -> Result<Vec<&'static ResourceType>> {
    let kinds: Vec<_> = registry.resources().iter().copied().filter(|type_| !type_.is_built_in()).collect();
    if kinds.is_empty() {
        // The check says what is probably wrong.
        registry.check(&crate::reconciler::States::default())?;
        return Err(Error::new(ErrorKind::Startup, "the program has no kinds: declare one with `#[derive(Resource)]`"));
    }
    Ok(kinds)
}
