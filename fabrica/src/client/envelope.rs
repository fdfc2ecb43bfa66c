//! The JSON of an envelope, changed in one place and left alone in all others.
//!
//! What a writer doesn't speak of keeps its bytes: numbers stay exact, unknown fields stay.

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::cached::CachedObject;
use crate::Fault;
use crate::resource::{EncodeError, Metadata, Object, ResourceVersion};

/// Only where the metadata are.
#[derive(Deserialize)]
struct MetadataPart<'a> {
    #[serde(borrow)]
    metadata: &'a RawValue,
}

/// Only where the spec is.
#[derive(Deserialize)]
struct SpecPart<'a> {
    #[serde(borrow)]
    spec: &'a RawValue,
}

/// Only where the status is.
#[derive(Deserialize)]
struct StatusPart<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    status: Option<&'a RawValue>,
}

/// A null that is there has a place, too.
fn present<'de, D: Deserializer<'de>>(part: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(part).map(Some)
}

/// An envelope whose status is to be replaced. Finding the place costs one pass over the envelope.
pub(super) struct StatusSlot<'a> {
    envelope: &'a [u8],
    status: Option<&'a RawValue>,
}

impl<'a> StatusSlot<'a> {
    /// `None` if it is no envelope.
    pub(super) fn of(envelope: &'a [u8]) -> Option<Self> {
        let part: StatusPart<'_> = serde_json::from_slice(envelope).ok()?;
        Some(Self { envelope, status: part.status })
    }

    /// The JSON of the status that is there; `None` if there is none, or a null.
    pub(super) fn status(&self) -> Option<&'a str> {
        self.status.map(RawValue::get).filter(|status| *status != "null")
    }

    /// The envelope with another status.
    pub(super) fn with(&self, status: &[u8]) -> Option<Bytes> {
        match self.status {
            Some(old) => Some(splice(self.envelope, &place(self.envelope, old), status)),
            None => append_status(self.envelope, status),
        }
    }
}

/// Those of metadata, spec and status that are wanted, as a JSON object; the others are skipped.
pub(super) fn parts(envelope: &[u8], wanted: impl Fn(&str) -> bool) -> Value {
    #[derive(Deserialize)]
    struct AllParts<'a> {
        #[serde(borrow, default)]
        metadata: Option<&'a RawValue>,
        #[serde(borrow, default)]
        spec: Option<&'a RawValue>,
        #[serde(borrow, default)]
        status: Option<&'a RawValue>,
    }
    let Ok(AllParts { metadata, spec, status }) = serde_json::from_slice(envelope) else { return Value::Null };
    let named = [("metadata", metadata), ("spec", spec), ("status", status)];
    let wanted = named.into_iter().filter(|(name, _)| wanted(name));
    let parsed = wanted.filter_map(|(name, part)| Some((name.to_owned(), serde_json::from_str(part?.get()).ok()?)));
    Value::Object(parsed.collect())
}

/// The envelope with other metadata, also one that lacks the rest. `None` if it is no envelope.
pub(super) fn with_metadata(envelope: &[u8], metadata: &Metadata) -> Option<Bytes> {
    let old: MetadataPart<'_> = serde_json::from_slice(envelope).ok()?;
    let metadata = encode_metadata(metadata)?;
    Some(splice(envelope, &place(envelope, old.metadata), &metadata))
}

/// The envelope with other metadata and another spec.
pub(super) fn with_metadata_and_spec(envelope: &[u8], metadata: &Metadata, spec: &[u8]) -> Option<Bytes> {
    let half = {
        let old: SpecPart<'_> = serde_json::from_slice(envelope).ok()?;
        splice(envelope, &place(envelope, old.spec), spec)
    };
    with_metadata(&half, metadata)
}

