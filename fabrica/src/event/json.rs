//! The JSON form of an event: structured mode of `CloudEvents` 1.0.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::cloud_event::Payload;
use super::{About, Attribute, Event, attribute};
use crate::resource::{Timestamp, Uid};
use crate::{Error, Fault, Result};

/// The version of the specification.
const VERSION: &str = "1.0";

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fn optional<M: SerializeMap, V: Serialize>(map: &mut M, name: &str, value: Option<V>) -> Result<(), M::Error> {
            value.map_or(Ok(()), |value| map.serialize_entry(name, &value))
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("specversion", VERSION)?;
        map.serialize_entry("id", &*self.id)?;
        map.serialize_entry("source", &*self.source)?;
        map.serialize_entry("type", &*self.r#type)?;
        optional(&mut map, "subject", self.subject.as_deref())?;
        optional(&mut map, "time", self.time)?;
        optional(&mut map, "datacontenttype", self.datacontenttype.as_deref())?;
        optional(&mut map, "dataschema", self.dataschema.as_deref())?;
        if let Some(About { group, kind, uid }) = &self.about {
            optional(&mut map, "resourcegroup", (!group.is_empty()).then_some(group))?;
            map.serialize_entry("resourcekind", kind)?;
            map.serialize_entry("resourceuid", uid)?;
        }
        for (name, value) in &self.extensions {
            map.serialize_entry(name, value)?;
        }
        match &self.payload {
            Payload::None => {}
            Payload::Json(value) => map.serialize_entry("data", value)?,
            Payload::Base64(text) => map.serialize_entry("data_base64", text)?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = deserializer.deserialize_map(MembersVisitor)?;
        Reader { members, faults: Vec::new() }.event().map_err(de::Error::custom)
    }
}

/// Collects the members of the JSON object; a name given twice is an error, since one of the two would be lost.
struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = BTreeMap<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudEvents event: a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value()?;
            match members.entry(name) {
                Entry::Vacant(place) => place.insert(value),
                Entry::Occupied(place) => {
                    return Err(de::Error::custom(format_args!("the attribute {:?} is given twice", place.key())));
                }
            };
        }
        Ok(members)
    }
}

/// Takes an event out of its members; what is left over are extensions.
struct Reader {
    members: BTreeMap<String, Value>,
    faults: Vec<Fault>,
}

