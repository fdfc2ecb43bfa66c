//! The JSON Schema of a kind.

use std::fmt;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};

use super::{Metadata, Resource, ResourceType};

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

/// The definition that a `$ref` names, with its name.
pub(super) fn definition<'a>(root: &'a serde_json::Value, reference: &str) -> Option<(&'a str, &'a serde_json::Value)> {
    let definitions = root.get("$defs")?.as_object()?;
    let name = decode_name(reference.strip_prefix("#/$defs/")?);
    definitions.get_key_value(&name).map(|(name, schema)| (name.as_str(), schema))
}

/// Undoes the two encodings that the name in a `$ref` went through: of a JSON pointer, and of a URI.
fn decode_name(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = if *first == b'%' { tail.get(..2).and_then(|code| std::str::from_utf8(code).ok()) } else { None };
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).replace("~1", "/").replace("~0", "~")
}

/// A Rust type whose schema the API can't state, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    /// The kind, as in `Device.example.io`.
    pub kind: String,
    /// The path of the field, as in `spec.ports[].name`; empty if it is the whole.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl SchemaError {
    pub(super) fn new(of: &ResourceType, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: of.group_kind().to_string(), path: path.into(), message: message.into() }
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, path, message } = self;
        let at = if path.is_empty() { "" } else { " at " };
        write!(f, "the schema of {kind}{at}{path}: {message}")
    }
}

impl std::error::Error for SchemaError {}

#[cfg(test)]
mod tests {
    use super::super::sample::{Device, DeviceSpec, Plain};
    use super::*;

    #[test]
    fn a_schema_is_a_valid_one_with_titles_descriptions_and_constants() {
        let schema = Device::TYPE.schema().to_value();
        assert!(jsonschema::draft202012::meta::is_valid(&schema));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!((&schema["title"], &schema["required"][3]), (&"Device".into(), &"spec".into()));
        assert_eq!(schema["properties"]["apiVersion"]["const"], "example.io/v1");
        assert_eq!(schema["properties"]["kind"]["const"], "Device");
        assert_eq!(schema["properties"]["status"]["$ref"], "#/$defs/DeviceStatus");
        let desired = &schema["$defs"]["DeviceSpec"]["properties"]["desired"];
        assert_eq!(desired["description"], "The power state to bring the device to.");
        let metadata = &schema["properties"]["metadata"]["properties"];
        assert_eq!((&metadata["name"]["maxLength"], &metadata["namespace"]["maxLength"]), (&253.into(), &63.into()));
        assert_eq!(metadata["creationTimestamp"]["format"], "date-time");
        assert!(!schema.to_string().contains("```"), "no code of our own doc comments");
    }

    #[test]
    fn a_kind_without_a_status_has_none_in_its_schema() {
        let schema = Plain::<DeviceSpec>::TYPE.schema().to_value();
        assert!(schema["properties"].get("status").is_none() && schema.get("description").is_none());
    }

    #[test]
    fn a_definition_is_found_however_its_name_is_written() {
        let root = serde_json::json!({ "$defs": { "A/B~C<ü>": true, "100%": false } });
        let name = |reference| definition(&root, reference).map(|(name, _)| name);
        assert_eq!(name("#/$defs/A~1B~0C%3C%C3%BC%3E"), Some("A/B~C<ü>"));
        assert_eq!(name("#/$defs/100%"), Some("100%"));
        assert_eq!((name("#/$defs/None"), name("#"), name("other.json")), (None, None, None));
    }
}
