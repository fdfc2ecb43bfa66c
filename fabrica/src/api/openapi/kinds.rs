//! The schemas of kinds.

use serde_json::{Value, json};
use tracing::warn;

use super::{events, names};
use crate::api::catalog::{Backing, Served};
use crate::api::event_forms::EventForm;
use crate::resource::ResourceType;

/// The schema of an object of the kind.
pub(super) fn one(served: &Served) -> Value {
    let mut schema = match served.backing {
        Backing::Kind(type_) => of_type(type_),
        Backing::Events(EventForm::Core) => events::core(),
        Backing::Events(EventForm::Events) => events::events(),
        Backing::Nothing => json!({
            "description": format!("A {} of Kubernetes. There are none here: the resource exists for tools that ask for it.", served.kind),
            "type": "object",
            "properties": {},
        }),
    };
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.entry("apiVersion").or_insert_with(
            || json!({ "type": "string", "description": format!("Always `{}`.", served.api_version()) }),
        );
        properties
            .entry("kind")
            .or_insert_with(|| json!({ "type": "string", "description": format!("Always `{}`.", served.kind) }));
        let metadata = json!({
            "description": "What every object carries besides its spec and status.",
            "allOf": [names::reference(&names::meta("ObjectMeta"))],
        });
        properties.insert("metadata".to_owned(), metadata);
        for (part, meaning) in [("spec", "What the object is to be."), ("status", "What was observed of the object.")] {
            if let Some(Value::Object(schema)) = properties.get_mut(part) {
                schema.entry("description").or_insert_with(|| meaning.into());
            }
        }
    }
    schema["x-kubernetes-group-version-kind"] = json!([group_version_kind(served, served.kind)]);
    schema
}

/// The schema of a list of objects of the kind.
pub(super) fn list(served: &Served) -> Value {
    let kind = format!("{}List", served.kind);
    json!({
        "description": format!("A list of objects of kind {}.", served.kind),
        "type": "object",
        "properties": {
            "apiVersion": { "type": "string", "description": format!("Always `{}`.", served.api_version()) },
            "kind": { "type": "string", "description": format!("Always `{kind}`.") },
            "metadata": {
                "description": "What the list carries besides the objects.",
                "allOf": [names::reference(&names::meta("ListMeta"))],
            },
            "items": {
                "description": "The objects.",
                "type": "array",
                "items": names::reference(&names::kind(served)),
            },
        },
        "required": ["items"],
        "x-kubernetes-group-version-kind": [group_version_kind(served, &kind)],
    })
}

fn group_version_kind(served: &Served, kind: &str) -> Value {
    json!({ "group": served.group, "version": served.version, "kind": kind })
}

/// A kind that can't be described is served all the same: anything may stand in its spec and status.
fn of_type(type_: &ResourceType) -> Value {
    match type_.openapi_schema() {
        Ok(schema) => schema,
        Err(error) => {
            warn!("the OpenAPI document leaves open what a {} is made of: {error}", type_.kind);
            let mut schema = json!({
                "description": type_.description,
                "type": "object",
                "properties": { "spec": { "x-kubernetes-preserve-unknown-fields": true } },
                "required": ["spec"],
                "x-kubernetes-preserve-unknown-fields": true,
            });
            if type_.has_status {
                schema["properties"]["status"] = json!({ "x-kubernetes-preserve-unknown-fields": true });
            }
            schema
        }
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::api::catalog::Catalog;
    use crate::resource::Resource as _;
    use crate::resource::sample::{Device, Plain};

    #[test]
    fn a_kind_says_what_it_is_and_refers_to_the_common_metadata() {
        let catalog = Catalog::new(&[Device::TYPE]);
        let schema = one(catalog.find("example.io", "v1", "devices").unwrap());
        assert_eq!(schema["description"], "A machine that should be running or stopped.");
        let kind = json!([{ "group": "example.io", "version": "v1", "kind": "Device" }]);
        assert_eq!(schema["x-kubernetes-group-version-kind"], kind);
        let reference = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
        assert_eq!(schema["properties"]["metadata"]["allOf"], json!([{ "$ref": reference }]));
        assert_eq!(schema["properties"]["spec"]["description"], "What the object is to be.");
        assert_eq!(schema["properties"]["spec"]["properties"]["desired"]["enum"], json!(["stopped", "running"]));
    }

    #[test]
    fn a_kind_that_can_not_be_described_is_left_open() {
        #[derive(Clone, Serialize, Deserialize, JsonSchema)]
        struct Tree {
            branches: Vec<Tree>,
        }
        let catalog = Catalog::new(&[Plain::<Tree>::TYPE]);
        let schema = one(catalog.find("example.io", "v1alpha1", "plains").unwrap());
        assert_eq!(schema["x-kubernetes-preserve-unknown-fields"], true);
        assert_eq!(schema["properties"]["spec"]["x-kubernetes-preserve-unknown-fields"], true);
        assert_eq!(schema["x-kubernetes-group-version-kind"][0]["kind"], "Plain");
        assert!(schema["properties"]["metadata"].is_object() && schema["properties"].get("status").is_none());
    }
}
