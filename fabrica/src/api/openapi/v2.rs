//! The document of all versions, in version 2 of `OpenAPI`, made of those in version 3.

use serde_json::{Map, Value, json};

/// The methods of a path.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The whole document.
pub(super) fn document(versions: impl Iterator<Item = Value>) -> Value {
    let (mut paths, mut definitions) = (Map::new(), Map::new());
    for mut version in versions {
        if let Value::Object(of_version) = version["paths"].take() {
            paths.extend(of_version.into_iter().map(|(path, item)| (path, path_item(item))));
        }
        if let Value::Object(schemas) = version["components"]["schemas"].take() {
            definitions.extend(schemas.into_iter().map(|(name, value)| (name, schema(value))));
        }
    }
    json!({
        "swagger": "2.0",
        "info": { "title": "Fabrica", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "definitions": definitions,
    })
}

/// The head of the document in Protocol Buffers, in which it is not written.
///
/// `kubectl` asks for it where it finds a kind in none of the documents of version 3, and reads no JSON. As nothing is
/// described in this one, it goes on, and says which kind there is not.
pub(super) fn head() -> Vec<u8> {
    let info = [field(1, "Fabrica".as_bytes()), field(2, env!("CARGO_PKG_VERSION").as_bytes())].concat();
    [field(1, "2.0".as_bytes()), field(2, &info)].concat()
}

/// A field of fewer than 128 bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or_default();
    [&[number << 3 | 2, length], content].concat()
}

fn path_item(mut item: Value) -> Value {
    if let Some(parameters) = item.get_mut("parameters") {
        in_place(parameters);
    }
    for method in METHODS {
        if let Some(Value::Object(before)) = item.get_mut(method).map(Value::take) {
            item[method] = operation(before);
        }
    }
    item
}

fn operation(mut operation: Map<String, Value>) -> Value {
    let mut parameters = operation.remove("parameters").unwrap_or_else(|| json!([]));
    in_place(&mut parameters);
    if let Some(body) = operation.remove("requestBody") {
        let types: Vec<&String> = body["content"].as_object().into_iter().flat_map(Map::keys).collect();
        // The body has one schema here, whatever its form.
        let schemas = body["content"].as_object().into_iter().flat_map(Map::values);
        if let (Some(content), Value::Array(parameters)) = (schemas.last(), &mut parameters) {
            let is_required = body["required"].as_bool().unwrap_or_default();
            let schema = schema(content["schema"].clone());
            parameters.push(json!({ "name": "body", "in": "body", "required": is_required, "schema": schema }));
        }
        operation.insert("consumes".to_owned(), json!(types));
    }
    if parameters.as_array().is_some_and(|parameters| !parameters.is_empty()) {
        operation.insert("parameters".to_owned(), parameters);
    }
    for response in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
    {
        let mut content = response["content"].take();
        let answer = schema(content["application/json"]["schema"].take());
        *response = json!({ "description": response["description"], "schema": answer });
    }
    operation.insert("produces".to_owned(), json!(["application/json"]));
    operation.into()
}

/// Parameters carry their schema's keywords themselves.
fn in_place(parameters: &mut Value) {
    for parameter in parameters.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(Value::Object(schema)) = parameter.remove("schema") {
            parameter.extend(schema);
        }
    }
}

/// A schema in the older words, which can say less.
fn schema(value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            map.remove("nullable");
            // Either may come: what they have in common is that it is an object.
            if map.remove("anyOf").is_some() {
                map.insert("type".to_owned(), "object".into());
            }
            if let Some(Value::String(reference)) = map.get_mut("$ref") {
                *reference = reference.replace("#/components/schemas/", "#/definitions/");
            }
            map.into_iter().map(|(keyword, value)| (keyword, schema(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(list) => list.into_iter().map(schema).collect(),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_says_what_it_is() {
        let head = head();
        assert_eq!(&head[..5], b"\x0a\x032.0");
        assert_eq!((usize::from(head[6]), &head[7..16]), (head.len() - 7, &b"\x0a\x07Fabrica"[..]));
    }

    #[test]
    fn the_words_are_the_older_ones() {
        let reference = json!({ "$ref": "#/components/schemas/a.B" });
        let answer =
            |schema: Value| json!({ "description": "OK", "content": { "application/json": { "schema": schema } } });
        let document = document(
            [json!({
                "paths": { "/b/{name}": {
                    "parameters": [
                        { "name": "name", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } },
                    ],
                    "put": {
                        "operationId": "replaceB",
                        "requestBody": { "required": true, "content": { "application/json": { "schema": reference } } },
                        "responses": {
                            "200": answer(reference.clone()),
                            "201": answer(json!({ "anyOf": [reference, reference] })),
                        },
                    },
                } },
                "components": { "schemas": {
                    "a.B": { "type": "object", "properties": { "c": { "type": "string", "nullable": true } } },
                } },
            })]
            .into_iter(),
        );
        assert_eq!(document["swagger"], "2.0");
        let item = &document["paths"]["/b/{name}"];
        assert_eq!(
            item["parameters"],
            json!([{ "name": "name", "in": "path", "required": true, "type": "string", "minLength": 1 }])
        );
        let reference = json!({ "$ref": "#/definitions/a.B" });
        assert_eq!(
            item["put"],
            json!({
                "operationId": "replaceB",
                "consumes": ["application/json"],
                "produces": ["application/json"],
                "parameters": [{ "name": "body", "in": "body", "required": true, "schema": reference }],
                "responses": {
                    "200": { "description": "OK", "schema": reference },
                    "201": { "description": "OK", "schema": { "type": "object" } },
                },
            })
        );
        let definition = json!({ "type": "object", "properties": { "c": { "type": "string" } } });
        assert_eq!(document["definitions"]["a.B"], definition);
    }
}
