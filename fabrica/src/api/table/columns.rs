//! The columns of a kind's table.

use serde_json::{Value, json};

use crate::resource::{PrinterColumn, ResourceType, Timestamp, age};

/// The columns of a kind's table, behind the one with the name.
#[derive(Clone, Debug, Default)]
pub(in crate::api) struct Columns(Vec<PrinterColumn>);

impl Columns {
    /// The columns of a kind. Costs a walk through its types; keep it.
    ///
    /// A kind whose types can't be described has none: start-up reports why.
    pub(in crate::api) fn of(type_: &ResourceType) -> Self {
        let columns = type_.openapi_schema().and_then(|schema| type_.printer_columns(&schema));
        Self(columns.unwrap_or_else(|error| {
            tracing::warn!("tables of {} show names only: {error}", type_.plural);
            Vec::new()
        }))
    }

    /// What the columns are.
    pub(super) fn definitions(&self) -> Vec<Value> {
        let name = json!({
            "name": "Name",
            "type": "string",
            "format": "name",
            "description": "The name, unique among the objects of the kind in a namespace.",
            "priority": 0,
        });
        let others = self.0.iter().map(|column| {
            // An age is text by the time it is here.
            let kind = if column.kind == "date" { "string" } else { column.kind };
            json!({
                "name": column.name,
                "type": kind,
                "format": "",
                "description": column.description,
                "priority": i32::from(column.wide),
            })
        });
        std::iter::once(name).chain(others).collect()
    }

    /// What an object has in them.
    pub(super) fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let name = object.pointer("/metadata/name").cloned().unwrap_or_default();
        std::iter::once(name).chain(self.0.iter().map(|column| cell(column, object, now))).collect()
    }
}

fn cell(column: &PrinterColumn, object: &Value, now: Timestamp) -> Value {
    match column.value(object) {
        None => Value::Null,
        Some(Value::String(text)) if column.kind == "date" => {
            text.parse::<Timestamp>().map_or_else(|_| "<unknown>".into(), |then| age(now.since(then).as_secs()).into())
        }
        Some(value @ (Value::Object(_) | Value::Array(_))) => value.to_string().into(),
        Some(value) => value.clone(),
    }
}
