//! The document of a group and version, in version 3 of `OpenAPI`.

use serde_json::{Map, Value, json};

use super::{kinds, meta, names, operations};
use crate::api::catalog::Catalog;

/// The whole document.
pub(super) fn document(catalog: &Catalog, group: &str, version: &str) -> Value {
    let mut paths = Map::from_iter([operations::of_version(group, version)]);
    let mut schemas = meta::schemas(group, version);
    for served in catalog.of_version(group, version) {
        paths.extend(operations::of(served));
        schemas.insert(names::kind(served), kinds::one(served));
        schemas.insert(format!("{}List", names::kind(served)), kinds::list(served));
    }
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Fabrica", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::resource::sample::{Device, DeviceSpec, Plain};
    use crate::resource::{Namespace, Resource as _};

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match (key.as_str(), value) {
                        ("$ref", Value::String(reference)) => {
                            found.insert(reference.clone());
                        }
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
        let catalog = Catalog::new(&[Namespace::TYPE, Device::TYPE, Plain::<DeviceSpec>::TYPE]);
        let mut ids = BTreeSet::new();
        for (group, versions) in catalog.groups() {
            for version in versions {
                let document = document(&catalog, group, version);
                let mut found = BTreeSet::new();
                references(&document, &mut found);
                for reference in &found {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{group}/{version}: {reference}");
                }
                for (path, item) in document["paths"].as_object().unwrap() {
                    for operation in item.as_object().unwrap().values().filter(|operation| operation.is_object()) {
                        let id = operation["operationId"].as_str().unwrap();
                        assert!(ids.insert(id.to_owned()), "{path}: {id}");
                    }
                }
            }
        }
        assert!(ids.contains("listExampleIoV1alpha1PlainForAllNamespaces"), "{ids:?}");
    }
}
