//! Checking the JSON of an object against the schema of its kind.

use std::fmt;

use serde_json::{Value, json};

use super::schema::definition;
use super::suggest::closest;
use super::{ResourceType, SchemaError, explain};
use crate::{Fault, FaultReason};

/// Fields of the metadata that Kubernetes has and that its tools send, though they mean nothing here.
const FOREIGN_METADATA: [&str; 3] = ["managedFields", "selfLink", "deletionGracePeriodSeconds"];

/// The schema of a kind, compiled once, and what it says of objects in plain words.
///
/// Formats (a date's, a URI's) and the range of integers without stated limits are left to decoding.
///
/// ```
/// # use fabrica::prelude::*;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1")]
/// # struct Device { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec { replicas: u32 }
/// use fabrica::resource::Validator;
///
/// let validator = Validator::new(Device::TYPE)?;
/// let faults = validator.spec(&serde_json::json!({ "spec": { "replicas": "two" } }));
/// assert_eq!(faults[0].to_string(), "spec.replicas: is a string, but must be an integer");
/// # Ok::<(), Error>(())
/// ```
pub struct Validator {
    root: Value,
    spec: jsonschema::Validator,
    whole: jsonschema::Validator,
}

impl Validator {
    /// Compiles the schema of a kind. Costs as much as thousands of checks: do it once a kind.
    ///
    /// # Errors
    /// The schema of one of its types is none (a pattern that is no regular expression, say).
    pub fn new(of: &ResourceType) -> Result<Self, SchemaError> {
        let root = of.schema().to_value();
        let compile = |schema: &Value| {
            jsonschema::draft202012::options().should_validate_formats(false).build(schema).map_err(|error| {
                let message = format!("is no JSON Schema: {error}; correct the `schemars` attributes of its types");
                SchemaError::new(of, error.instance_path().to_string(), message)
            })
        };
        let only_spec = json!({
            "type": "object",
            "properties": { "spec": root.pointer("/properties/spec") },
            "required": ["spec"],
            "$defs": root.get("$defs").cloned().unwrap_or_else(|| json!({})),
        });
        Ok(Self { spec: compile(&only_spec)?, whole: compile(&root)?, root })
    }

    /// Every fault of the spec, each with its path from the envelope, as in `spec.ports[0].name`.
    #[must_use]
    pub fn spec(&self, envelope: &Value) -> Vec<Fault> {
        explain::all(&self.root, self.spec.iter_errors(envelope))
    }

    /// Every fault of the whole envelope: `apiVersion`, `kind`, the metadata's form, spec and status. The rules for names
    /// and labels are [`check_metadata`](super::check_metadata)'s.
    #[must_use]
    pub fn whole(&self, envelope: &Value) -> Vec<Fault> {
        explain::all(&self.root, self.whole.iter_errors(envelope))
    }

    /// Every field of the envelope that the schema doesn't know, though it may be allowed: decoding ignores it.
    ///
    /// What is inside a field that isn't known is not listed. Costs a walk through the envelope.
    #[must_use]
    pub fn unknown_fields(&self, envelope: &Value) -> Vec<Fault> {
        self.unknown(envelope).into_iter().map(|(_, fault)| fault).collect()
    }

    /// Takes every field out of an envelope that the schema doesn't know, and says which they were. Costs a walk through
    /// the envelope.
    pub(crate) fn prune(&self, envelope: &mut Value) -> Vec<Fault> {
        let unknown = self.unknown(envelope);
        for (pointer, _) in &unknown {
            let Some((object, name)) = pointer.rsplit_once('/') else { continue };
            if let Some(fields) = envelope.pointer_mut(object).and_then(Value::as_object_mut) {
                fields.remove(&name.replace("~1", "/").replace("~0", "~"));
            }
        }
        unknown.into_iter().map(|(_, fault)| fault).collect()
    }

