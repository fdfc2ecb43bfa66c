//! The schema of a kind as the Kubernetes API states it.
//!
//! Kubernetes wants a schema to be structural: every value has one type, stated in place. What Rust's types say beyond
//! that is either said in Kubernetes' words or left out. So this schema is never stricter than the JSON Schema of the
//! kind, against which writes are checked.

use serde_json::{Map, Value, json};

use super::schema::definition;
use super::structural::{self, ANY};
use super::suggest::closest;
use super::{FieldPath, FieldSegment, ResourceType, SchemaError};

/// The most nodes of a schema with everything written in place: a type that is used over and over in types that are
/// used over and over would take more and more.
const NODES_MAX: usize = 50_000;

/// The keywords that both dialects have and that need no change.
const SAME: [&str; 13] = [
    "title",
    "description",
    "default",
    "pattern",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
];

impl ResourceType {
    /// The schema of the whole envelope in the `OpenAPI` dialect of the Kubernetes API: structural, with every type
    /// written in place.
    ///
    /// An enum with data becomes one object with the fields of all its variants; a value that may have several types
    /// is not described. Costs a walk through all types; call it once and keep the result.
    ///
    /// # Errors
    /// A type contains itself, or the types together are too large; the error names the path.
    pub fn openapi_schema(&self) -> Result<Value, SchemaError> {
        let root = self.schema();
        let mut properties = Map::from_iter([
            (
                "apiVersion".to_owned(),
                json!({ "type": "string", "description": format!("Always `{}`.", self.api_version) }),
            ),
            ("kind".to_owned(), json!({ "type": "string", "description": format!("Always `{}`.", self.kind) })),
        ]);
        for part in ["metadata", "spec", "status"] {
            if let Some(schema) = root.as_value().pointer(&format!("/properties/{part}")) {
                let mut converter =
                    Converter { of: self, root: root.as_value(), path: part.to_owned(), types: Vec::new(), nodes: 0 };
                properties.insert(part.to_owned(), converter.convert(schema)?.into());
            }
        }
        let mut schema = json!({ "type": "object", "properties": properties, "required": ["spec"] });
        if !self.description.is_empty() {
            schema["description"] = self.description.into();
        }
        Ok(schema)
    }
}

/// What a structural schema says about a path.
pub(super) enum Described<'a> {
    /// The schema of the field.
    As(&'a Value),
    /// Anything may stand there.
    Anything,
    /// There is no such field; perhaps this one was meant.
    Unknown(Option<&'a str>),
}

/// Looks a path up in a structural schema.
pub(super) fn describe<'a>(schema: &'a Value, path: &FieldPath) -> Described<'a> {
    let mut schema = schema;
    for segment in path.segments() {
        let properties = schema.get("properties").and_then(Value::as_object);
        let next = match segment {
            FieldSegment::Index(_) => schema.get("items"),
            FieldSegment::Key(key) => {
                properties.and_then(|properties| properties.get(key)).or_else(|| schema.get("additionalProperties"))
            }
        };
        match next {
            Some(next) => schema = next,
            None if schema.get(ANY).is_some() => return Described::Anything,
            None => {
                let known = properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str));
                let meant = if let FieldSegment::Key(key) = segment { closest(key, known) } else { None };
                return Described::Unknown(meant);
            }
        }
    }
    if schema.get(ANY).is_some() && schema.get("type").is_none() { Described::Anything } else { Described::As(schema) }
}

struct Converter<'a> {
    of: &'a ResourceType,
    root: &'a Value,
    /// Where we are.
    path: String,
    /// The names of the types that we are in, outermost first.
    types: Vec<&'a str>,
    nodes: usize,
}

impl<'a> Converter<'a> {
    /// The structural schema of what a JSON Schema describes.
    fn convert(&mut self, schema: &'a Value) -> Result<Map<String, Value>, SchemaError> {
        Ok(structural::complete(self.parts(schema)?))
    }

