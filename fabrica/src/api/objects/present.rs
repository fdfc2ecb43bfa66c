//! Objects as answers, in the form that is wanted.

use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Call;
use crate::api::negotiate::Form;
use crate::api::reply;
use crate::client::CachedObject;
use crate::store::Revision;

/// What a list says of itself.
pub(super) struct Page {
    pub(super) revision: Revision,
    /// What gives the next page; `None` on the last one.
    pub(super) next: Option<String>,
    /// How many objects are on the pages after this one, if that is known.
    pub(super) remaining: Option<usize>,
}

/// One object.
pub(super) fn one(call: &Call<'_>, code: StatusCode, object: &CachedObject) -> Response {
    let json = if object.modified() == Revision::ZERO { unversioned(object) } else { object.json() };
    match call.form {
        Form::Object | Form::Table(_) => reply::raw_json(code, json),
        Form::Metadata(version) => {
            let mut partial = Vec::with_capacity(512);
            partial_metadata(&mut partial, &json, version);
            reply::raw_json(code, partial.into())
        }
    }
}

/// An object that was only tried to create: it has no version.
fn unversioned(object: &CachedObject) -> Bytes {
    let mut value: Value = serde_json::from_slice(&object.json()).unwrap_or_default();
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
    value.to_string().into()
}

/// A list of objects.
///
/// Costs a pass over the bytes of each: nothing is parsed into values.
pub(super) fn many(call: &Call<'_>, page: &Page, objects: &[CachedObject]) -> Response {
    let mut metadata = json!({ "resourceVersion": page.revision.to_string() });
    if let Some(next) = &page.next {
        metadata["continue"] = next.as_str().into();
    }
    if let Some(remaining) = page.remaining {
        metadata["remainingItemCount"] = remaining.into();
    }
    let json = match call.form {
        Form::Object | Form::Table(_) => {
            let kind = format!("{}List", call.served.kind);
            list(&kind, &call.served.api_version(), &metadata, objects, |out, json| out.extend_from_slice(json))
        }
        Form::Metadata(version) => {
            let api_version = format!("meta.k8s.io/{version}");
            list("PartialObjectMetadataList", &api_version, &metadata, objects, |out, json| {
                partial_metadata(out, json, version);
            })
        }
    };
    reply::raw_json(StatusCode::OK, json)
}

fn list(
    kind: &str,
    api_version: &str,
    metadata: &Value,
    objects: &[CachedObject],
    mut write: impl FnMut(&mut Vec<u8>, &[u8]),
) -> Bytes {
    let size: usize = objects.iter().map(|object| object.raw.len() + 64).sum();
    let mut json = Vec::with_capacity(size + 256);
    let head = format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{metadata},"items":["#);
    json.extend_from_slice(head.as_bytes());
    for (index, object) in objects.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write(&mut json, &object.json());
    }
    json.extend_from_slice(b"]}");
    json.into()
}

/// Adds a `PartialObjectMetadata`: what all kinds have in common.
fn partial_metadata(out: &mut Vec<u8>, json: &[u8], version: &str) {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        metadata: &'a RawValue,
    }
    let metadata = serde_json::from_slice(json).map_or("{}", |Envelope { metadata }| metadata.get());
    let head = format!(r#"{{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/{version}","metadata":"#);
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(metadata.as_bytes());
    out.push(b'}');
}
