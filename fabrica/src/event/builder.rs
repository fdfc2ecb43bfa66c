//! Making an event.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::cloud_event::Payload;
use super::{About, Attribute, Event, attribute};
use crate::resource::{Timestamp, Uid};
use crate::{Error, Fault, Result};

/// The source of an event that names none.
const DEFAULT_SOURCE: &str = "/fabrica";

/// An event in the making; see [`Event::builder`].
///
/// What is wrong is remembered, and [`build`](Self::build) reports all of it at once.
#[derive(Debug)]
#[must_use = "an event comes of `build`"]
pub struct EventBuilder {
    event: Event,
    faults: Vec<Fault>,
}

impl EventBuilder {
    pub(super) fn new(event_type: Arc<str>) -> Self {
        let mut id = Uuid::encode_buffer();
        let event = Event {
            id: Arc::from(&*Uuid::now_v7().hyphenated().encode_lower(&mut id)),
            source: Arc::from(DEFAULT_SOURCE),
            r#type: event_type,
            subject: None,
            time: Some(Timestamp::now()),
            datacontenttype: None,
            dataschema: None,
            about: None,
            extensions: BTreeMap::new(),
            payload: Payload::None,
        };
        Self { event, faults: Vec::new() }
    }

    /// Sets the id: the same event sent again has the same id and source, so that a receiver can tell. Default: new.
    pub fn id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.event.id = id.into();
        self
    }

    /// Sets where it comes from: a URI reference. Default: `/fabrica`.
    pub fn source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.event.source = source.into();
        self
    }

    /// Sets the thing within the source that it happened to. Default: none.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.event.subject = Some(subject.into());
        self
    }

    /// Sets when it happened. Default: now.
    pub fn time(mut self, time: Timestamp) -> Self {
        self.event.time = Some(time);
        self
    }

    /// Sets the object that it is about; the group of a built-in kind is empty. Default: none.
    pub fn about(
        mut self,
        group: impl Into<Cow<'static, str>>,
        kind: impl Into<Cow<'static, str>>,
        uid: impl Into<Uid>,
    ) -> Self {
        self.event.about = Some(About { group: group.into(), kind: kind.into(), uid: uid.into() });
        self
    }

    /// Sets the data, as JSON. Default: none.
    pub fn data(mut self, data: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_value(data) {
            Ok(value) => {
                self.event.payload = Payload::Json(value);
                self.event.datacontenttype = Some(Cow::Borrowed("application/json"));
            }
            Err(error) => self.faults.push(Fault::new("data", format!("can't be written as JSON: {error}"))),
        }
        self
    }

    /// Sets the URI of the schema that the data follows. Default: none.
    pub fn data_schema(mut self, uri: impl Into<String>) -> Self {
        self.event.dataschema = Some(uri.into());
        self
    }

    /// Adds an extension attribute; the name has 1 to 20 lower-case letters and digits.
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<Attribute>) -> Self {
        let name = name.into();
        match attribute::new_name_fault(&name) {
            Some(fault) => self.faults.push(Fault::new(name, fault)),
            None => drop(self.event.extensions.insert(name, value.into())),
        }
        self
    }

    /// The event.
    ///
    /// # Errors
    /// `Invalid`, with every attribute that `CloudEvents` doesn't allow.
    pub fn build(self) -> Result<Event> {
        let Self { event, mut faults } = self;
        faults.extend(attribute::faults(&event));
        if faults.is_empty() { Ok(event) } else { Err(Error::invalid(format!("event {:?}", event.r#type), faults)) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn an_event_has_a_new_id_a_time_and_a_source() {
        let (first, second) = (Event::new("a.b").unwrap(), Event::new("a.b").unwrap());
        assert_ne!(first.id(), second.id());
        assert_eq!(Uuid::parse_str(first.id()).unwrap().get_version_num(), 7);
        assert!(first.time().is_some());
        assert_eq!((first.source(), first.event_type()), ("/fabrica", "a.b"));
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let error = Event::builder("")
            .id("")
            .source("no spaces here")
            .subject("tab\there")
            .about("example.io", "", "u")
            .data_schema("not-absolute")
            .data(&HashMap::from([((1, 2), 3)]))
            .extension("Upper", true)
            .extension("", 1)
            .extension("source", "x")
            .extension("atwentyoneletternameX", "x")
            .extension("odd", "\u{FFFF}")
            .build()
            .unwrap_err();
        let paths: Vec<_> = error.faults().iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "data",
                "source",
                "atwentyoneletternameX",
                "id",
                "type",
                "source",
                "subject",
                "dataschema",
                "resourcekind",
                "",
                "Upper",
                "odd"
            ]
        );
    }

    #[test]
    fn what_was_set_is_what_is_read() {
        let time: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let event = Event::builder("a.b")
            .id("1")
            .source("https://example.io/x")
            .subject("s")
            .time(time)
            .about("example.io", "Device", "dev-1")
            .data(&[1, 2])
            .data_schema("https://example.io/s.json")
            .extension("trace", "t")
            .extension("attempt", 3)
            .build()
            .unwrap();
        assert_eq!((event.id(), event.source(), event.subject()), ("1", "https://example.io/x", Some("s")));
        assert_eq!(event.time(), Some(time));
        assert_eq!(event.about().unwrap().uid, "dev-1");
        assert_eq!(event.data_as::<Vec<u8>>().unwrap(), [1, 2]);
        assert_eq!(event.data_content_type(), Some("application/json"));
        assert_eq!(event.data_schema(), Some("https://example.io/s.json"));
        assert_eq!(event.extensions()["trace"].as_str(), Some("t"));
        assert_eq!(event.extensions()["attempt"], Attribute::Integer(3));
    }
}