    /// Every field that is not known, each with the JSON pointer to it.
    fn unknown(&self, envelope: &Value) -> Vec<(String, Fault)> {
        let mut found = Vec::new();
        self.walk(&[&self.root], envelope, ("", ""), &mut found);
        found
    }

    /// `pointer` and `path` both say where the value stands.
    fn walk(&self, schemas: &[&Value], value: &Value, (pointer, path): (&str, &str), found: &mut Vec<(String, Fault)>) {
        let mut flat = Vec::new();
        for schema in schemas {
            self.flatten(schema, value, &mut flat, &mut Vec::new());
        }
        match value {
            // A schema that says nothing about fields allows any.
            _ if flat.iter().any(|schema| is_open(schema)) => {}
            Value::Object(fields) => {
                for (name, value) in fields {
                    if path == "metadata" && FOREIGN_METADATA.contains(&name.as_str()) {
                        continue;
                    }
                    let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                    let path = explain::field_path(path, name);
                    let inner: Vec<&Value> = flat.iter().filter_map(|schema| field(schema, name)).collect();
                    if inner.is_empty() {
                        let message = unknown_field(name, flat.iter().copied());
                        found.push((pointer, Fault::new(path, message).because(FaultReason::UnknownField)));
                    } else {
                        self.walk(&inner, value, (&pointer, &path), found);
                    }
                }
            }
            Value::Array(elements) => {
                for (index, value) in elements.iter().enumerate() {
                    let inner: Vec<&Value> = flat.iter().filter_map(|schema| element(schema, index)).collect();
                    if !inner.is_empty() {
                        let place = (format!("{pointer}/{index}"), format!("{path}[{index}]"));
                        self.walk(&inner, value, (&place.0, &place.1), found);
                    }
                }
            }
            _ => {}
        }
    }

    /// The schemas that a schema is made of, as far as they can be meant for a value.
    fn flatten<'a>(&'a self, schema: &'a Value, value: &Value, out: &mut Vec<&'a Value>, seen: &mut Vec<&'a str>) {
        if is_other_variant(schema, value) {
            return;
        }
        if let Some((name, target)) = schema.get("$ref").and_then(Value::as_str).and_then(|r| definition(&self.root, r))
        {
            // A type that is nothing but itself would never end.
            if !seen.contains(&name) {
                seen.push(name);
                self.flatten(target, value, out, seen);
                seen.pop();
            }
        }
        for keyword in ["allOf", "oneOf", "anyOf"] {
            for part in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
                self.flatten(part, value, out, seen);
            }
        }
        out.push(schema);
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Validator({})", self.root.get("title").and_then(Value::as_str).unwrap_or_default())
    }
}

/// Is the schema a variant of a tagged enum whose tag is not that of the value?
fn is_other_variant(schema: &Value, value: &Value) -> bool {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return false };
    properties.iter().any(|(name, property)| match (property.get("const"), value.get(name)) {
        (Some(tag), Some(value)) => tag != value,
        _ => false,
    })
}

fn is_open(schema: &Value) -> bool {
    const SAYING: [&str; 9] =
        ["type", "properties", "$ref", "allOf", "oneOf", "anyOf", "const", "enum", "additionalProperties"];
    match schema {
        Value::Bool(allowed) => *allowed,
        Value::Object(schema) => !SAYING.iter().any(|keyword| schema.contains_key(*keyword)),
        _ => true,
    }
}

/// The schema of a field, if it may be there.
fn field<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let named = schema.get("properties").and_then(|properties| properties.get(name));
    let by_pattern = || schema.get("patternProperties")?.as_object()?.values().next();
    let other = ["additionalProperties", "unevaluatedProperties"].into_iter().find_map(|keyword| schema.get(keyword));
    named.or_else(by_pattern).or_else(|| other.filter(|schema| **schema != Value::Bool(false)))
}

fn element(schema: &Value, index: usize) -> Option<&Value> {
    schema.get("prefixItems").and_then(|items| items.get(index)).or_else(|| schema.get("items"))
}