/// The envelope of a new object as it is stored: without its version, which is the entry's revision, and without a
/// status, which is for others to observe.
pub(super) fn of(object: &dyn Object) -> Result<Bytes, EncodeError> {
    let type_ = object.resource_type();
    let mut json = Vec::with_capacity(512);
    json.extend_from_slice(br#"{"apiVersion":""#);
    json.extend_from_slice(type_.api_version.as_bytes());
    json.extend_from_slice(br#"","kind":""#);
    json.extend_from_slice(type_.kind.as_bytes());
    json.extend_from_slice(br#"","metadata":"#);
    json.extend(encode_metadata(object.metadata()).unwrap_or_default());
    json.extend_from_slice(br#","spec":"#);
    object.encode_spec(&mut json)?;
    json.push(b'}');
    // It is kept for as long as the object: without the room that the vector has left.
    Ok(Bytes::copy_from_slice(&json))
}

/// The envelope as a reader sees it, with its `resourceVersion`.
pub(super) fn value(cached: &CachedObject) -> Result<Value, Fault> {
    let mut envelope: Value = serde_json::from_slice(&cached.raw)
        .map_err(|error| Fault::new("", format!("what the store holds is no JSON ({error}): delete it")))?;
    if let Some(metadata) = envelope.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("resourceVersion".to_owned(), cached.modified().to_string().into());
    }
    Ok(envelope)
}

/// The metadata of an envelope, if it can be read; else its name and namespace, if they can.
pub(super) fn metadata(envelope: &[u8]) -> Option<Metadata> {
    #[derive(Deserialize)]
    struct Whole {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Names {
        metadata: NamesOnly,
    }
    #[derive(Deserialize)]
    struct NamesOnly {
        name: String,
        #[serde(default)]
        namespace: String,
    }
    if let Ok(whole) = serde_json::from_slice::<Whole>(envelope) {
        return Some(whole.metadata);
    }
    let Names { metadata: NamesOnly { name, namespace } } = serde_json::from_slice(envelope).ok()?;
    Some(Metadata { namespace, ..Metadata::named(name) })
}

fn encode_metadata(metadata: &Metadata) -> Option<Vec<u8>> {
    // Strings and numbers in a struct: there is nothing that JSON can't hold.
    serde_json::to_vec(&Metadata { resource_version: ResourceVersion::UNSET, ..metadata.clone() }).ok()
}

/// Where a part that was borrowed from the envelope stands in it.
fn place(envelope: &[u8], part: &RawValue) -> Range<usize> {
    let start = part.get().as_ptr() as usize - envelope.as_ptr() as usize;
    start..start + part.get().len()
}

fn splice(envelope: &[u8], place: &Range<usize>, part: &[u8]) -> Bytes {
    let mut spliced = Vec::with_capacity(envelope.len() - place.len() + part.len());
    spliced.extend_from_slice(&envelope[..place.start]);
    spliced.extend_from_slice(part);
    spliced.extend_from_slice(&envelope[place.end..]);
    spliced.into()
}

fn append_status(envelope: &[u8], status: &[u8]) -> Option<Bytes> {
    let end = envelope.iter().rposition(|byte| *byte == b'}')?;
    let separator = if envelope[..end].trim_ascii_end().ends_with(b"{") { "" } else { "," };
    let part = [separator.as_bytes(), br#""status":"#, status].concat();
    Some(splice(envelope, &(end..end), &part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: &str =
        r#"{"kind":"Device","metadata":{"name":"a","odd":1.10},"spec":{"n": 18446744073709551615},"status":{"s":1}}"#;

    fn with_status(envelope: &str, status: &str) -> Option<Bytes> {
        StatusSlot::of(envelope.as_bytes())?.with(status.as_bytes())
    }

    #[test]
    fn a_new_status_leaves_every_other_byte_alone() {
        let changed = with_status(DEVICE, r#"{"s":2}"#).unwrap();
        assert_eq!(changed, DEVICE.replace(r#"{"s":1}"#, r#"{"s":2}"#).as_bytes());
    }

    #[test]
    fn a_first_status_is_added_at_the_end() {
        assert_eq!(&with_status(r#"{"spec":{}}"#, "{}").unwrap()[..], br#"{"spec":{},"status":{}}"#);
        assert_eq!(&with_status("{ }", "{}").unwrap()[..], br#"{ "status":{}}"#);
        assert_eq!(&with_status(r#"{"status":null}"#, "{}").unwrap()[..], br#"{"status":{}}"#);
    }

    #[test]
    fn other_metadata_leave_spec_and_status_alone() {
        let changed = with_metadata(DEVICE.as_bytes(), &Metadata::named("b")).unwrap();
        assert_eq!(changed, DEVICE.replace(r#"{"name":"a","odd":1.10}"#, r#"{"name":"b"}"#).as_bytes());
        let changed = with_metadata_and_spec(DEVICE.as_bytes(), &Metadata::named("b"), b"{}").unwrap();
        assert_eq!(&changed[..], br#"{"kind":"Device","metadata":{"name":"b"},"spec":{},"status":{"s":1}}"#);
    }

    #[test]
    fn metadata_are_changed_also_where_there_is_no_spec() {
        let changed = with_metadata(br#"{"metadata":{"name":"a"}}"#, &Metadata::named("b")).unwrap();
        assert_eq!(changed, r#"{"metadata":{"name":"b"}}"#);
    }

    #[test]
    fn what_is_no_envelope_is_not_spliced() {
        for broken in ["", "[]", "{", r#"{"status":{}"#, "\u{0}"] {
            assert!(with_status(broken, "{}").is_none(), "{broken:?}");
        }
    }

    #[test]
    fn a_name_is_found_in_metadata_that_are_broken_elsewhere() {
        let found = metadata(br#"{"metadata":{"name":"a","namespace":"n","labels":7}}"#).unwrap();
        assert_eq!((found.name.as_str(), found.namespace.as_str()), ("a", "n"));
    }
}
