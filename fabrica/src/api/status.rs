//! What goes wrong, as Kubernetes says it.

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::catalog::Served;
use super::reply;
use crate::{Error, ErrorKind, Fault};

/// An answer of kind `Status` that says what went wrong.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Status {
    code: StatusCode,
    reason: &'static str,
    message: String,
    details: Map<String, Value>,
    retry_after: Option<u32>,
}

impl Status {
    fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Map::new(), retry_after: None }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn not_found(served: &Served, name: &str) -> Self {
        let message = format!("{} {name:?} not found", served.resource());
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).about(served, served.plural, name)
    }

    pub(super) fn already_exists(served: &Served, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", served.resource());
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(served, served.plural, name)
    }

    pub(super) fn conflict(served: &Served, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", served.resource());
        Self::new(StatusCode::CONFLICT, "Conflict", message).about(served, served.plural, name)
    }

    pub(super) fn invalid(served: &Served, name: &str, faults: &[Fault]) -> Self {
        let list: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let list = if let [one] = list.as_slice() { one.clone() } else { format!("[{}]", list.join(", ")) };
        let what = served.group_kind();
        let message = format!("{what} {name:?} is invalid: {list}");
        let causes: Vec<Value> = faults
            .iter()
            .map(|fault| json!({ "reason": "FieldValueInvalid", "message": fault.message, "field": fault.path }))
            .collect();
        let mut status =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).about(served, served.kind, name);
        status.details.insert("causes".to_owned(), causes.into());
        status
    }

    pub(super) fn not_acceptable() -> Self {
        let message = "only the following media types are accepted: application/json, and as=Table or \
            as=PartialObjectMetadata of it";
        Self::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
    }

    pub(super) fn unsupported_media(accepted: &str) -> Self {
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("Request entity is too large: limit is {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    pub(super) fn url_too_long(limit: usize) -> Self {
        let message = format!("the URL of the request is too long: limit is {limit} bytes");
        Self::new(StatusCode::URI_TOO_LONG, "BadRequest", message)
    }

    pub(super) fn too_many_headers(limit: usize) -> Self {
        let message = format!("the request has too many headers: limit is {limit}");
        Self::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "BadRequest", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    /// There are as many requests, or watches, under way as the server takes.
    pub(super) fn too_many_requests(watches: bool) -> Self {
        let what = if watches { "watches" } else { "requests" };
        let message = format!("too many {what} are under way, please try again later");
        Self { retry_after: Some(1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message) }
    }

    pub(super) fn request_timeout() -> Self {
        let message = "the body of the request did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "Timeout", message)
    }

    pub(super) fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "Expired", message)
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// What an error of the client means for the object that was asked for.
    pub(super) fn of(error: &Error, served: &Served, name: &str) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::not_found(served, name),
            ErrorKind::AlreadyExists => Self::already_exists(served, name),
            ErrorKind::Conflict => {
                let why = "the object has been modified; please apply your changes to the latest version and try again";
                Self::conflict(served, name, why)
            }
            ErrorKind::Invalid(faults) => Self::invalid(served, name, faults),
            ErrorKind::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", error.to_string())
                .about(served, served.plural, name),
            ErrorKind::Expired => Self::expired(error.to_string()),
            ErrorKind::Unavailable => Self {
                retry_after: Some(1),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", error.to_string())
            },
            ErrorKind::Unknown | ErrorKind::Timeout => {
                Self { retry_after: Some(1), ..Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", error.to_string()) }
            }
            _ => Self::internal(error.to_string()),
        }
    }

    fn about(mut self, served: &Served, kind: &str, name: &str) -> Self {
        self.details.insert("name".to_owned(), name.into());
        if !served.group.is_empty() {
            self.details.insert("group".to_owned(), served.group.into());
        }
        self.details.insert("kind".to_owned(), kind.into());
        self
    }

    #[cfg(test)]
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The answer's body.
    pub(super) fn to_value(&self) -> Value {
        let mut details = self.details.clone();
        if let Some(seconds) = self.retry_after {
            details.insert("retryAfterSeconds".to_owned(), seconds.into());
        }
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        });
        if !details.is_empty() {
            status["details"] = details.into();
        }
        status["code"] = self.code.as_u16().into();
        status
    }
}

impl IntoResponse for Status {
    fn into_response(self) -> Response {
        let mut response = reply::json(self.code, &self.to_value());
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
