//! The columns of a kind's table.

use serde_json::{Value, json};

use crate::api::event_forms::{EVENT_COLUMNS, EventColumn, event_cells};
use crate::resource::{PrinterColumn, ResourceType, Timestamp, age};

/// The columns of a table.
#[derive(Clone, Debug)]
pub(in crate::api) enum Columns {
    /// Those of a kind, behind the one with the name.
    OfKind(Vec<PrinterColumn>),
    /// Those of the recorded events.
    OfEvents,
}

impl Columns {
    /// The columns of a kind. Costs a walk through its types; keep it.
    ///
    /// A kind whose types can't be described has none: start-up reports why.
    pub(in crate::api) fn of(type_: &ResourceType) -> Self {
        let columns = type_.openapi_schema().and_then(|schema| type_.printer_columns(&schema));
        Self::OfKind(columns.unwrap_or_else(|error| {
            tracing::warn!("tables of {} show names only: {error}", type_.plural);
            Vec::new()
        }))
    }

    /// What the columns are.
    pub(super) fn definitions(&self) -> Vec<Value> {
        let columns = match self {
            Self::OfKind(columns) => columns,
            Self::OfEvents => return EVENT_COLUMNS.iter().map(event_definition).collect(),
        };
        let name = json!({
            "name": "Name",
            "type": "string",
            "format": "name",
            "description": "The name, unique among the objects of the kind in a namespace.",
            "priority": 0,
        });
        let others = columns.iter().map(|column| {
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
        let columns = match self {
            Self::OfKind(columns) => columns,
            Self::OfEvents => return event_cells(object, now).into(),
        };
        let name = object.pointer("/metadata/name").cloned().unwrap_or_default();
        std::iter::once(name).chain(columns.iter().map(|column| cell(column, object, now))).collect()
    }
}

fn event_definition(column: &EventColumn) -> Value {
    json!({
        "name": column.name,
        "type": column.type_,
        "format": if column.name == "Name" { "name" } else { "" },
        "description": column.description,
        "priority": column.priority,
    })
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
