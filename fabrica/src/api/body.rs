//! The bodies of requests.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;

use super::Config;
use super::status::Status;

/// Reads a body to its end.
///
/// # Errors
/// 413 if it is too large, 408 if it doesn't arrive in time, 400 if it breaks off.
pub(super) async fn read(body: Body, config: &Config) -> Result<Bytes, Status> {
    let whole = Limited::new(body, config.max_body_bytes).collect();
    match tokio::time::timeout(config.body_timeout, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Status::too_large(config.max_body_bytes)),
        Ok(Err(error)) => Err(Status::bad_request(format!("the body of the request broke off: {error}"))),
        Err(_) => Err(Status::request_timeout()),
    }
}

/// The media type of a body, without its parameters; that of JSON if none is given, which some clients do.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim();
    if media_type.is_empty() { "application/json" } else { media_type }
}

/// Reads JSON. What is nested too deep is refused by the parser.
///
/// # Errors
/// 400 with the place.
pub(super) fn json(body: &[u8]) -> Result<Value, Status> {
    serde_json::from_slice(body)
        .map_err(|error| Status::bad_request(format!("the body of the request is no JSON: {error}")))
}
