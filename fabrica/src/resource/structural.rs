//! Pieces of structural schemas, and how they are put together.

use serde_json::{Map, Value, json};

/// Says that anything may stand here, or more fields than are listed.
pub(super) const ANY: &str = "x-kubernetes-preserve-unknown-fields";
/// Says that the value is an integer or a string.
pub(super) const INT_OR_STRING: &str = "x-kubernetes-int-or-string";

type Schema = Map<String, Value>;

/// The schema of a value that is not described.
pub(super) fn anything() -> Schema {
    Map::from_iter([(ANY.to_owned(), Value::Bool(true))])
}

/// Does the schema leave open what the value is?
pub(super) fn is_anything(schema: &Schema) -> bool {
    !schema.contains_key("type") && schema.contains_key(ANY)
}

/// Sets the type from that of a JSON Schema, which may be a list.
pub(super) fn set_type(schema: &mut Schema, kind: Option<&Value>) {
    let kinds: Vec<&str> = match kind {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    if kinds.contains(&"null") {
        schema.insert("nullable".to_owned(), true.into());
    }
    match kinds.into_iter().filter(|kind| *kind != "null").collect::<Vec<_>>()[..] {
        [] => {}
        [kind] => {
            schema.insert("type".to_owned(), kind.into());
        }
        ["integer", "string"] | ["string", "integer"] => {
            schema.insert(INT_OR_STRING.to_owned(), true.into());
        }
        ["integer", "number"] | ["number", "integer"] => {
            schema.insert("type".to_owned(), "number".into());
        }
        _ => {
            schema.insert(ANY.to_owned(), true.into());
        }
    }
}

/// Sets the values that are allowed from the `const` or `enum` of a JSON Schema.
pub(super) fn set_values(schema: &mut Schema, source: &Schema) {
    let values: Vec<Value> = match (source.get("const"), source.get("enum")) {
        (Some(value), _) => vec![value.clone()],
        (None, Some(Value::Array(values))) => values.clone(),
        _ => return,
    };
    // Kubernetes never finds a null among the values.
    let (nulls, values): (Vec<_>, Vec<_>) = values.into_iter().partition(Value::is_null);
    if !nulls.is_empty() {
        schema.insert("nullable".to_owned(), true.into());
    }
    let mut kinds = values.iter().map(kind_of);
    if let Some(kind) = kinds.next() {
        if kinds.any(|other| other != kind) {
            schema.remove("type");
            schema.insert(ANY.to_owned(), true.into());
            return;
        }
        schema.entry("type").or_insert_with(|| kind.into());
        schema.insert("enum".to_owned(), values.into());
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Sets the format; that of an integer becomes the smallest one of Kubernetes that holds all its values.
pub(super) fn set_format(schema: &mut Schema, format: Option<&Value>) {
    let Some(format) = format.and_then(Value::as_str) else { return };
    let known = match format {
        "int8" | "int16" | "uint8" | "uint16" => "int32",
        "uint32" | "uint64" | "uint" | "int" => "int64",
        "int128" | "uint128" => "",
        other => other,
    };
    if !known.is_empty() {
        schema.insert("format".to_owned(), known.into());
    }
    if format.starts_with("uint") {
        schema.entry("minimum").or_insert_with(|| 0.into());
    }
}

/// Gives a schema what Kubernetes wants every schema to have.
pub(super) fn complete(mut schema: Schema) -> Schema {
    if !schema.contains_key("type") && !schema.contains_key(INT_OR_STRING) && !schema.contains_key(ANY) {
        let kind = if ["properties", "additionalProperties"].iter().any(|keyword| schema.contains_key(*keyword)) {
            Some("object")
        } else if schema.contains_key("items") {
            Some("array")
        } else {
            None
        };
        match kind {
            Some(kind) => schema.insert("type".to_owned(), kind.into()),
            None => schema.insert(ANY.to_owned(), true.into()),
        };
    }
    if !schema.contains_key("type") && schema.contains_key("properties") {
        schema.insert("type".to_owned(), "object".into());
    }
    if schema.get("type").is_some_and(|kind| kind == "array") {
        schema.entry("items").or_insert_with(|| anything().into());
    }
    // A schema lists its fields or describes them all alike, not both.
    if schema.contains_key("properties") && schema.remove("additionalProperties").is_some() {
        schema.insert(ANY.to_owned(), true.into());
    }
    schema
}

/// The schema of what satisfies both; where they say the same thing differently, the first counts.
pub(super) fn both(first: Schema, second: Schema) -> Schema {
    let mut result = first;
    for (keyword, theirs) in second {
        let Some(ours) = result.get_mut(&keyword) else {
            result.insert(keyword, theirs);
            continue;
        };
        match (keyword.as_str(), ours, theirs) {
            ("properties", Value::Object(ours), Value::Object(theirs)) => {
                for (name, theirs) in theirs {
                    let merged = match (ours.remove(&name), theirs) {
                        (Some(Value::Object(ours)), Value::Object(theirs)) => both(ours, theirs).into(),
                        (Some(ours), _) => ours,
                        (None, theirs) => theirs,
                    };
                    ours.insert(name, merged);
                }
            }
            ("required", Value::Array(ours), Value::Array(theirs)) => {
                let new: Vec<_> = theirs.into_iter().filter(|name| !ours.contains(name)).collect();
                ours.extend(new);
            }
            _ => {}
        }
    }
    // A type that is known describes more than "anything".
    if result.contains_key("type") && !result.contains_key("properties") && result.get("type") != Some(&json!("object"))
    {
        result.remove(ANY);
    }
    result
}

/// The schema of what satisfies at least one, as closely as one type can say.
pub(super) fn either(variants: Vec<Schema>) -> Schema {
    let is_null =
        |variant: &Schema| variant.contains_key("nullable") && !variant.contains_key("type") && !is_open(variant);
    let nullable = variants.iter().any(|variant| variant.contains_key("nullable"));
    let mut result = variants.into_iter().filter(|variant| !is_null(variant)).reduce(widen).unwrap_or_default();
    if nullable {
        result.insert("nullable".to_owned(), true.into());
    }
    result
}

fn is_open(schema: &Schema) -> bool {
    schema.contains_key(ANY) || schema.contains_key(INT_OR_STRING) || schema.contains_key("properties")
}

/// The descriptions of an enum's values, one a line.
pub(super) fn value_notes(variants: &[Schema]) -> String {
    let note = |variant: &Schema| {
        let values = variant.get("enum")?.as_array()?;
        let [Value::String(value)] = values.as_slice() else { return None };
        Some(format!("- `{value}`: {}", variant.get("description")?.as_str()?))
    };
    variants.iter().filter_map(note).collect::<Vec<_>>().join("\n")
}

/// Adds a paragraph to the description.
pub(super) fn describe_more(schema: &mut Schema, paragraph: &str) {
    if !paragraph.is_empty() {
        let text = match schema.get("description").and_then(Value::as_str) {
            Some(description) => format!("{description}\n\n{paragraph}"),
            None => paragraph.to_owned(),
        };
        schema.insert("description".to_owned(), text.into());
    }
}

/// The schema of what satisfies one or the other.
fn widen(first: Schema, second: Schema) -> Schema {
    let (first, second) = (complete(first), complete(second));
    if is_anything(&first) || is_anything(&second) {
        return anything();
    }
    let kind = |schema: &Schema| match schema.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        _ => INT_OR_STRING.to_owned(),
    };
    match (kind(&first).as_str(), kind(&second).as_str()) {
        ("object", "object") => widen_objects(first, second),
        ("array", "array") => widen_arrays(first, second),
        (one, other) if one == other => widen_values(&first, &second),
        ("integer", "number") | ("number", "integer") => Map::from_iter([("type".to_owned(), "number".into())]),
        ("integer" | "string" | INT_OR_STRING, "integer" | "string" | INT_OR_STRING) => {
            Map::from_iter([(INT_OR_STRING.to_owned(), true.into())])
        }
        _ => anything(),
    }
}

/// What both say in the same words.
fn common(first: &Schema, second: &Schema) -> Schema {
    let mut result: Schema = first
        .iter()
        .filter(|(keyword, value)| second.get(*keyword) == Some(*value))
        .map(|(keyword, value)| (keyword.clone(), value.clone()))
        .collect();
    for flag in ["nullable", ANY] {
        if first.contains_key(flag) || second.contains_key(flag) {
            result.insert(flag.to_owned(), true.into());
        }
    }
    result
}

fn widen_values(first: &Schema, second: &Schema) -> Schema {
    let mut result = common(first, second);
    if let (Some(Value::Array(ours)), Some(Value::Array(theirs))) = (first.get("enum"), second.get("enum")) {
        let mut values = ours.clone();
        values.extend(theirs.iter().filter(|value| !ours.contains(value)).cloned());
        result.insert("enum".to_owned(), values.into());
    }
    result
}

fn widen_arrays(mut first: Schema, mut second: Schema) -> Schema {
    let items = match (first.remove("items"), second.remove("items")) {
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => complete(widen(ours, theirs)),
        _ => anything(),
    };
    let mut result = common(&first, &second);
    // They hold for elements of the one type only.
    result.retain(|keyword, _| !keyword.starts_with("x-kubernetes-list-"));
    result.insert("items".to_owned(), items.into());
    result
}

fn widen_objects(mut first: Schema, mut second: Schema) -> Schema {
    let mut taken = |keyword: &str| (first.remove(keyword), second.remove(keyword));
    let (properties, required, additional) = (taken("properties"), taken("required"), taken("additionalProperties"));
    let mut result = common(&first, &second);
    if let (Some(Value::Array(ours)), Some(Value::Array(theirs))) = required {
        let needed: Vec<_> = ours.into_iter().filter(|name| theirs.contains(name)).collect();
        if !needed.is_empty() {
            result.insert("required".to_owned(), needed.into());
        }
    }
    match additional {
        (None, None) => {}
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            result.insert("additionalProperties".to_owned(), complete(widen(ours, theirs)).into());
        }
        _ => {
            result.insert(ANY.to_owned(), true.into());
        }
    }
    let mut fields = Map::new();
    for (name, schema) in [properties.0, properties.1].into_iter().flatten().filter_map(into_object).flatten() {
        let Value::Object(mut schema) = schema else { continue };
        // A default of one variant is none of the whole.
        schema.remove("default");
        let schema = match fields.remove(&name) {
            Some(Value::Object(ours)) => complete(widen(ours, schema)),
            _ => schema,
        };
        fields.insert(name, schema.into());
    }
    if !fields.is_empty() {
        result.insert("properties".to_owned(), fields.into());
    }
    complete(result)
}

fn into_object(value: Value) -> Option<Schema> {
    if let Value::Object(map) = value { Some(map) } else { None }
}

/// Checks every rule of Kubernetes for structural schemas that a schema of ours could break, on its own terms.
#[cfg(test)]
pub(super) fn check_structural(schema: &Value, path: &str) {
    const ALLOWED: &str = "type format title description default nullable enum pattern minimum maximum exclusiveMinimum \
         exclusiveMaximum multipleOf minLength maxLength minItems maxItems minProperties maxProperties required \
         properties items additionalProperties x-kubernetes-list-type x-kubernetes-list-map-keys \
         x-kubernetes-map-type x-kubernetes-preserve-unknown-fields x-kubernetes-int-or-string";
    let map = schema.as_object().unwrap_or_else(|| panic!("{path}: {schema} is no object"));
    for keyword in map.keys() {
        assert!(ALLOWED.split_whitespace().any(|allowed| allowed == keyword), "{path}: `{keyword}` is not structural");
    }
    let flag = |name: &str| map.get(name) == Some(&json!(true));
    let kind = map.get("type").map(|kind| kind.as_str().unwrap_or_else(|| panic!("{path}: type {kind}")));
    match kind {
        Some("object" | "array" | "string" | "integer" | "number" | "boolean") => {
            assert!(!flag(INT_OR_STRING), "{path}: a type and int-or-string");
        }
        None => assert!(flag(ANY) || flag(INT_OR_STRING), "{path}: no type"),
        other => panic!("{path}: type {other:?}"),
    }
    let properties = map.get("properties").and_then(Value::as_object);
    let additional = map.get("additionalProperties");
    assert!(properties.is_none() || additional.is_none(), "{path}: properties and additionalProperties");
    assert!(properties.is_none() && additional.is_none() || kind == Some("object"), "{path}: fields of no object");
    assert_eq!(map.contains_key("items"), kind == Some("array"), "{path}: items");
    assert_ne!(map.get("default"), Some(&Value::Null), "{path}: a default of null");
    if let Some(values) = map.get("enum") {
        let values = values.as_array().unwrap();
        assert!(!values.is_empty() && !values.iter().any(Value::is_null), "{path}: enum {values:?}");
    }
    for key in map.get("x-kubernetes-list-map-keys").and_then(Value::as_array).into_iter().flatten() {
        assert_eq!(map["x-kubernetes-list-type"], "map", "{path}");
        assert!(map["items"]["required"].as_array().unwrap().contains(key), "{path}: {key} may be missing");
        assert!(map["items"]["properties"].get(key.as_str().unwrap()).is_some(), "{path}: {key} is no field");
    }
    for name in map.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(properties.is_some_and(|map| map.contains_key(name.as_str().unwrap())), "{path}: requires {name}");
    }
    for (name, schema) in properties.into_iter().flatten() {
        check_structural(schema, &format!("{path}.{name}"));
    }
    for schema in [map.get("items"), additional].into_iter().flatten() {
        check_structural(schema, &format!("{path}[]"));
    }
}
