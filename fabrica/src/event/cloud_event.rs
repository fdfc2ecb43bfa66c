//! An event.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Attribute, EventBuilder};
use crate::Result;
use crate::resource::{Timestamp, Uid};

/// Something that happened: an event of `CloudEvents` 1.0.
///
/// Through serde it takes the specification's JSON form (structured mode). Reading keeps extension attributes that
/// Fabrica doesn't know, and refuses what the specification forbids, naming every fault. An event never changes: make
/// it with [`Event::builder`].
///
/// ```
/// use fabrica::event::Event;
///
/// let event = Event::builder("io.example.device.started")
///     .source("/racks/7")
///     .about("example.io", "Device", "dev-123")
///     .data(&serde_json::json!({ "watts": 12 }))
///     .build()?;
/// let json = serde_json::to_value(&event)?;
/// assert_eq!(json["specversion"], "1.0");
/// assert_eq!(json["resourcekind"], "Device");
/// assert_eq!(serde_json::from_value::<Event>(json)?, event);
/// # Ok::<(), fabrica::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub(super) id: Arc<str>,
    pub(super) source: Arc<str>,
    pub(super) r#type: Arc<str>,
    pub(super) subject: Option<String>,
    pub(super) time: Option<Timestamp>,
    pub(super) datacontenttype: Option<Cow<'static, str>>,
    pub(super) dataschema: Option<String>,
    pub(super) about: Option<About>,
    pub(super) extensions: BTreeMap<String, Attribute>,
    pub(super) payload: Payload,
}

/// The object that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct About {
    /// The object's group (extension `resourcegroup`); empty for the built-in kinds, or if the event doesn't say.
    pub group: Cow<'static, str>,
    /// The object's kind (extension `resourcekind`).
    pub kind: Cow<'static, str>,
    /// The object's uid (extension `resourceuid`).
    pub uid: Uid,
}

/// What an event carries; JSON and binary data exclude each other.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Payload {
    None,
    Json(Value),
    Base64(String),
}

impl Event {
    /// An event of a type and nothing else, with a new id, the time now and the source `/fabrica`.
    ///
    /// # Errors
    /// `Invalid` if the type is empty or holds control characters.
    pub fn new(event_type: impl Into<Arc<str>>) -> Result<Self> {
        Self::builder(event_type).build()
    }

    /// An event to be filled in, with a new id, the time now and the source `/fabrica`.
    pub fn builder(event_type: impl Into<Arc<str>>) -> EventBuilder {
        EventBuilder::new(event_type.into())
    }

    /// What tells it from every other event of its source: a UUID of version 7, unless its maker chose another.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it comes from: a URI reference.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What happened, as in `io.example.device.started`. Patterns are matched against this.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.r#type
    }

    /// The thing within the source that it happened to.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// When it happened.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The media type of the data; without one, data is JSON.
    #[must_use]
    pub fn data_content_type(&self) -> Option<&str> {
        self.datacontenttype.as_deref()
    }

    /// The URI of the schema that the data follows.
    #[must_use]
    pub fn data_schema(&self) -> Option<&str> {
        self.dataschema.as_deref()
    }

    /// The object that it is about. An event about no object, or one that gives a kind without a uid, has none.
    #[must_use]
    pub fn about(&self) -> Option<&About> {
        self.about.as_ref()
    }

    /// The extension attributes, but for those of [`about`](Self::about), by name.
    #[must_use]
    pub fn extensions(&self) -> &BTreeMap<String, Attribute> {
        &self.extensions
    }

    /// The data. `Some(Value::Null)` is data that is null; `None` is no data, or binary data.
    #[must_use]
    pub fn data(&self) -> Option<&Value> {
        if let Payload::Json(value) = &self.payload { Some(value) } else { None }
    }

    /// The binary data, in Base64 as it came.
    #[must_use]
    pub fn data_base64(&self) -> Option<&str> {
        if let Payload::Base64(text) = &self.payload { Some(text) } else { None }
    }

    /// The data as a type of the program's own; no data reads like null.
    ///
    /// # Errors
    /// The data has another form than the type.
    pub fn data_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(self.data().unwrap_or(&Value::Null))
    }
}
