//! The schemas of what is the same for every kind.

use serde_json::{Map, Value, json};

use super::names;
use crate::resource::{Namespace, Resource as _};

/// The common schemas, by their names, in the document of a group and version.
pub(super) fn schemas(group: &str, version: &str) -> Map<String, Value> {
    let (object_meta, owner_reference) = object_meta();
    let kinds = |kind: &str| {
        let mut kinds = vec![json!({ "group": "", "version": "v1", "kind": kind })];
        if !group.is_empty() {
            kinds.push(json!({ "group": group, "version": version, "kind": kind }));
        }
        kinds
    };
    let with_kinds = |kind: &'static str, mut schema: Value| {
        schema["x-kubernetes-group-version-kind"] = kinds(kind).into();
        (kind, schema)
    };
    [
        ("ObjectMeta", object_meta),
        ("OwnerReference", owner_reference),
        ("ListMeta", list_meta()),
        with_kinds("Status", status()),
        ("StatusDetails", status_details()),
        ("StatusCause", status_cause()),
        with_kinds("DeleteOptions", delete_options()),
        ("Preconditions", preconditions()),
        with_kinds("WatchEvent", watch_event()),
        ("Patch", patch()),
        ("JSONPatch", json_patch()),
        ("Time", time("A point in time.")),
        ("MicroTime", time("A point in time, to the microsecond.")),
        ("APIResourceList", api_resource_list()),
        ("APIResource", api_resource()),
    ]
    .into_iter()
    .map(|(name, schema)| (names::meta(name), schema))
    .collect()
}

/// A reference to one of the common schemas, with what it is here.
pub(super) fn part(name: &str, description: &str) -> Value {
    json!({ "description": description, "allOf": [names::reference(&names::meta(name))] })
}

/// A field of text.
pub(super) fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// A whole number.
pub(super) fn number(format: &str, description: &str) -> Value {
    json!({ "type": "integer", "format": format, "description": description })
}

fn type_fields(kind: &str) -> Map<String, Value> {
    Map::from_iter([
        ("apiVersion".to_owned(), text("The group and version of the kind.")),
        ("kind".to_owned(), text(&format!("Always `{kind}`."))),
    ])
}

fn of_kind(kind: &str, description: &str, fields: Value) -> Value {
    let mut properties = type_fields(kind);
    if let Value::Object(fields) = fields {
        properties.extend(fields);
    }
    json!({ "type": "object", "description": description, "properties": properties })
}

/// The metadata of objects and the reference to an owner, as the types of the program say them.
fn object_meta() -> (Value, Value) {
    let mut envelope = Namespace::TYPE.openapi_schema().unwrap_or_default();
    let mut metadata = envelope["properties"]["metadata"].take();
    let mut owner = json!({ "type": "object" });
    if let Some(owners) = metadata.pointer_mut("/properties/ownerReferences/items") {
        owner = std::mem::replace(owners, names::reference(&names::meta("OwnerReference")));
    }
    if let Some(fields) = metadata["properties"].as_object_mut() {
        // What is not given is not there; the defaults of Rust's types say nothing to a client.
        fields.values_mut().filter_map(Value::as_object_mut).for_each(|field| drop(field.remove("default")));
        let grace = "Always 0: an object goes with its last finalizer.";
        fields.insert("deletionGracePeriodSeconds".to_owned(), number("int64", grace));
    }
    (metadata, owner)
}

fn list_meta() -> Value {
    json!({
        "type": "object",
        "description": "What a list carries besides its objects.",
        "properties": {
            "continue": text("The list goes on: the parameter `continue` of the request for its next page."),
            "remainingItemCount": number("int64", "How many objects follow on further pages, if that is known."),
            "resourceVersion": text("The version of all that the list shows: a watch goes on from it."),
            "selfLink": text("Not set."),
        },
    })
}

fn status() -> Value {
    of_kind(
        "Status",
        "How a request ended.",
        json!({
            "metadata": part("ListMeta", "Empty."),
            "status": text("`Success` or `Failure`."),
            "message": text("What happened, for people."),
            "reason": text("What happened, in one word for programs, as in `NotFound`."),
            "details": part("StatusDetails", "What it is about."),
            "code": number("int32", "The code of the answer."),
        }),
    )
}

fn status_details() -> Value {
    json!({
        "type": "object",
        "description": "What a `Status` is about.",
        "properties": {
            "name": text("The name of the object."),
            "group": text("The group of its kind."),
            "kind": text("Its kind, or the name of its resource."),
            "uid": text("Its uid."),
            "causes": {
                "type": "array",
                "description": "All that is wrong, if it is more than the message says.",
                "items": names::reference(&names::meta("StatusCause")),
            },
            "retryAfterSeconds": number("int32", "How long to wait before the next try."),
        },
    })
}

