//! The custom resource definition of a kind.

use serde_json::{Value, json};

use super::columns::PrinterColumn;
use super::openapi::{Described, describe};
use super::{FieldPath, FieldSegment, ResourceType, SchemaError};

impl ResourceType {
    /// The kind as a `CustomResourceDefinition` of `apiextensions.k8s.io/v1`, for a Kubernetes cluster or a tool that
    /// wants to know the kind.
    ///
    /// # Errors
    /// As for [`ResourceType::openapi_schema`]; and the path of a column or of a selectable field is wrong, or the group
    /// is empty.
    pub fn crd(&self) -> Result<Value, SchemaError> {
        if self.group.is_empty() {
            return Err(SchemaError::new(self, "", "has no group, and only a kind with one can be defined"));
        }
        let mut schema = self.openapi_schema()?;
        let columns: Vec<Value> = self.printer_columns(&schema)?.iter().map(PrinterColumn::definition).collect();
        let mut selectable = Vec::new();
        for path in self.selectable {
            let path = self.path("the selectable field", path)?;
            // Kubernetes knows the metadata by itself, and wants nothing said about it.
            if path.segments().first() != Some(&FieldSegment::Key("metadata".to_owned())) {
                selectable.push(self.selectable_field(&path, &schema)?);
            }
        }
        if let Some(metadata) = schema.pointer_mut("/properties/metadata") {
            *metadata = json!({ "type": "object" });
        }
        let mut version = json!({
            "name": self.version,
            "served": true,
            "storage": true,
            "schema": { "openAPIV3Schema": schema },
            "additionalPrinterColumns": columns,
        });
        if self.has_status {
            version["subresources"] = json!({ "status": {} });
        }
        if !selectable.is_empty() {
            version["selectableFields"] = selectable.into();
        }
        let mut names = json!({
            "kind": self.kind,
            "listKind": format!("{}List", self.kind),
            "plural": self.plural,
            "singular": self.singular,
        });
        for (key, words) in [("shortNames", self.short_names), ("categories", self.categories)] {
            if !words.is_empty() {
                names[key] = words.into();
            }
        }
        Ok(json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{}.{}", self.plural, self.group) },
            "spec": {
                "group": self.group,
                "names": names,
                "scope": if self.namespaced { "Namespaced" } else { "Cluster" },
                "versions": [version],
            },
        }))
    }

    fn selectable_field(&self, path: &FieldPath, schema: &Value) -> Result<Value, SchemaError> {
        let what = "the selectable field";
        let described = self.known(what, path, schema)?;
        let kind = described.and_then(|schema| schema.get("type")).and_then(Value::as_str);
        let through_list = path.segments().iter().any(|segment| matches!(segment, FieldSegment::Index(_)));
        if through_list || !matches!(kind, Some("string" | "integer" | "boolean")) {
            let message =
                format!("{what} is no single string, integer or boolean outside of lists: select by one that is");
            return Err(SchemaError::new(self, path.to_string(), message));
        }
        Ok(json!({ "jsonPath": path.json_path() }))
    }

    pub(super) fn path(&self, what: &str, path: &str) -> Result<FieldPath, SchemaError> {
        FieldPath::parse(path).map_err(|error| SchemaError::new(self, path, format!("{what} is at no path: {error}")))
    }

    /// The schema at a path, if what stands there is described; an error if nothing can stand there.
    pub(super) fn known<'a>(
        &self,
        what: &str,
        path: &FieldPath,
        schema: &'a Value,
    ) -> Result<Option<&'a Value>, SchemaError> {
        match describe(schema, path) {
            Described::As(schema) => Ok(Some(schema)),
            Described::Anything => Ok(None),
            Described::Unknown(meant) => {
                let hint = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
                let message = format!("{what} is at a path that the kind doesn't have{hint}");
                Err(SchemaError::new(self, path.to_string(), message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Device, Plain, Power};
    use super::super::{Column, Resource};
    use super::*;

    #[test]
    fn a_definition_says_what_the_kind_is() {
        let crd = Device::TYPE.crd().unwrap();
        assert_eq!(crd["metadata"]["name"], "devices.example.io");
        let names = json!({
            "kind": "Device", "listKind": "DeviceList", "plural": "devices", "singular": "device",
            "shortNames": ["dev"], "categories": ["all"],
        });
        assert_eq!(crd["spec"]["names"], names);
        assert_eq!(crd["spec"]["scope"], "Cluster");
        let version = &crd["spec"]["versions"][0];
        assert_eq!(version["subresources"], json!({ "status": {} }));
        assert_eq!(version["selectableFields"], json!([{ "jsonPath": ".spec.rack" }, { "jsonPath": ".status.state" }]));
        let columns: Vec<_> = version["additionalPrinterColumns"].as_array().unwrap().iter().collect();
        let kinds: Vec<_> = columns.iter().map(|column| (&column["name"], &column["type"])).collect();
        let expected = json!([
            ["State", "string"],
            ["Seen", "date"],
            ["Replicas", "integer"],
            ["Port", "string"],
            ["Ready", "string"],
            ["Reason", "string"],
            ["Owner", "string"],
            ["Age", "date"]
        ]);
        assert_eq!(json!(kinds), expected);
        assert_eq!(columns[3]["jsonPath"], ".spec.ports[0].name");
    }

    #[test]
    fn a_definition_says_of_the_metadata_only_that_it_is_an_object() {
        let crd = Device::TYPE.crd().unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        assert_eq!(schema["properties"]["metadata"], json!({ "type": "object" }));
        assert_eq!(schema["properties"]["kind"]["type"], "string");
    }

    #[test]
    fn a_kind_with_nothing_has_nothing_extra() {
        let crd = Plain::<Power>::TYPE.crd().unwrap();
        assert_eq!(crd["spec"]["scope"], "Namespaced");
        let version = &crd["spec"]["versions"][0];
        assert!(version.get("subresources").is_none() && version.get("selectableFields").is_none());
        assert!(version["schema"]["openAPIV3Schema"]["properties"].get("status").is_none());
    }

    #[test]
    fn a_path_that_is_not_there_is_an_error_with_what_was_meant() {
        const COLUMNS: &[Column] = &[Column::new("State", ".status.stat")];
        let mut of = *Device::TYPE;
        of.columns = COLUMNS;
        let error = of.crd().unwrap_err();
        assert_eq!(error.path, "status.stat");
        assert!(error.message.contains("did you mean `state`?"), "{error}");
        let mut of = *Device::TYPE;
        of.selectable = &[".spec.ports"];
        assert!(of.crd().unwrap_err().message.contains("is no single string"));
        of.selectable = &["..spec"];
        assert!(of.crd().unwrap_err().message.contains("is at no path"));
        of.selectable = &[".metadata.name"];
        assert!(of.crd().is_ok());
    }
}