/// What to say of a field that none of the schemas knows.
pub(super) fn unknown_field<'a>(name: &str, schemas: impl Iterator<Item = &'a Value>) -> String {
    let properties = schemas.filter_map(|schema| schema.get("properties")?.as_object());
    match closest(name, properties.flat_map(|properties| properties.keys().map(String::as_str))) {
        Some(meant) => format!("unknown field; did you mean `{meant}`?"),
        None => "unknown field".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Device, DeviceSpec, Plain};
    use super::super::{Object, Resource};
    use super::*;

    fn faults_of(spec: &Value) -> Vec<String> {
        let validator = Validator::new(Device::TYPE).unwrap();
        validator.spec(&json!({ "spec": spec })).iter().map(ToString::to_string).collect()
    }

    fn unknown_in(spec: &Value) -> Vec<String> {
        let validator = Validator::new(Device::TYPE).unwrap();
        validator.unknown_fields(&json!({ "spec": spec })).iter().map(ToString::to_string).collect()
    }

    fn envelope() -> Value {
        let mut device = Device::new("dev-1", DeviceSpec::default());
        device.status.conditions.set("Ready", true, "Started", "It runs", Some(1));
        device.metadata.labels.insert("a".into(), "b".into());
        let device: &dyn Object = &device;
        device.to_value().unwrap()
    }

    #[test]
    fn what_the_types_write_is_valid_and_known() {
        let validator = Validator::new(Device::TYPE).unwrap();
        assert_eq!(validator.whole(&envelope()), []);
        assert_eq!(validator.spec(&envelope()), []);
        assert_eq!(validator.unknown_fields(&envelope()), []);
    }

    #[test]
    fn every_fault_is_found_with_its_path() {
        let spec = json!({
            "desired": "sideways", "rack": 5, "ports": [{ "nam": "a" }], "replicas": -1, "groups": ["a", "a"],
            "tags": { "a.b/c": 1 }, "mainPort": { "name": "x", "number": 0 }, "place": [1],
        });
        let expected = [
            "spec.desired: `sideways` is not one of `stopped`, `running`",
            "spec.groups: has an element twice: each must be there only once",
            "spec.mainPort.number: is `0`, but must be at least 1",
            "spec.place: has too few elements: must have at least 2",
            "spec.ports[0].nam: unknown field; did you mean `name`?",
            "spec.ports[0].name: is required",
            "spec.rack: is a number, but must be a string",
            "spec.replicas: is `-1`, but must be at least 0",
            "spec.tags[a.b/c]: is a number, but must be a string",
        ];
        assert_eq!(faults_of(&spec), expected);
    }

    #[test]
    fn what_is_missing_is_named_by_its_own_path() {
        let validator = Validator::new(Device::TYPE).unwrap();
        assert_eq!(validator.spec(&json!({}))[0].to_string(), "spec: is required");
        assert_eq!(validator.spec(&json!({ "spec": {} }))[0].to_string(), "spec.desired: is required");
        assert_eq!(validator.spec(&json!(7)).len(), 1);
    }

    #[test]
    fn a_described_enum_names_its_values_once() {
        let faults = faults_of(&json!({ "desired": "running", "mode": "normal" }));
        assert_eq!(faults, ["spec.mode: `normal` is not one of `Test`, `Normal`, `Saving`"]);
    }

    #[test]
    fn the_variant_that_was_meant_is_explained() {
        let with = |field: &str, value: Value| {
            let faults = faults_of(&json!({ "desired": "running", field: value }));
            assert_eq!(faults.len(), 1, "{faults:?}");
            faults.concat()
        };
        let boot = with("boot", json!({ "type": "net", "url": "u", "retries": "x" }));
        assert_eq!(boot, "spec.boot.retries: is a string, but must be an integer");
        let tag = with("boot", json!({ "type": "tape" }));
        assert_eq!(tag, "spec.boot.type: `tape` is not one of `net`, `disk`, `port`");
        assert_eq!(with("boot", json!({ "url": "u" })), "spec.boot.type: is required");
        assert_eq!(with("disk", json!({ "local": {} })), "spec.disk.local.size: is required");
        assert_eq!(with("disk", json!({})), "spec.disk: must have one of the fields `local`, `remote`");
        let source = with("source", json!({ "kind": "Url", "value": 1 }));
        assert_eq!(source, "spec.source.value: is a number, but must be a string");
        let either = with("maxUnavailable", json!([]));
        assert_eq!(either, "spec.maxUnavailable: is a list, but must be an integer or a string");
        assert_eq!(with("disk", json!("x")), "spec.disk: is a string, but must be an object");
    }

    #[test]
    fn the_whole_envelope_is_checked() {
        let mut wrong = envelope();
        wrong["kind"] = "Devcie".into();
        wrong["status"]["state"] = "lost".into();
        wrong["metadata"]["labels"] = json!({ "a": 1 });
        let validator = Validator::new(Device::TYPE).unwrap();
        let faults: Vec<_> = validator.whole(&wrong).iter().map(ToString::to_string).collect();
        let expected = [
            "kind: is `Devcie`, but must be `Device`",
            "metadata.labels.a: is a number, but must be a string",
            "status.state: `lost` is not one of `stopped`, `running`",
        ];
        assert_eq!(faults, expected);
        assert_eq!(validator.spec(&wrong), []);
    }

    #[test]
    fn unknown_fields_are_found_wherever_they_are() {
        let found = unknown_in(&json!({
            "desird": "running", "tags": { "any": "x" }, "extra": { "any": { "thing": 1 } },
            "slots": { "1": { "name": "a", "odd": 1 } }, "ports": [{ "name": "a" }, { "nmae": "b" }],
            "boot": { "type": "net", "url": "u", "label": "of another variant" }, "disk": { "local": { "sise": 1 } },
        }));
        let expected = [
            "spec.boot.label: unknown field",
            "spec.desird: unknown field; did you mean `desired`?",
            "spec.disk.local.sise: unknown field; did you mean `size`?",
            "spec.ports[1].nmae: unknown field; did you mean `name`?",
            "spec.slots.1.odd: unknown field",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn unknown_fields_are_taken_out_and_nothing_else_is() {
        let validator = Validator::new(Device::TYPE).unwrap();
        let spec = json!({
            "desired": "running", "a/b~c": { "d": 1 }, "slots": { "1": { "name": "a", "odd": 1 } },
            "ports": [{ "name": "a", "x": 1, "y": 2 }, { "name": "b", "x": 1 }], "extra": { "any": 1 },
        });
        let mut envelope = json!({ "spec": spec });
        assert_eq!(validator.prune(&mut envelope).len(), 5);
        let left = json!({
            "desired": "running", "slots": { "1": { "name": "a" } }, "ports": [{ "name": "a" }, { "name": "b" }],
            "extra": { "any": 1 },
        });
        assert_eq!(envelope, json!({ "spec": left }));
        assert_eq!(validator.prune(&mut envelope), []);
    }

    #[test]
    fn a_status_is_unknown_to_a_kind_without_one_and_foreign_metadata_is_not_reported() {
        let validator = Validator::new(Plain::<DeviceSpec>::TYPE).unwrap();
        let envelope = json!({ "status": {}, "metadata": { "managedFields": [], "nmae": "x" }, "spec": {} });
        let found: Vec<_> = validator.unknown_fields(&envelope).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["metadata.nmae: unknown field; did you mean `name`?", "status: unknown field"]);
    }

    #[test]
    fn a_schema_that_is_none_is_an_error_that_names_the_kind() {
        #[derive(Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        struct Broken {
            #[schemars(extend("pattern" = "("))]
            field: String,
        }
        let error = Validator::new(Plain::<Broken>::TYPE).unwrap_err();
        assert!(error.to_string().starts_with("the schema of Plain.example.io"), "{error}");
    }
}
