//! `PATCH`: a change to an object, or to its status.
//!
//! There are JSON merge patches and JSON patches. A strategic merge patch is taken for a built-in kind where it means the
//! same as a merge patch; any other, server-side apply among them, is answered 415.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::given::{paths, remarks, with_warnings};
use super::patch_event::patch_event;
use super::{Call, present};
use crate::api::body;
use crate::api::catalog::Backing;
use crate::api::query::FieldValidation;
use crate::api::status::{Cause, Status};
use crate::client::{Part, Patch, UnknownFields};
use crate::{Error, Fault, FaultReason};

const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// Changes metadata and spec of an object, or its status; the other part stays.
pub(in crate::api) async fn patch(call: &Call<'_>, name: &str, part: Part, body: &[u8]) -> Result<Response, Status> {
    let (patch, duplicates) = read(call, body)?;
    let key = call.find(name)?;
    let strict = call.query.field_validation == FieldValidation::Strict;
    if strict && !duplicates.is_empty() {
        return Err(refused(call, name, &remarks(&[], &duplicates)));
    }
    if let Backing::Events(form) = call.served.backing {
        let object = patch_event(call, form, name, &patch).await?;
        return Ok(present::one(call, StatusCode::OK, &object));
    }
    let mode = if strict { UnknownFields::Refuse } else { UnknownFields::Prune };
    let (object, unknown) = call.client().patch_part(&key, &patch, part, mode).await.map_err(|error| {
        let faults = error.faults();
        if strict && !faults.is_empty() && faults.iter().all(|fault| fault.reason == FaultReason::UnknownField) {
            return refused(call, name, &remarks(&paths(faults), &[]));
        }
        if let Some(meant) = meant(&patch).filter(|meant| error.is_conflict() && **meant != *key.uid) {
            return Status::another_uid(call.served, name, meant, &key.uid);
        }
        failed(call, name, &error)
    })?;
    let unknown = paths(&unknown);
    let warnings = match call.query.field_validation {
        FieldValidation::Ignore => Vec::new(),
        FieldValidation::Warn | FieldValidation::Strict => remarks(&unknown, &duplicates),
    };
    Ok(with_warnings(present::one(call, StatusCode::OK, &object), &warnings))
}

/// The uid that a patch says its object has.
fn meant(patch: &Patch) -> Option<&str> {
    match patch {
        Patch::Merge(patch) => patch.pointer("/metadata/uid")?.as_str(),
        Patch::Json(_) => None,
    }
}

/// What an error means: what is no patch is told from one that can't be done.
pub(super) fn failed(call: &Call<'_>, name: &str, error: &Error) -> Status {
    match error.faults() {
        [Fault { path, reason: FaultReason::TypeInvalid, message }] if path.is_empty() => {
            Status::bad_request(message.clone())
        }
        _ => call.failed(error, name),
    }
}

fn refused(call: &Call<'_>, name: &str, remarks: &[String]) -> Status {
    let cause = Cause::invalid("patch", format_args!("strict decoding error: {}", remarks.join(", ")));
    Status::unprocessable(call.served, name, &[cause])
}

/// The patch in a body, and the fields that are there twice in it.
fn read(call: &Call<'_>, body: &[u8]) -> Result<(Patch, Vec<String>), Status> {
    let media_type = body::media_type(call.headers);
    let is_merge = match media_type {
        MERGE => true,
        JSON => false,
        STRATEGIC if call.served.is_built_in() => true,
        _ => return Err(Status::unsupported_media(&[JSON, MERGE].join(", "))),
    };
    let document = body::json(body)?;
    if media_type == STRATEGIC && !means_the_same(&document.value) {
        return Err(Status::unsupported_media(&[JSON, MERGE].join(", ")));
    }
    let patch = if is_merge { Patch::Merge(document.value) } else { Patch::Json(document.value) };
    Ok((patch, document.duplicates))
}

/// Does a strategic merge patch mean what it means as a merge patch? It does without directives, and where it has no list
/// that would be merged by element.
fn means_the_same(patch: &Value) -> bool {
    const MERGED: [&str; 3] = ["/metadata/finalizers", "/metadata/ownerReferences", "/status/conditions"];
    fn has_directive(value: &Value) -> bool {
        match value {
            Value::Object(fields) => fields.iter().any(|(name, value)| name.starts_with('$') || has_directive(value)),
            Value::Array(elements) => elements.iter().any(has_directive),
            _ => false,
        }
    }
    !has_directive(patch) && MERGED.iter().all(|list| patch.pointer(list).is_none_or(Value::is_null))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_strategic_patch_of_fields_is_a_merge_patch() {
        for (patch, same) in [
            (json!({ "metadata": { "labels": { "a": "b", "c": null } } }), true),
            (json!({ "metadata": { "finalizers": null } }), true),
            (json!({ "metadata": { "finalizers": ["a/b"] } }), false),
            (json!({ "spec": { "$setElementOrder/finalizers": [] } }), false),
            (json!({ "metadata": { "labels": { "$patch": "replace" } } }), false),
        ] {
            assert_eq!(means_the_same(&patch), same, "{patch}");
        }
    }
}
