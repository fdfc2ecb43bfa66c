//! Objects as answers, in the form that is wanted.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::Call;
use super::listing::Listing;
use crate::api::negotiate::Form;
use crate::api::reply;
use crate::api::table::{Table, metadata_only};
use crate::client::CachedObject;
use crate::resource::Timestamp;
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
    // One that was only tried to create has no version.
    let is_unversioned = object.modified() == Revision::ZERO;
    if call.form == Form::Object && !is_unversioned {
        return reply::raw_json(code, call.served.shown(object.json()));
    }
    let mut value: Value = serde_json::from_slice(&object.json()).unwrap_or_default();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut).filter(|_| is_unversioned) {
        metadata.remove("resourceVersion");
    }
    let value = match call.form {
        Form::Object => call.served.shown_value(value),
        Form::Metadata(version) => metadata_only(value, version),
        Form::Table(version) => {
            let metadata = json!({ "resourceVersion": value.pointer("/metadata/resourceVersion") });
            table(call, version, &metadata, vec![value])
        }
    };
    reply::json(code, &value)
}

/// A list of objects. Where they are wanted as they are, nothing is parsed into values: it costs a pass over the
/// bytes, when they are sent.
pub(super) fn many(call: &Call<'_>, page: &Page, objects: Vec<CachedObject>) -> Response {
    let mut metadata = json!({ "resourceVersion": page.revision.to_string() });
    if let Some(next) = &page.next {
        metadata["continue"] = next.as_str().into();
    }
    if let Some(remaining) = page.remaining {
        metadata["remainingItemCount"] = remaining.into();
    }
    let values = || objects.iter().map(|object| serde_json::from_slice(&object.json()).unwrap_or_default());
    let list = match call.form {
        Form::Object => return list(call, &metadata, objects),
        Form::Metadata(version) => json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": format!("meta.k8s.io/{version}"),
            "metadata": metadata,
            "items": values().map(|value| metadata_only(value, version)).collect::<Vec<_>>(),
        }),
        Form::Table(version) => table(call, version, &metadata, values().collect()),
    };
    reply::json(StatusCode::OK, &list)
}

fn table(call: &Call<'_>, version: &'static str, metadata: &Value, objects: Vec<Value>) -> Value {
    let table = Table { version, served: call.served, include: call.query.include_object, now: Timestamp::now() };
    table.value(metadata, true, &objects.into_iter().map(|object| table.row(object)).collect::<Vec<_>>())
}

fn list(call: &Call<'_>, metadata: &Value, objects: Vec<CachedObject>) -> Response {
    let (kind, api_version) = (call.served.kind, call.served.api_version());
    let head = format!(r#"{{"kind":"{kind}List","apiVersion":"{api_version}","metadata":{metadata},"items":["#);
    Listing::new(call.served.clone(), head, objects).into_response()
}
