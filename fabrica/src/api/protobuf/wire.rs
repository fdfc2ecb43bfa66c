//! The encoding: which bytes are which field.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A message: the fields that are known of it. Others are skipped.
pub(super) type Message = &'static [Field];

/// A field of a message: its number, its name in JSON, and what it holds.
pub(super) struct Field(pub(super) u32, pub(super) &'static str, pub(super) Type);

/// What a field holds. The empty text, the number 0 and a time that is not set are left out, as in the JSON.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Text,
    Bool,
    Int,
    /// Seconds and nanoseconds of the epoch.
    Time,
    Message(Message),
    /// Texts, each by a text.
    TextMap,
    /// The field is there once for each element of a list.
    Texts,
    Messages(Message),
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) struct Error(pub(super) &'static str);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The content of one field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Content<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Content<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], Error> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err(Error("has a number where bytes must be")),
        }
    }

    pub(super) fn text(self) -> Result<&'a str, Error> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Error("has a text that is none"))
    }

    fn number(self) -> Result<u64, Error> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Bytes(_) => Err(Error("has bytes where a number must be")),
        }
    }
}

/// The fields of a message, one after the other.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], Error> {
        let split = usize::try_from(count).ok().and_then(|count| self.0.split_at_checked(count));
        let (taken, rest) = split.ok_or(Error("breaks off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Error("has a number that is too long"))
    }

    fn field(&mut self) -> Result<(u32, Content<'a>), Error> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| Error("has a field of too high a number"))?;
        let content = match tag & 7 {
            0 => Content::Number(self.varint()?),
            1 => Content::Bytes(self.take(8)?),
            2 => {
                let length = self.varint()?;
                Content::Bytes(self.take(length)?)
            }
            5 => Content::Bytes(self.take(4)?),
            _ => return Err(Error("has a field of unknown form")),
        };
        Ok((number, content))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Content<'a>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// Reads a message as a JSON object.
pub(super) fn read(message: Message, bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    let mut object = Map::new();
    for field in Fields::of(bytes) {
        let (number, content) = field?;
        if let Some(Field(_, name, type_)) = message.iter().find(|field| field.0 == number) {
            put(&mut object, name, *type_, content)?;
        }
    }
    Ok(object)
}

fn put(object: &mut Map<String, Value>, name: &str, type_: Type, content: Content<'_>) -> Result<(), Error> {
    let value = match type_ {
        Type::Text => Some(content.text()?).filter(|text| !text.is_empty()).map(Value::from),
        Type::Bool => Some((content.number()? != 0).into()),
        Type::Int => Some(content.number()?.cast_signed()).filter(|number| *number != 0).map(Value::from),
        Type::Time => time(content.bytes()?)?.map(Value::from),
        Type::Message(inner) => Some(Value::Object(read(inner, content.bytes()?)?)),
        Type::TextMap => {
            let (key, value) = entry(content.bytes()?)?;
            if let Value::Object(map) = object.entry(name).or_insert_with(|| Map::new().into()) {
                map.insert(key, value);
            }
            None
        }
        Type::Texts => {
            push(object, name, content.text()?.into());
            None
        }
        Type::Messages(inner) => {
            push(object, name, read(inner, content.bytes()?)?.into());
            None
        }
    };
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
    Ok(())
}

fn push(object: &mut Map<String, Value>, name: &str, element: Value) {
    if let Value::Array(list) = object.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
        list.push(element);
    }
}

fn entry(bytes: &[u8]) -> Result<(String, Value), Error> {
    let (mut key, mut value) = ("", "");
    for field in Fields::of(bytes) {
        match field? {
            (1, content) => key = content.text()?,
            (2, content) => value = content.text()?,
            _ => {}
        }
    }
    Ok((key.to_owned(), value.into()))
}

fn time(bytes: &[u8]) -> Result<Option<String>, Error> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields::of(bytes) {
        match field? {
            (1, content) => seconds = content.number()?.cast_signed(),
            (2, content) => nanos = i32::try_from(content.number()?.cast_signed()).unwrap_or_default(),
            _ => {}
        }
    }
    if (seconds, nanos) == (0, 0) {
        return Ok(None);
    }
    let time = Timestamp::new(seconds, nanos).map_err(|_| Error("has a time that is none"))?;
    Ok(Some(time.to_string()))
}
