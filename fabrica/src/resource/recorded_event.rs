//! The built-in kind `Event`: what happened to an object, kept for a while for those who ask.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Column, Metadata, NoStatus, Resource, ResourceType, Timestamp};

/// What happened to an object, kept for a while: what `kubectl describe` and `kubectl events` show.
///
/// It is the kind `Event` of Kubernetes. Not to be confused with [`Event`](crate::event::Event), which is carried by the
/// bus and not kept. Its `spec` holds what stands at the top level of the object in the Kubernetes API. Every field is
/// optional, as there, and one that is not known is dropped.
///
/// It lives in the namespace of the object that it is about, or in `default`. A change of one is not published on the
/// bus: a record of what happened is nothing that happened, and whoever listens to everything and acts on it would feed
/// himself. To follow them, [watch](crate::client::Client::watch) the kind.
///
/// ```
/// use fabrica::resource::{ObjectRef, RecordedEvent, RecordedEventSpec, Resource};
///
/// let about = ObjectRef { kind: Some("Device".into()), name: Some("dev-123".into()), ..ObjectRef::default() };
/// let spec = RecordedEventSpec { involved_object: about, reason: Some("Started".into()), ..Default::default() };
/// let event = RecordedEvent::new("dev-123.17", spec).in_namespace("lab");
/// assert_eq!((event.kind(), RecordedEvent::PLURAL, RecordedEvent::API_VERSION), ("Event", "events", "v1"));
/// ```
#[derive(Clone, Debug)]
pub struct RecordedEvent {
    /// The event's metadata.
    pub metadata: Metadata,
    /// What happened.
    pub spec: RecordedEventSpec,
    status: NoStatus,
}

/// What happened, to which object, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RecordedEventSpec {
    /// The object that it happened to.
    pub involved_object: ObjectRef,
    /// Another object that has to do with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<ObjectRef>,
    /// Why it happened, in one word, as in `Started`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What happened, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `Normal` or `Warning`.
    #[serde(skip_serializing_if = "Option::is_none", rename = "type")]
    pub type_: Option<String>,
    /// What was done, as in `Rebooting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// How often it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i32>,
    /// When it happened first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_timestamp: Option<Timestamp>,
    /// When it happened last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_timestamp: Option<Timestamp>,
    /// When it was seen first, to the microsecond.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Timestamp>,
    /// The series that it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<EventSeries>,
    /// Who saw it, as older clients say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<EventSource>,
    /// Who saw it, as in `example.io/devices`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reporting_component: Option<String>,
    /// Which one of those who are called so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reporting_instance: Option<String>,
}

/// An object that an event names; as much as is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectRef {
    /// The object's group and version, as in `example.io/v1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// The object's kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The object's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The object's namespace; absent for a kind that is not namespaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object's uid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The version of the object at which it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
    /// The part of the object that it is about, as in `spec.ports[0]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_path: Option<String>,
}

/// What happens again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EventSeries {
    /// How often it happened so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i32>,
    /// When it was seen last, to the microsecond.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_observed_time: Option<Timestamp>,
}

/// Who saw it happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EventSource {
    /// The component, as in `devices`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Where that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl RecordedEvent {
    /// The type of an event that is nothing to worry about.
    pub const NORMAL: &'static str = "Normal";
    /// The type of an event that somebody should look at.
    pub const WARNING: &'static str = "Warning";

    /// An event of a name.
    pub fn new(name: impl Into<String>, spec: RecordedEventSpec) -> Self {
        Self::from_parts(Metadata::named(name), spec, NoStatus)
    }

    /// When it happened last, as far as it says; else when it was created.
    #[must_use]
    pub fn last_seen(&self) -> Option<Timestamp> {
        let spec = &self.spec;
        let series = spec.series.as_ref().and_then(|series| series.last_observed_time);
        let said = [spec.last_timestamp, series, spec.event_time, spec.first_timestamp];
        said.into_iter().flatten().max().or(self.metadata.creation_timestamp)
    }
}

impl Resource for RecordedEvent {
    type Spec = RecordedEventSpec;
    type Status = NoStatus;

    const GROUP: &'static str = "";
    const VERSION: &'static str = "v1";
    const KIND: &'static str = "Event";
    const PLURAL: &'static str = "events";
    const SINGULAR: &'static str = "event";
    const API_VERSION: &'static str = "v1";
    const DESCRIPTION: &'static str = "What happened to an object, kept for a while.";
    const NAMESPACED: bool = true;
    const HAS_STATUS: bool = false;
    const SHORT_NAMES: &'static [&'static str] = &["ev"];
    const CATEGORIES: &'static [&'static str] = &[];
    const CONDITIONS: &'static [&'static str] = &[];
    const COLUMNS: &'static [Column] = &[
        Column::new("Type", ".spec.type"),
        Column::new("Reason", ".spec.reason"),
        Column::new("Object", ".spec.involvedObject.name"),
        Column::new("Message", ".spec.message"),
    ];
    const SELECTABLE: &'static [&'static str] = &[
        ".spec.involvedObject.uid",
        ".spec.involvedObject.name",
        ".spec.involvedObject.namespace",
        ".spec.involvedObject.kind",
        ".spec.involvedObject.apiVersion",
        ".spec.involvedObject.resourceVersion",
        ".spec.involvedObject.fieldPath",
        ".spec.reason",
        ".spec.type",
        ".spec.reportingComponent",
        ".spec.source.component",
    ];
    const TYPE: &'static ResourceType = &ResourceType::of::<Self>();

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    fn spec(&self) -> &RecordedEventSpec {
        &self.spec
    }

    fn spec_mut(&mut self) -> &mut RecordedEventSpec {
        &mut self.spec
    }

    fn status(&self) -> &NoStatus {
        &self.status
    }

    fn status_mut(&mut self) -> &mut NoStatus {
        &mut self.status
    }

    fn from_parts(metadata: Metadata, spec: RecordedEventSpec, status: NoStatus) -> Self {
        Self { metadata, spec, status }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_is_optional_and_unknown_ones_are_dropped() {
        let read = |spec| serde_json::from_value::<RecordedEventSpec>(spec).unwrap();
        assert_eq!(read(json!({})), RecordedEventSpec::default());
        let spec = read(json!({ "involvedObject": { "uid": "u", "colour": "red" }, "shape": "round", "count": null }));
        assert_eq!(serde_json::to_value(spec).unwrap(), json!({ "involvedObject": { "uid": "u" } }));
    }

    #[test]
    fn it_was_seen_last_at_the_latest_time_that_it_says() {
        let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let mut event = RecordedEvent::new("a", RecordedEventSpec::default());
        assert_eq!(event.last_seen(), None);
        event.metadata.creation_timestamp = time("2026-01-01T00:00:09Z");
        assert_eq!(event.last_seen(), time("2026-01-01T00:00:09Z"));
        event.spec.event_time = time("2026-01-01T00:00:01.5Z");
        event.spec.last_timestamp = time("2026-01-01T00:00:02Z");
        assert_eq!(event.last_seen(), time("2026-01-01T00:00:02Z"));
        event.spec.series = Some(EventSeries { count: Some(2), last_observed_time: time("2026-01-01T00:00:03Z") });
        assert_eq!(event.last_seen(), time("2026-01-01T00:00:03Z"));
    }
}
