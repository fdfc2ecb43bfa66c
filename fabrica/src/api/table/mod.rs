//! Tables: objects as people see them.

mod columns;

use serde_json::{Value, json};

pub(super) use columns::Columns;

use super::catalog::Served;
use super::query::IncludeObject;
use crate::resource::Timestamp;

/// A `Table` in a version of `meta.k8s.io`.
pub(super) struct Table<'a> {
    pub(super) version: &'static str,
    pub(super) served: &'a Served,
    pub(super) include: IncludeObject,
    /// The time that ages are counted to.
    pub(super) now: Timestamp,
}

impl Table<'_> {
    /// The whole table. `metadata` is that of the list, or of the one object.
    ///
    /// Without the definitions of its columns, it goes on from a table that the reader has seen.
    pub(super) fn value(&self, metadata: &Value, with_definitions: bool, rows: &[Value]) -> Value {
        let definitions = if with_definitions { self.served.columns().definitions().into() } else { Value::Null };
        json!({
            "kind": "Table",
            "apiVersion": format!("meta.k8s.io/{}", self.version),
            "metadata": metadata,
            "columnDefinitions": definitions,
            "rows": rows,
        })
    }

    /// The row of an object, from its envelope as it is stored.
    pub(super) fn row(&self, stored: Value) -> Value {
        let stored = self.served.completed(stored);
        let cells = self.served.columns().cells(&stored, self.now);
        let object = self.served.shown_value(stored);
        match self.include {
            IncludeObject::None => json!({ "cells": cells }),
            IncludeObject::Object => json!({ "cells": cells, "object": object }),
            IncludeObject::Metadata => json!({ "cells": cells, "object": metadata_only(object, self.version) }),
        }
    }
}

/// An object's metadata alone, as a `PartialObjectMetadata`.
pub(super) fn metadata_only(mut object: Value, version: &str) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": format!("meta.k8s.io/{version}"),
        "metadata": object.get_mut("metadata").map(Value::take).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::sample::Device;
    use crate::resource::{Namespace, Resource};

    fn table(include: IncludeObject, served: &Served) -> Table<'_> {
        Table { version: "v1", served, include, now: "2026-01-01T00:02:05Z".parse().unwrap() }
    }

    fn device() -> Value {
        json!({
            "apiVersion": "example.io/v1",
            "kind": "Device",
            "metadata": { "name": "a", "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": {},
            "status": { "state": "on", "conditions": [{ "type": "Ready", "status": "True", "reason": "Up" }] },
        })
    }

    #[test]
    fn a_row_has_what_the_definitions_say() {
        let served = Served::of(Device::TYPE);
        let table = table(IncludeObject::Metadata, &served);
        let value = table.value(&json!({ "resourceVersion": "7" }), true, &[table.row(device())]);
        let names: Vec<&str> = value["columnDefinitions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| column["name"].as_str().unwrap())
            .collect();
        let cells = value["rows"][0]["cells"].as_array().unwrap();
        assert_eq!(names.len(), cells.len());
        let cell = |name: &str| &cells[names.iter().position(|known| *known == name).unwrap()];
        assert_eq!((cell("Name"), cell("State"), cell("Ready")), (&json!("a"), &json!("on"), &json!("True")));
        assert_eq!((cell("Age"), cell("Seen")), (&json!("2m5s"), &Value::Null));
        assert_eq!(value["metadata"]["resourceVersion"], "7");
    }

    #[test]
    fn a_row_carries_as_much_of_its_object_as_is_wanted() {
        let served = Served::of(Device::TYPE);
        let row = |include| table(include, &served).row(device());
        assert_eq!(row(IncludeObject::None).get("object"), None);
        assert_eq!(row(IncludeObject::Object)["object"], device());
        let metadata = &row(IncludeObject::Metadata)["object"];
        assert_eq!((&metadata["kind"], &metadata["metadata"]["name"]), (&json!("PartialObjectMetadata"), &json!("a")));
        assert_eq!(metadata.get("spec"), None);
    }

    #[test]
    fn a_namespace_shows_its_phase() {
        let served = Served::of(Namespace::TYPE);
        let table = table(IncludeObject::Object, &served);
        for (metadata, phase) in [
            (json!({ "name": "lab" }), "Active"),
            (json!({ "name": "lab", "deletionTimestamp": "2026-01-01T00:00:00Z" }), "Terminating"),
        ] {
            let row = table.row(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "spec": {} }));
            assert_eq!((&row["cells"][1], &row["object"]["status"]["phase"]), (&json!(phase), &json!(phase)));
        }
    }
}
