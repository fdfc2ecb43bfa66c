//! The JSON Schema of a kind.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};

use super::{Metadata, Resource};

/// The JSON Schema (draft 2020-12) of the whole envelope of a resource.
pub(super) fn of<T: Resource>() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let spec = generator.subschema_for::<T::Spec>();
    let status = T::HAS_STATUS.then(|| generator.subschema_for::<T::Status>());
    let metadata = Metadata::json_schema(&mut generator);
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": T::KIND,
        "type": "object",
        "properties": {
            "apiVersion": { "const": T::API_VERSION, "type": "string" },
            "kind": { "const": T::KIND, "type": "string" },
            "metadata": metadata,
            "spec": spec,
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
    });
    if !T::DESCRIPTION.is_empty() {
        schema.insert("description".into(), T::DESCRIPTION.into());
    }
    if let (Some(status), Some(properties)) = (status, schema.get_mut("properties").and_then(|p| p.as_object_mut())) {
        properties.insert("status".into(), status.into());
    }
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        schema.insert("$defs".into(), definitions.into());
    }
    schema
}
