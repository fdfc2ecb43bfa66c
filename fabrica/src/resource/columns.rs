//! The columns in which `kubectl` shows the objects of a kind.

use serde_json::{Value, json};

use super::{FieldPath, ResourceType, SchemaError};

/// A column of the tables of a kind, besides the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrinterColumn {
    pub(crate) name: &'static str,
    /// The type of what it shows, in the words of `OpenAPI`; `date` for an instant that is shown as an age.
    pub(crate) kind: &'static str,
    pub(crate) description: String,
    /// Is it shown only where there is room, as by `-o wide`?
    pub(crate) wide: bool,
    source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Field(FieldPath),
    /// What the condition of a type has in a field.
    Condition {
        type_: &'static str,
        field: &'static str,
    },
    /// The name of the owner that acts on it.
    Controller,
}

impl ResourceType {
    /// The declared columns, then the condition `Ready` if the kind has it, the owner, and the age. `schema` is the kind's
    /// structural one.
    ///
    /// # Errors
    /// The path of a column is none of the kind.
    pub(crate) fn printer_columns(&self, schema: &Value) -> Result<Vec<PrinterColumn>, SchemaError> {
        let declared = self.columns.iter().map(|column| self.declared(column.name, column.path, schema));
        let mut columns = declared.collect::<Result<Vec<_>, _>>()?;
        let is_declared = |name: &str| self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        if self.conditions.contains(&READY) {
            for (name, field, description, wide) in [
                ("Ready", "status", "Is the condition Ready met?", false),
                ("Reason", "reason", "Why the condition Ready is as it is.", true),
            ] {
                if !is_declared(name) {
                    let source = Source::Condition { type_: READY, field };
                    columns.push(PrinterColumn { name, kind: "string", description: description.into(), wide, source });
                }
            }
        }
        if !is_declared("Owner") {
            let description = "The name of the object that it belongs to.".into();
            columns.push(PrinterColumn {
                name: "Owner",
                kind: "string",
                description,
                wide: true,
                source: Source::Controller,
            });
        }
        if !is_declared("Age") {
            columns.push(PrinterColumn {
                name: "Age",
                kind: "date",
                description: "How long ago it was created.".into(),
                wide: false,
                source: Source::Field(
                    FieldPath::parse("metadata.creationTimestamp")
                        .map_err(|error| SchemaError::new(self, "metadata.creationTimestamp", error.to_string()))?,
                ),
            });
        }
        Ok(columns)
    }

    fn declared(&self, name: &'static str, path: &str, schema: &Value) -> Result<PrinterColumn, SchemaError> {
        let what = format!("the column `{name}`");
        let path = self.path(&what, path)?;
        let described = self.known(&what, &path, schema)?;
        let text = |keyword| described.and_then(|schema| schema.get(keyword)).and_then(Value::as_str);
        let kind = match (text("type"), text("format")) {
            (Some("string"), Some("date-time")) => "date",
            (Some("integer"), _) => "integer",
            (Some("number"), _) => "number",
            (Some("boolean"), _) => "boolean",
            _ => "string",
        };
        let description = text("description").unwrap_or_default().to_owned();
        Ok(PrinterColumn { name, kind, description, wide: false, source: Source::Field(path) })
    }
}

const READY: &str = "Ready";

impl PrinterColumn {
    /// The value that an object has in this column.
    #[cfg(feature = "api")]
    pub(crate) fn value<'a>(&self, envelope: &'a Value) -> Option<&'a Value> {
        match &self.source {
            Source::Field(path) => path.get(envelope),
            Source::Condition { type_, field } => {
                let conditions = envelope.pointer("/status/conditions")?.as_array()?;
                conditions.iter().find(|condition| condition["type"] == *type_)?.get(*field)
            }
            Source::Controller => {
                let owners = envelope.pointer("/metadata/ownerReferences")?.as_array()?;
                owners.iter().find(|owner| owner["controller"] == true)?.get("name")
            }
        }
        .filter(|value| !value.is_null())
    }

    /// The column as a custom resource definition has it.
    pub(super) fn definition(&self) -> Value {
        let json_path = match &self.source {
            Source::Field(path) => path.json_path(),
            Source::Condition { type_, field } => format!(".status.conditions[?(@.type==\"{type_}\")].{field}"),
            Source::Controller => ".metadata.ownerReferences[?(@.controller==true)].name".to_owned(),
        };
        let mut column = json!({ "name": self.name, "type": self.kind, "jsonPath": json_path });
        if !self.description.is_empty() {
            column["description"] = self.description.as_str().into();
        }
        if self.wide {
            column["priority"] = 1.into();
        }
        column
    }
}

#[cfg(all(test, feature = "api"))]
mod tests {
    use super::super::Resource;
    use super::super::sample::Device;
    use super::*;

    #[test]
    fn conditions_and_owners_are_looked_up() {
        let schema = Device::TYPE.openapi_schema().unwrap();
        let columns = Device::TYPE.printer_columns(&schema).unwrap();
        let column = |name: &str| columns.iter().find(|column| column.name == name).unwrap();
        let conditions =
            json!([{ "type": "Other", "status": "False" }, { "type": "Ready", "status": "True", "reason": "Up" }]);
        let envelope = json!({ "status": { "conditions": conditions, "state": null } });
        assert_eq!(column("Ready").value(&envelope), Some(&json!("True")));
        assert_eq!(column("Reason").value(&envelope), Some(&json!("Up")));
        assert!(column("Reason").wide && !column("Ready").wide);
        let owners = json!([{ "name": "a" }, { "name": "b", "controller": true }]);
        let owned = json!({ "metadata": { "ownerReferences": owners } });
        assert_eq!((column("Owner").value(&owned), column("Owner").value(&json!({}))), (Some(&json!("b")), None));
        assert_eq!((column("State").value(&envelope), column("Ready").value(&json!({}))), (None, None));
        assert_eq!(column("Ready").definition()["jsonPath"], ".status.conditions[?(@.type==\"Ready\")].status");
    }
}