    /// As [`Self::convert`], but perhaps without a type: one part of a schema made of several.
    fn parts(&mut self, schema: &'a Value) -> Result<Map<String, Value>, SchemaError> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!(
                "has more than {NODES_MAX} parts with every type written in place: use `serde_json::Value` for a part of it"
            );
            return Err(self.error(message));
        }
        let Some(source) = schema.as_object() else {
            return Ok(structural::anything());
        };
        let mut target = self.own(source)?;
        if let Some(reference) = source.get("$ref").and_then(Value::as_str) {
            target = structural::both(target, self.referred(reference)?);
        }
        for part in list(source, "allOf") {
            let part = self.parts(part)?;
            target = structural::both(target, part);
        }
        for keyword in ["oneOf", "anyOf"] {
            let variants = list(source, keyword);
            if !variants.is_empty() {
                let variants = variants.iter().map(|variant| self.parts(variant)).collect::<Result<Vec<_>, _>>()?;
                let notes = structural::value_notes(&variants);
                target = structural::both(target, structural::either(variants));
                structural::describe_more(&mut target, &notes);
            }
        }
        Ok(target)
    }

    fn referred(&mut self, reference: &'a str) -> Result<Map<String, Value>, SchemaError> {
        let Some((name, schema)) = definition(self.root, reference) else {
            return Err(self.error(format!("refers to `{reference}`, which is not there: derive `JsonSchema`")));
        };
        if self.types.contains(&name) {
            let way = self.types.join(" -> ");
            return Err(self.error(format!(
                "the type `{name}` contains itself ({way} -> {name}), which the Kubernetes API can't describe: make the \
                 field a `serde_json::Value`, or refer to other objects by name"
            )));
        }
        self.types.push(name);
        let result = self.parts(schema);
        self.types.pop();
        result
    }

    /// What the schema itself says, without what it refers to.
    fn own(&mut self, source: &'a Map<String, Value>) -> Result<Map<String, Value>, SchemaError> {
        let mut target = Map::new();
        for (keyword, value) in source {
            if (SAME.contains(&keyword.as_str()) || keyword.starts_with("x-kubernetes-")) && !value.is_null() {
                target.insert(keyword.clone(), value.clone());
            }
        }
        structural::set_type(&mut target, source.get("type"));
        structural::set_values(&mut target, source);
        structural::set_format(&mut target, source.get("format"));
        for (exclusive, inclusive) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            if let Some(limit) = source.get(exclusive).filter(|limit| limit.is_number()) {
                target.insert(inclusive.to_owned(), limit.clone());
                target.insert(exclusive.to_owned(), true.into());
            }
        }
        self.fields(source, &mut target)?;
        self.elements(source, &mut target)?;
        Ok(target)
    }

    fn fields(&mut self, source: &'a Map<String, Value>, target: &mut Map<String, Value>) -> Result<(), SchemaError> {
        if let Some(fields) = source.get("properties").and_then(Value::as_object) {
            let mut properties = Map::new();
            for (name, schema) in fields {
                let schema = self.within(&format!(".{name}"), |converter| converter.convert(schema))?;
                properties.insert(name.clone(), schema.into());
            }
            target.insert("properties".to_owned(), properties.into());
            if let Some(required) = source.get("required") {
                target.insert("required".to_owned(), required.clone());
            }
        }
        let mut others = Vec::new();
        let patterns = source.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::values);
        let additional =
            ["additionalProperties", "unevaluatedProperties"].into_iter().filter_map(|key| source.get(key));
        for schema in patterns.chain(additional).filter(|schema| **schema != Value::Bool(false)) {
            others.push(self.within("[]", |converter| converter.convert(schema))?);
        }
        if !others.is_empty() {
            let others = structural::complete(structural::either(others));
            if structural::is_anything(&others) {
                target.insert(ANY.to_owned(), true.into());
            } else {
                target.insert("additionalProperties".to_owned(), others.into());
            }
        }
        Ok(())
    }

    fn elements(&mut self, source: &'a Map<String, Value>, target: &mut Map<String, Value>) -> Result<(), SchemaError> {
        let mut elements = Vec::new();
        let rest = source.get("items").filter(|schema| **schema != Value::Bool(false));
        for schema in list(source, "prefixItems").iter().chain(rest) {
            elements.push(self.within("[]", |converter| converter.convert(schema))?);
        }
        if elements.is_empty() {
            return Ok(());
        }
        let items = structural::complete(structural::either(elements));
        // Kubernetes compares the elements of a set by value, and only simple ones.
        let simple = items.get("type").is_some_and(|kind| kind != "object" && kind != "array");
        if simple && source.get("uniqueItems") == Some(&Value::Bool(true)) && !items.contains_key("nullable") {
            target.insert("x-kubernetes-list-type".to_owned(), "set".into());
        }
        target.insert("items".to_owned(), items.into());
        Ok(())
    }

    fn within<T>(&mut self, step: &str, run: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push_str(step);
        let result = run(self);
        self.path.truncate(length);
        result
    }

    fn error(&self, message: impl Into<String>) -> SchemaError {
        SchemaError::new(self.of, self.path.clone(), message)
    }
}