impl Reader {
    fn event(mut self) -> Result<Event> {
        // Data may be null; an attribute that is null is one that is not set.
        let data = self.members.remove("data");
        self.members.retain(|_, value| !value.is_null());

        match self.text("specversion") {
            Some(version) if version != VERSION => {
                self.fault("specversion", format!("is {version:?}, but only {VERSION:?} is known"));
            }
            Some(_) => {}
            None => self.fault("specversion", format!("is missing; it must be {VERSION:?}")),
        }
        let payload = match (data, self.text("data_base64")) {
            (Some(_), Some(_)) => {
                self.fault("data_base64", "must not be given together with data");
                Payload::None
            }
            (Some(value), None) => Payload::Json(value),
            (None, Some(text)) => Payload::Base64(text),
            (None, None) => Payload::None,
        };
        let event = Event {
            id: self.required("id"),
            source: self.required("source"),
            r#type: self.required("type"),
            subject: self.text("subject"),
            time: self.time(),
            datacontenttype: self.text("datacontenttype").map(Cow::Owned),
            dataschema: self.text("dataschema"),
            about: self.about(),
            payload,
            extensions: self.extensions(),
        };
        // What could not be read counts as empty from here on: one mistake, one fault.
        let mut faults = attribute::faults(&event);
        faults.retain(|fault| self.faults.iter().all(|known| known.path != fault.path));
        faults.splice(0..0, self.faults);
        if faults.is_empty() { Ok(event) } else { Err(Error::invalid(format!("event {:?}", event.r#type), faults)) }
    }

    fn fault(&mut self, path: &str, message: impl Into<String>) {
        self.faults.push(Fault::new(path, message));
    }

    fn text(&mut self, name: &str) -> Option<String> {
        if let Value::String(text) = self.members.remove(name)? {
            return Some(text);
        }
        self.fault(name, "must be a string");
        None
    }

    fn required(&mut self, name: &str) -> Arc<str> {
        let is_there = self.members.contains_key(name);
        let text = self.text(name);
        if !is_there {
            self.fault(name, "is missing");
        }
        text.unwrap_or_default().into()
    }

    fn time(&mut self) -> Option<Timestamp> {
        let text = self.text("time")?;
        let time = text.parse().ok();
        if time.is_none() {
            self.fault("time", "must be a time by RFC 3339, as in 2026-01-02T03:04:05Z");
        }
        time
    }

    /// The object that the event is about, if kind and uid are both there; else what there is stays an extension.
    fn about(&mut self) -> Option<About> {
        let is_text = |name| self.members.get(name).is_some_and(Value::is_string);
        if !(is_text("resourcekind") && is_text("resourceuid")) {
            return None;
        }
        Some(About {
            group: self.text("resourcegroup").unwrap_or_default().into(),
            kind: self.text("resourcekind")?.into(),
            uid: Uid::from(self.text("resourceuid")?),
        })
    }

    fn extensions(&mut self) -> BTreeMap<String, Attribute> {
        let mut extensions = BTreeMap::new();
        for (name, value) in std::mem::take(&mut self.members) {
            match Attribute::from_json(value) {
                Ok(value) => drop(extensions.insert(name, value)),
                Err(fault) => self.fault(&name, fault),
            }
        }
        extensions
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(changes: &Value) -> Result<Event, String> {
        let mut event = json!({ "specversion": "1.0", "id": "1", "source": "/x", "type": "a.b" });
        let members = event.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        serde_json::from_value(event).map_err(|error| error.to_string())
    }

    #[test]
    fn an_attribute_that_is_null_is_not_set() {
        let event = with(&json!({ "subject": null, "time": null, "unset": null, "data_base64": null })).unwrap();
        assert_eq!((event.subject(), event.time(), event.data()), (None, None, None));
        assert!(event.extensions().is_empty());
    }

    #[test]
    fn data_that_is_null_is_not_the_same_as_no_data() {
        assert_eq!(with(&json!({ "data": null })).unwrap().data(), Some(&Value::Null));
        assert_eq!(with(&json!({})).unwrap().data(), None);
    }

    #[test]
    fn what_the_specification_forbids_is_refused_by_name() {
        for (changes, message) in [
            (json!({ "specversion": "0.3" }), r#"specversion: is "0.3", but only "1.0" is known"#),
            (json!({ "specversion": null }), r#"specversion: is missing; it must be "1.0""#),
            (json!({ "id": null }), "id: is missing"),
            (json!({ "id": "" }), "id: must not be empty"),
            (json!({ "id": 7 }), "id: must be a string"),
            (json!({ "type": "" }), "type: must not be empty"),
            (json!({ "source": "a b" }), "source: must be a URI reference"),
            (json!({ "time": "yesterday" }), "time: must be a time by RFC 3339"),
            (json!({ "dataschema": "x.json" }), "dataschema: must be a URI with a scheme"),
            (json!({ "data": 1, "data_base64": "AQ==" }), "data_base64: must not be given together with data"),
            (json!({ "under_score": "x" }), "under_score: the name of an extension"),
            (json!({ "ext": { "a": 1 } }), "ext: must be a string, a whole number or a boolean"),
            (json!({ "ext": 1.5 }), "ext: must be a whole number of 32 bits"),
            (json!({ "ext": 4_294_967_296_i64 }), "ext: must be a whole number of 32 bits"),
            (json!({ "resourcekind": "", "resourceuid": "u" }), "resourcekind: must not be empty"),
        ] {
            let error = with(&changes).unwrap_err();
            assert!(error.contains(message), "{changes}: {error}");
            assert!(error.starts_with("event "), "{error}");
            assert!(!error.contains(';') || message.contains(';'), "one mistake, one fault: {error}");
        }
        let twice = r#"{"specversion":"1.0","id":"1","id":"2","source":"/x","type":"a"}"#;
        assert!(serde_json::from_str::<Event>(twice).unwrap_err().to_string().contains("\"id\" is given twice"));
        assert!(serde_json::from_str::<Event>("[]").unwrap_err().to_string().contains("a JSON object"));
    }

    #[test]
    fn half_a_reference_to_an_object_stays_an_extension() {
        let event = with(&json!({ "resourcekind": "Device", "resourcegroup": "example.io" })).unwrap();
        assert_eq!(event.about(), None);
        assert_eq!(event.extensions()["resourcekind"].as_str(), Some("Device"));
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["resourcegroup"], "example.io");
    }

    #[test]
    fn a_longer_name_of_somebody_else_s_extension_is_kept() {
        let event = with(&json!({ "anextensionnameofmorethantwenty": true })).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap()["anextensionnameofmorethantwenty"], true);
    }
}
