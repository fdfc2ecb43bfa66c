//! Events as a table, with the columns of Kubernetes.

use serde_json::{Value, json};

use super::spec_of;
use crate::resource::{Timestamp, age};

/// A column of the table of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventColumn {
    pub(crate) name: &'static str,
    /// The type of its cells, as table definitions name it.
    pub(crate) type_: &'static str,
    /// 0, or 1 for a column that only the wide form shows.
    pub(crate) priority: i32,
    pub(crate) description: &'static str,
}

const fn column(name: &'static str, type_: &'static str, priority: i32, description: &'static str) -> EventColumn {
    EventColumn { name, type_, priority, description }
}

/// The columns, in the order of [`event_cells`].
pub(crate) const EVENT_COLUMNS: [EventColumn; 10] = [
    column("Last Seen", "string", 0, "When it happened last."),
    column("Type", "string", 0, "Normal or Warning."),
    column("Reason", "string", 0, "Why it happened, in one word."),
    column("Object", "string", 0, "The object that it happened to."),
    column("Subobject", "string", 1, "The part of the object that it is about."),
    column("Source", "string", 1, "Who saw it."),
    column("Message", "string", 0, "What happened."),
    column("First Seen", "string", 1, "When it happened first."),
    column("Count", "integer", 1, "How often it happened."),
    column("Name", "string", 1, "The event's own name."),
];

/// What a stored event has in each of the columns.
pub(crate) fn event_cells(stored: &Value, now: Timestamp) -> [Value; EVENT_COLUMNS.len()] {
    let spec = spec_of(stored);
    let (about, source) = (&spec.involved_object, spec.source.unwrap_or_default());
    let first = spec.first_timestamp.or(spec.event_time);
    let (last, count) = match &spec.series {
        Some(series) => (series.last_observed_time, series.count),
        None => (spec.last_timestamp.or(first), spec.count.filter(|count| *count != 0).or(Some(1))),
    };
    let kind = about.kind.as_deref().unwrap_or_default().to_lowercase();
    let object = match about.name.as_deref() {
        None | Some("") => kind,
        Some(name) => format!("{kind}/{name}"),
    };
    let said = |text: Option<String>| text.filter(|text| !text.is_empty());
    let component = said(source.component).or(spec.reporting_component).unwrap_or_default();
    let source = match said(source.host).or(said(spec.reporting_instance)) {
        Some(instance) => format!("{component}, {instance}"),
        None => component,
    };
    [
        ago(last, now).into(),
        spec.type_.unwrap_or_default().into(),
        spec.reason.unwrap_or_default().into(),
        object.into(),
        about.field_path.clone().unwrap_or_default().into(),
        source.into(),
        spec.message.unwrap_or_default().trim().into(),
        ago(first, now).into(),
        json!(count.unwrap_or_default()),
        stored.pointer("/metadata/name").cloned().unwrap_or_default(),
    ]
}

fn ago(time: Option<Timestamp>, now: Timestamp) -> String {
    time.map_or_else(|| "<unknown>".to_owned(), |time| age(now.since(time).as_secs()))
}