fn list<'a>(source: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    source.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::super::sample::{Device, Plain};
    use super::super::structural::{INT_OR_STRING, check_structural};
    use super::super::{Data, Resource};
    use super::*;

    fn spec_of<S: Data>() -> Value {
        Plain::<S>::TYPE.openapi_schema().unwrap()["properties"]["spec"].clone()
    }

    fn device(pointer: &str) -> Value {
        let schema = Device::TYPE.openapi_schema().unwrap();
        schema.pointer(&format!("/properties/{pointer}")).cloned().unwrap_or_default()
    }

    #[test]
    fn the_schema_of_a_kind_is_structural() {
        let schema = Device::TYPE.openapi_schema().unwrap();
        check_structural(&schema, "");
        assert_eq!(schema["required"], json!(["spec"]));
        assert_eq!(schema["description"], "A machine that should be running or stopped.");
    }

    #[test]
    fn an_enum_of_words_lists_them_whether_described_or_not() {
        assert_eq!(device("spec/properties/desired/enum"), json!(["stopped", "running"]));
        let mode = device("spec/properties/mode");
        assert_eq!((&mode["type"], &mode["default"]), (&json!("string"), &json!("Normal")));
        assert_eq!(mode["enum"], json!(["Test", "Normal", "Saving"]));
        let description = mode["description"].as_str().unwrap();
        assert!(
            description.starts_with("How the device works.\n\n- `Normal`: With all its strength."),
            "{description}"
        );
    }

    #[test]
    fn an_internally_tagged_enum_is_one_object_with_all_fields() {
        let boot = device("spec/properties/boot");
        assert_eq!((&boot["type"], &boot["nullable"]), (&json!("object"), &json!(true)));
        assert_eq!(boot["required"], json!(["type"]));
        assert_eq!(boot["properties"]["type"], json!({ "type": "string", "enum": ["net", "disk", "port"] }));
        assert_eq!(boot["properties"]["retries"], json!({ "type": "integer", "format": "int64", "minimum": 0 }));
        assert!(boot["properties"].get("label").is_some() && boot.get(ANY).is_none());
        assert!(boot["properties"]["number"].get("default").is_none(), "a default of one variant is none of all");
    }

    #[test]
    fn an_externally_tagged_enum_is_one_object_with_a_field_a_variant() {
        let disk = device("spec/properties/disk");
        assert_eq!(disk["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["local", "remote"]);
        assert!(disk.get("required").is_none() && disk.get(ANY).is_none());
    }

    #[test]
    fn an_adjacently_tagged_enum_leaves_open_what_differs() {
        let source = device("spec/properties/source");
        assert_eq!(source["properties"]["kind"]["enum"], json!(["Nowhere", "Url", "Port"]));
        assert_eq!(source["properties"]["value"], json!({ ANY: true }));
    }

    #[test]
    fn the_types_of_rust_become_those_of_kubernetes() {
        assert_eq!(device("spec/properties/maxUnavailable"), json!({ INT_OR_STRING: true, "nullable": true }));
        assert_eq!(device("spec/properties/extra"), json!({ ANY: true }));
        let replicas = json!({ "type": "integer", "format": "int64", "minimum": 0, "default": 0 });
        assert_eq!(device("spec/properties/replicas"), replicas);
        assert_eq!(device("spec/properties/groups/x-kubernetes-list-type"), json!("set"));
        assert_eq!(device("spec/properties/slots/additionalProperties/type"), json!("object"));
        assert_eq!(device("spec/properties/place/items"), json!({ "type": "integer", "format": "int32" }));
        assert_eq!(device("spec/properties/config"), json!({ "type": "string", "nullable": true }));
        let port = device("spec/properties/mainPort");
        assert_eq!((&port["description"], &port["nullable"]), (&json!("The port to reach it by."), &json!(true)));
    }

    #[test]
    fn conditions_are_a_list_that_merges_by_type() {
        let conditions = device("status/properties/conditions");
        assert_eq!(conditions["x-kubernetes-list-type"], "map");
        assert_eq!(conditions["x-kubernetes-list-map-keys"], json!(["type"]));
        assert_eq!(conditions["items"]["properties"]["status"]["enum"], json!(["True", "False", "Unknown"]));
    }

    #[test]
    fn a_type_that_contains_itself_is_an_error_that_names_the_way() {
        #[derive(Clone, Serialize, Deserialize, JsonSchema)]
        struct Tree {
            branches: Vec<Branch>,
        }
        #[derive(Clone, Serialize, Deserialize, JsonSchema)]
        struct Branch {
            tree: Option<Box<Tree>>,
        }
        let error = Plain::<Tree>::TYPE.openapi_schema().unwrap_err();
        assert_eq!(error.path, "spec.branches[].tree");
        assert!(error.to_string().contains("`Tree` contains itself (Tree -> Branch -> Tree)"), "{error}");
    }

    #[test]
    fn types_that_grow_without_end_in_place_are_an_error() {
        #[derive(Clone, Serialize, Deserialize, JsonSchema)]
        struct Twice<T> {
            one: T,
            two: T,
        }
        type Four<T> = Twice<Twice<T>>;
        type Sixteen<T> = Four<Four<T>>;
        let error = Plain::<Sixteen<Sixteen<Sixteen<Sixteen<bool>>>>>::TYPE.openapi_schema().unwrap_err();
        assert!(error.message.contains("more than 50000 parts"), "{error}");
    }

    #[test]
    fn the_rarer_shapes_are_structural_too() {
        #[derive(Clone, Serialize, Deserialize, JsonSchema)]
        struct Odd {
            nothing: (),
            tuple: (String, u8, Option<bool>),
            #[serde(flatten)]
            inner: Inner,
            #[serde(flatten)]
            rest: BTreeMap<String, Value>,
            mixed: Mixed,
            any: Any,
            wide: u128,
            list: Vec<Value>,
            keyed: BTreeMap<String, Vec<Option<f32>>>,
            result: Result<u8, String>,
            #[schemars(extend("exclusiveMinimum" = 3, "examples" = [4], "if" = {}))]
            limited: i16,
        }
        #[derive(Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "how")]
        enum Inner {
            This { x: u8 },
            That { x: String },
        }
        #[derive(Clone, Serialize, Deserialize, JsonSchema)]
        struct Numbers {
            named: u8,
            #[serde(flatten)]
            rest: BTreeMap<String, u8>,
        }
        #[derive(Clone, Serialize, Deserialize, JsonSchema)]
        enum Mixed {
            Unit,
            Data { x: u8 },
        }
        #[derive(Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(untagged)]
        enum Any {
            List(Vec<u8>),
            Lists(Vec<Vec<u8>>),
            Map(BTreeMap<String, u8>),
            Struct { a: u8 },
        }
        let spec = spec_of::<Odd>();
        check_structural(&spec, "spec");
        assert_eq!(spec["properties"]["how"]["enum"], json!(["This", "That"]));
        assert_eq!(spec["properties"]["x"], json!({ INT_OR_STRING: true }));
        assert_eq!(spec[ANY], true);
        assert_eq!(spec["properties"]["mixed"], json!({ ANY: true }));
        let limited = &spec["properties"]["limited"];
        assert_eq!((&limited["minimum"], &limited["exclusiveMinimum"]), (&json!(3), &json!(true)));
        let numbers = spec_of::<Numbers>();
        check_structural(&numbers, "spec");
        assert_eq!(numbers[ANY], true);
        for spec in [spec_of::<Mixed>(), spec_of::<Any>(), spec_of::<()>(), spec_of::<Value>(), spec_of::<Inner>()] {
            check_structural(&spec, "spec");
        }
    }
}
