//! Answers.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WARNING};
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use serde_json::Value;

/// A JSON document.
pub(super) fn json(code: StatusCode, value: &Value) -> Response<Body> {
    // Printed into memory: there is nothing that could fail.
    raw_json(code, Bytes::from(value.to_string()))
}

/// A JSON document that is written out already, or while it is sent.
pub(super) fn raw_json(code: StatusCode, json: impl Into<Body>) -> Response<Body> {
    with_type(code, "application/json", json)
}

/// Plain text.
pub(super) fn text(code: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    with_type(code, "text/plain; charset=utf-8", text.into())
}

/// What Kubernetes answers for a path that it doesn't know.
pub(super) fn no_such_path() -> Response<Body> {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// Adds remarks about the request, which tools show. As many as a client must take, and of each as much as Kubernetes
/// sends.
pub(super) fn warn(response: &mut Response<Body>, warnings: &[String]) {
    const WARNINGS_MAX: usize = 16;
    const LENGTH_MAX: usize = 256;
    for warning in warnings.iter().take(WARNINGS_MAX) {
        let shown = warning.chars().take(LENGTH_MAX);
        let plain: String = shown.map(|c| if c.is_ascii() && !c.is_control() { c } else { '?' }).collect();
        let quoted = plain.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(WARNING, value);
        }
    }
}

/// A body of a media type.
pub(super) fn with_type(code: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}
