//! The bodies of requests.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::status::Status;
use super::strict_json::{self, Document};
use super::{Config, protobuf};

/// What an object is sent in.
const JSON: &str = "application/json";

/// Reads a body to its end.
///
/// # Errors
/// 413 if it is too large, 408 if it doesn't arrive in time, 400 if it breaks off.
pub(super) async fn read(body: Body, config: &Config) -> Result<Bytes, Status> {
    let whole = Limited::new(body, config.max_body_bytes).collect();
    match tokio::time::timeout(config.body_timeout, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Status::too_large(format_args!("{} bytes", config.max_body_bytes)))
        }
        Ok(Err(error)) => Err(Status::bad_request(format!("the body of the request broke off: {error}"))),
        Err(_) => Err(Status::request_timeout()),
    }
}

/// The media type of a body, without its parameters; that of JSON if none is given, which some clients do.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim();
    if media_type.is_empty() { JSON } else { media_type }
}

/// Reads an object.
///
/// # Errors
/// 415 for another format than JSON (and, of built-in kinds, Protocol Buffers), 400 with the place if it is none.
pub(super) fn object(headers: &HeaderMap, body: &[u8]) -> Result<Document, Status> {
    let document = match media_type(headers) {
        JSON => json(body)?,
        protobuf::MEDIA_TYPE => match protobuf::decode(body) {
            Ok(Some(value)) => Document { value, duplicates: Vec::new() },
            Ok(None) => return Err(Status::unsupported_media(JSON)),
            Err(error) => {
                return Err(Status::bad_request(format!(
                    "the body of the request is no Kubernetes object: it {error}"
                )));
            }
        },
        _ => return Err(Status::unsupported_media(JSON)),
    };
    if document.value.is_object() {
        return Ok(document);
    }
    Err(Status::bad_request("the body of the request is no object, as in {\"metadata\": {\"name\": \"x\"}}"))
}

/// Reads JSON. What is nested too deep is refused by the parser.
///
/// # Errors
/// 400 with the place.
pub(super) fn json(body: &[u8]) -> Result<Document, Status> {
    strict_json::parse(body)
        .map_err(|error| Status::bad_request(format!("the body of the request is no JSON: {error}")))
}
