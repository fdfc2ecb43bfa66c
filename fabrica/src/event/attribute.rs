//! The rules of `CloudEvents` for attributes.

use fluent_uri::{Uri, UriRef};
use serde::Serialize;
use serde_json::Value;

use super::Event;
use crate::Fault;

/// The value of an extension attribute.
///
/// The other types of `CloudEvents` (binary, URI, timestamp) are strings in JSON, and strings here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Attribute {
    /// True or false.
    Boolean(bool),
    /// A whole number of 32 bits, as `CloudEvents` has it.
    Integer(i32),
    /// Text without control characters.
    String(String),
}

impl Attribute {
    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The value in JSON as an attribute, or what is wrong with it.
    pub(super) fn from_json(value: Value) -> Result<Self, &'static str> {
        match value {
            Value::Bool(value) => Ok(Self::Boolean(value)),
            Value::String(value) => Ok(Self::String(value)),
            Value::Number(value) => value
                .as_i64()
                .and_then(|value| i32::try_from(value).ok())
                .map(Self::Integer)
                .ok_or("must be a whole number of 32 bits (write any other number as a string)"),
            _ => Err("must be a string, a whole number or a boolean (anything larger belongs into the data)"),
        }
    }
}

impl From<bool> for Attribute {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for Attribute {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Attribute {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Attribute {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

/// The names that an extension can't have, since the event itself uses them.
const RESERVED: [&str; 12] = [
    "data",
    "datacontenttype",
    "dataschema",
    "id",
    "resourcegroup",
    "resourcekind",
    "resourceuid",
    "source",
    "specversion",
    "subject",
    "time",
    "type",
];

/// How long the name of an extension should be at most, in characters.
const NAME_LENGTH: usize = 20;

/// What is wrong with the name of an extension that this program gives.
pub(super) fn new_name_fault(name: &str) -> Option<&'static str> {
    if RESERVED.contains(&name) {
        Some("is an attribute of every event: set it by its own method")
    } else if name.len() > NAME_LENGTH {
        Some("has a name of more than 20 characters")
    } else {
        None
    }
}

/// Every fault of an event that is the same however it was made.
pub(super) fn faults(event: &Event) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    faults.text("id", &event.id);
    faults.text("type", &event.r#type);
    faults.text("source", &event.source);
    if UriRef::parse(&*event.source).is_err() {
        faults.add("source", "must be a URI reference, as in /fabrica or https://example.io/racks");
    }
    if let Some(subject) = &event.subject {
        faults.text("subject", subject);
    }
    if let Some(content_type) = &event.datacontenttype {
        faults.text("datacontenttype", content_type);
    }
    if let Some(schema) = &event.dataschema
        && Uri::parse(schema.as_str()).is_err()
    {
        faults.add("dataschema", "must be a URI with a scheme, as in https://example.io/schemas/device.json");
    }
    if let Some(about) = &event.about {
        faults.characters("resourcegroup", &about.group);
        faults.text("resourcekind", &about.kind);
        faults.text("resourceuid", &about.uid);
    }
    for (name, value) in &event.extensions {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            faults.add(name, "the name of an extension has lower-case letters a-z and digits only");
        }
        if let Attribute::String(value) = value {
            faults.characters(name, value);
        }
    }
    faults.0
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, path: &str, message: &str) {
        self.0.push(Fault::new(path, message));
    }

    /// Text that must be there.
    fn text(&mut self, path: &str, text: &str) {
        if text.is_empty() {
            self.add(path, "must not be empty");
        }
        self.characters(path, text);
    }

    /// Text may hold neither control characters nor the code points that Unicode sets aside as non-characters.
    fn characters(&mut self, path: &str, text: &str) {
        let forbidden =
            |c: char| c.is_control() || matches!(u32::from(c), 0xFDD0..=0xFDEF) || u32::from(c) & 0xFFFE == 0xFFFE;
        if let Some(c) = text.chars().find(|&c| forbidden(c)) {
            self.add(path, &format!("must not hold the character U+{:04X}", u32::from(c)));
        }
    }
}
