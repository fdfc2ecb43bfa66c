//! What the fields of an event are called in each form.

use super::EventForm;
use crate::resource::{RecordedEvent, Resource};

/// A field of the spec of a stored event.
pub(super) struct Field {
    /// Its name there and in `v1`.
    pub(super) stored: &'static str,
    /// Its name in `events.k8s.io/v1`.
    events: &'static str,
}

impl Field {
    const fn new(stored: &'static str, events: &'static str) -> Self {
        Self { stored, events }
    }

    pub(super) fn shown(&self, form: EventForm) -> &'static str {
        match form {
            EventForm::Core => self.stored,
            EventForm::Events => self.events,
        }
    }
}

pub(super) const ALL: &[Field] = &[
    Field::new("involvedObject", "regarding"),
    Field::new("related", "related"),
    Field::new("reason", "reason"),
    Field::new("message", "note"),
    Field::new("type", "type"),
    Field::new("action", "action"),
    Field::new("count", "deprecatedCount"),
    Field::new("firstTimestamp", "deprecatedFirstTimestamp"),
    Field::new("lastTimestamp", "deprecatedLastTimestamp"),
    Field::new("eventTime", "eventTime"),
    Field::new("series", "series"),
    Field::new("source", "deprecatedSource"),
    Field::new("reportingComponent", "reportingController"),
    Field::new("reportingInstance", "reportingInstance"),
];

/// A path in the spec as the form calls it.
pub(super) fn shown_path(form: EventForm, path: &str) -> String {
    let (first, rest) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
    let field = ALL.iter().find(|field| field.stored == first);
    field.map_or(path.to_owned(), |field| format!("{}{rest}", field.shown(form)))
}

pub(super) fn selected(form: EventForm, path: &str) -> Option<String> {
    let path = path.trim_start_matches('.');
    if path.starts_with("metadata.") {
        return Some(path.to_owned());
    }
    let (first, rest) = path.split_at(path.find('.').unwrap_or(path.len()));
    let stored = match (form, first) {
        // The one selector that is not the path of a field.
        (EventForm::Core, "source") if rest.is_empty() => "source.component",
        _ => ALL.iter().find(|field| field.shown(form) == first)?.stored,
    };
    let wanted = format!(".spec.{stored}{rest}");
    RecordedEvent::SELECTABLE.contains(&&*wanted).then_some(wanted)
}
