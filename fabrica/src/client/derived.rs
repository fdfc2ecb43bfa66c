//! The framework's own events, made from what the store's watch tells.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::cached::CachedObject;
use super::kinds::Kind;
use super::observer::ObjectChange;
use crate::event::{Event, EventBus, Lifecycle, condition_type, lifecycle_type};
use crate::resource::{ConditionStatus, Metadata, ObjectKey, RecordedEvent, Resource as _};

/// The types of a kind's events, made once.
pub(super) struct EventTypes {
    created: Arc<str>,
    updated: Arc<str>,
    deleted: Arc<str>,
    prefix: Box<str>,
}

impl EventTypes {
    pub(super) fn new(prefix: &str, kind: &str) -> Self {
        let of = |action| lifecycle_type(prefix, kind, action).into();
        Self {
            created: of(Lifecycle::Created),
            updated: of(Lifecycle::Updated),
            deleted: of(Lifecycle::Deleted),
            prefix: prefix.into(),
        }
    }
}

/// Publishes what a change means: that the object came, changed or went, and which conditions moved. Of a
/// [`RecordedEvent`] nothing is.
///
/// Costs a look at the bus if nobody listens.
pub(super) fn publish(bus: &EventBus, kind: &Kind, change: &ObjectChange) {
    // A record of what happened is nothing that happened: a subscriber to everything that acts on it would feed itself.
    if !bus.has_subscribers() || kind.type_.is_same_type(RecordedEvent::TYPE) {
        return;
    }
    let of_kind = &kind.events;
    let type_ = match (&change.old, &change.new) {
        (None, _) => &of_kind.created,
        (Some(_), Some(_)) => &of_kind.updated,
        (Some(_), None) => &of_kind.deleted,
    };
    let Some(object) = change.new.as_ref().or(change.old.as_ref()) else { return };
    if bus.is_heard(type_) {
        let Metadata { name, namespace, generation, .. } = object.metadata(&change.key.uid);
        let data = json!({ "name": name, "namespace": namespace, "generation": generation });
        send(bus, type_, change, &data);
    }
    if change.new.is_none() {
        return;
    }
    let old = conditions(change.old.as_ref());
    for condition in conditions(change.new.as_ref()) {
        if old.contains(&condition) {
            continue;
        }
        let type_: Arc<str> = condition_type(&of_kind.prefix, &condition.type_).into();
        if bus.is_heard(&type_) {
            let Observed { type_: name, status, reason, message } = &condition;
            let data = json!({ "type": name, "status": status, "reason": reason, "message": message });
            send(bus, &type_, change, &data);
        }
    }
}

/// The id says which change it is: an event that is sent again by another process has the same.
fn send(bus: &EventBus, type_: &Arc<str>, change: &ObjectChange, data: &serde_json::Value) {
    let ObjectKey { kind, uid } = &change.key;
    let event = Event::builder(type_.clone())
        .id(format!("{}/{}/{}/{uid}/{type_}", change.revision, kind.group, kind.kind))
        .subject(change.key.to_string())
        .about(kind.group, kind.kind, uid.clone())
        .extension("resourceversion", change.revision.to_string())
        .data(data)
        .build();
    match event {
        Ok(event) => bus.publish_derived(|| event, type_),
        // A condition whose type holds control characters, say: nobody who called can be told.
        Err(error) => tracing::warn!(object = %change.key, %error, "an event can't be published"),
    }
}

/// What of a condition is news: not when it moved, nor which generation was looked at.
#[derive(PartialEq, Deserialize)]
struct Observed {
    #[serde(rename = "type")]
    type_: String,
    status: ConditionStatus,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

/// The conditions of an object of any kind; none if its status has no such thing.
fn conditions(object: Option<&CachedObject>) -> Vec<Observed> {
    #[derive(Deserialize)]
    struct Envelope {
        status: Status,
    }
    #[derive(Deserialize)]
    struct Status {
        conditions: Vec<Observed>,
    }
    let envelope = object.and_then(|object| serde_json::from_slice::<Envelope>(&object.raw).ok());
    envelope.map(|envelope| envelope.status.conditions).unwrap_or_default()
}
