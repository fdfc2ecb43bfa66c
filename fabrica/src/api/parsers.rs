//! What reads requests, for tests that feed it anything.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::query::{Query, is_watch};
use super::status::Status;
use super::target::Target;
use super::{negotiate, protobuf, strict_json};

pub(crate) use super::objects::continued;

fn refusal(status: &Status) -> String {
    format!("{status:?}")
}

/// What the parameters say, and whether they ask for a watch.
pub(crate) fn query(text: &str) -> Result<(String, bool), String> {
    Query::parse(Some(text))
        .map(|query| (format!("{query:?}"), is_watch(Some(text))))
        .map_err(|status| refusal(&status))
}

/// Group, version, namespace, plural, name and subresource that a path names.
pub(crate) fn target(path: &str) -> Option<[String; 6]> {
    let Target { group, version, namespace, plural, name, subresource } = Target::parse(path)?;
    let parts = [group, version, namespace, plural, name.unwrap_or_default(), subresource.unwrap_or_default()];
    Some(parts.map(std::borrow::Cow::into_owned))
}

/// The form that an `Accept` header asks for. `None` if the bytes are no header.
pub(crate) fn accept(value: &[u8]) -> Option<Result<String, String>> {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_bytes(value).ok()?)]);
    Some(negotiate::form(&headers).map(|form| format!("{form:?}")).map_err(|status| refusal(&status)))
}

/// The value, and the paths of the fields that are there twice.
pub(crate) fn strict_json(json: &[u8]) -> Result<(Value, Vec<String>), String> {
    strict_json::parse(json).map(|read| (read.value, read.duplicates)).map_err(|error| error.to_string())
}

/// The object in an envelope. `None` if its message is not known.
pub(crate) fn protobuf(body: &[u8]) -> Result<Option<Value>, String> {
    protobuf::decode(body).map_err(|error| error.to_string())
}