fn status_cause() -> Value {
    json!({
        "type": "object",
        "description": "One thing that is wrong.",
        "properties": {
            "field": text("The path of the field, as in `spec.ports[0].name`."),
            "message": text("What is wrong, for people."),
            "reason": text("What is wrong, in one word for programs, as in `FieldValueInvalid`."),
        },
    })
}

fn delete_options() -> Value {
    of_kind(
        "DeleteOptions",
        "How objects are deleted.",
        json!({
            "dryRun": {
                "type": "array",
                "description": "`All`: nothing is deleted.",
                "items": { "type": "string", "enum": ["All"] },
            },
            "gracePeriodSeconds": {
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "description": "Accepted, and without effect: an object goes with its last finalizer.",
            },
            "orphanDependents":
                { "type": "boolean", "description": "The older way to say `propagationPolicy`: `true` is `Orphan`." },
            "preconditions": part("Preconditions", "What must be true of the object, or it is not deleted."),
            "propagationPolicy": {
                "type": "string",
                "enum": ["Orphan", "Background", "Foreground"],
                "description":
                    "What becomes of what the object owns: it stays, goes after it (the default), or goes before it.",
            },
        }),
    )
}

fn preconditions() -> Value {
    json!({
        "type": "object",
        "description": "What must be true of an object, or it is not deleted.",
        "properties": {
            "uid": text("Its uid."),
            "resourceVersion": text("Its version."),
        },
    })
}

fn watch_event() -> Value {
    json!({
        "type": "object",
        "description": "One line of a watch.",
        "properties": {
            "type": {
                "type": "string",
                "enum": ["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"],
                "description": "What happened.",
            },
            "object": {
                "type": "object",
                "description": "The object as it is, or was before it went; of an error, a `Status`.",
            },
        },
        "required": ["type", "object"],
    })
}

fn patch() -> Value {
    json!({
        "type": "object",
        "description": "The fields that change, in their places; null takes a field away.",
    })
}

fn json_patch() -> Value {
    json!({
        "type": "array",
        "description": "Steps that are taken one after the other, or not at all (RFC 6902).",
        "items": {
            "type": "object",
            "properties": {
                "op": { "type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"] },
                "path": text("Where, as in `/spec/template`."),
                "from": text("From where, for `move` and `copy`."),
                "value": { "description": "What, for `add`, `replace` and `test`." },
            },
            "required": ["op", "path"],
        },
    })
}

fn time(description: &str) -> Value {
    // Clients in Go write a null for no time at all.
    json!({ "type": "string", "format": "date-time", "nullable": true, "description": description })
}

fn api_resource_list() -> Value {
    let mut list = of_kind(
        "APIResourceList",
        "The resources of a group and version.",
        json!({
            "groupVersion": text("The group and version."),
            "resources": {
                "type": "array",
                "description": "The resources, and their subresources.",
                "items": names::reference(&names::meta("APIResource")),
            },
        }),
    );
    list["required"] = json!(["groupVersion", "resources"]);
    list
}

fn api_resource() -> Value {
    let words =
        |description: &str| json!({ "type": "array", "description": description, "items": { "type": "string" } });
    json!({
        "type": "object",
        "description": "A resource, or a subresource.",
        "properties": {
            "name": text("The name of many, as in `racks` or `racks/status`."),
            "singularName": text("The name of one."),
            "namespaced": { "type": "boolean", "description": "Do its objects live in namespaces?" },
            "kind": text("The kind of its objects."),
            "verbs": words("What can be done with it."),
            "shortNames": words("Abbreviations of its name."),
            "categories": words("The groups of resources that it is listed with, as in `all`."),
            "storageVersionHash": text("Is equal for resources that are stored as the same kind."),
        },
        "required": ["name", "singularName", "namespaced", "kind", "verbs"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_is_that_of_the_programs_types() {
        let schemas = schemas("example.io", "v1");
        let metadata = &schemas["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
        assert_eq!(metadata["properties"]["labels"]["additionalProperties"]["type"], "string");
        assert_eq!(metadata["properties"]["creationTimestamp"]["format"], "date-time");
        let owner = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference";
        assert_eq!(metadata["properties"]["ownerReferences"]["items"], json!({ "$ref": owner }));
        let owner = &schemas["io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference"];
        assert_eq!(owner["required"], json!(["apiVersion", "kind", "name", "uid"]));
        for (name, field) in metadata["properties"].as_object().unwrap() {
            assert!(field.get("default").is_none(), "{name}: {field}");
        }
    }
}
