//! The two forms in which the Kubernetes API shows recorded events: `Event` of `v1` and of `events.k8s.io/v1`.
//!
//! Both stand for the same stored [`RecordedEvent`](crate::resource::RecordedEvent): what is in its `spec` there stands
//! at the top level here. A patch is made for one of the forms: it must be applied to that one, and the result taken
//! back.

mod fields;
mod table;
mod time;

use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use table::{EVENT_COLUMNS, EventColumn, event_cells};

use crate::Fault;
use crate::resource::{RecordedEvent, RecordedEventSpec, Resource};

/// The field that an event of the newer form can't be without.
const EVENT_TIME: &str = "eventTime";

/// One of the two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventForm {
    /// `Event` of `v1`.
    Core,
    /// `Event` of `events.k8s.io/v1`.
    Events,
}

impl EventForm {
    pub(crate) const fn api_version(self) -> &'static str {
        match self {
            Self::Core => "v1",
            Self::Events => "events.k8s.io/v1",
        }
    }

    /// A stored envelope in this form.
    pub(crate) fn show(self, stored: &Value) -> Value {
        let mut shown = Map::new();
        shown.insert("apiVersion".to_owned(), self.api_version().into());
        shown.insert("kind".to_owned(), RecordedEvent::KIND.into());
        let mut metadata = stored.get("metadata").cloned().unwrap_or_default();
        // An event has no generation in Kubernetes.
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.remove("generation");
        }
        shown.insert("metadata".to_owned(), metadata);
        for field in fields::ALL {
            let value = stored.get("spec").and_then(|spec| spec.get(field.stored));
            if let Some(value) = value.filter(|value| self.can_show(field.stored, value)) {
                shown.insert(field.shown(self).to_owned(), time::shown(field.stored, value));
            }
        }
        if self == Self::Events
            && !shown.contains_key(EVENT_TIME)
            && let Some(time) = ["/spec/firstTimestamp", "/spec/lastTimestamp", "/metadata/creationTimestamp"]
                .iter()
                .find_map(|place| stored.pointer(place).filter(|time| time.is_string()))
        {
            // Here it is required, and in the older form not.
            shown.insert(EVENT_TIME.to_owned(), time::shown(EVENT_TIME, time));
        }
        Value::Object(shown)
    }

    /// Can the form have such a value? A series of `events.k8s.io` is one only with both of its fields.
    fn can_show(self, field: &str, value: &Value) -> bool {
        let is_whole =
            || ["count", "lastObservedTime"].iter().all(|part| value.get(part).is_some_and(|v| !v.is_null()));
        self == Self::Core || field != "series" || is_whole()
    }

    /// An object in this form, posted or put, as the envelope to store; unknown fields are dropped. `apiVersion` and
    /// `kind` may be missing, as kopf leaves them out.
    ///
    /// # Errors
    /// Every fault that is found: it is no object, or of another kind; a field has the wrong form. Paths are those of
    /// this form.
    pub(crate) fn read(self, shown: Value) -> Result<Value, Vec<Fault>> {
        let Value::Object(mut shown) = shown else {
            return Err(vec![Fault::new("", "is no object: an event is one, as in {\"reason\": \"Started\"}")]);
        };
        let mut faults = Vec::new();
        for (key, right) in [("apiVersion", self.api_version()), ("kind", RecordedEvent::KIND)] {
            match shown.get(key) {
                None | Some(Value::Null) => {}
                Some(Value::String(given)) if given.is_empty() || given == right => {}
                Some(given) => faults.push(Fault::new(key, format!("is {given}: must be {right:?} here"))),
            }
        }
        let mut spec = Map::new();
        for field in fields::ALL {
            if let Some(value) = shown.remove(field.shown(self)).filter(|value| !value.is_null()) {
                spec.insert(field.stored.to_owned(), value);
            }
        }
        let spec = typed(&spec).map_err(|fault| Fault { path: fields::shown_path(self, &fault.path), ..fault });
        let spec = spec.map_err(|fault| faults.push(fault)).unwrap_or_default();
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut stored = Map::new();
        stored.insert("apiVersion".to_owned(), RecordedEvent::API_VERSION.into());
        stored.insert("kind".to_owned(), RecordedEvent::KIND.into());
        stored.insert("metadata".to_owned(), shown.remove("metadata").unwrap_or_default());
        stored.insert("spec".to_owned(), spec);
        Ok(Value::Object(stored))
    }

    /// The path in the stored envelope of what a field selector of this form names; `None` if events can't be selected by
    /// it.
    pub(crate) fn selected(self, path: &str) -> Option<String> {
        fields::selected(self, path)
    }
}

/// The spec as its type reads and writes it: unknown fields go, at any depth.
fn typed(spec: &Map<String, Value>) -> Result<Value, Fault> {
    let spec = Value::Object(spec.clone());
    let spec = serde_path_to_error::deserialize::<_, RecordedEventSpec>(&spec).map_err(|error| {
        let path = error.path().to_string();
        Fault::new(path, error.inner().to_string())
    })?;
    serde_json::to_value(spec).map_err(|error| Fault::new("", error.to_string()))
}

/// The stored envelope as its type, to look into it.
fn spec_of(stored: &Value) -> RecordedEventSpec {
    stored.get("spec").and_then(|spec| RecordedEventSpec::deserialize(spec).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
