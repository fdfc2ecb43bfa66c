//! What goes wrong, as Kubernetes says it.

use std::fmt;

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::catalog::Served;
use super::reply;
use crate::resource::Uid;
use crate::store::Revision;
use crate::{Error, ErrorKind, Fault, FaultReason};

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

    /// Something else than the name is taken.
    pub(super) fn taken(message: String) -> Self {
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message)
    }

    pub(super) fn conflict(served: &Served, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", served.resource());
        Self::new(StatusCode::CONFLICT, "Conflict", message).about(served, served.plural, name)
    }

    /// Another object than the one that is there is meant.
    pub(super) fn another_uid(served: &Served, name: &str, meant: &str, is: &Uid) -> Self {
        let why = format!("Precondition failed: UID in precondition: {meant}, UID in object meta: {is}");
        Self::conflict(served, name, &why)
    }

    pub(super) fn invalid(served: &Served, name: &str, faults: &[Fault]) -> Self {
        let causes: Vec<Cause> = faults.iter().map(Cause::of).collect();
        Self::unprocessable(served, name, &causes)
    }

    pub(super) fn unprocessable(served: &Served, name: &str, causes: &[Cause]) -> Self {
        let message = format!("{} {name:?} is invalid: {}", served.group_kind(), listed(causes));
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).about(served, served.kind, name).because(causes)
    }

    /// The parameters of a request contradict each other, or are not allowed for it.
    pub(super) fn invalid_options(kind: &str, causes: &[Cause]) -> Self {
        let message = format!("{kind}.meta.k8s.io \"\" is invalid: {}", listed(causes));
        let mut status = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).because(causes);
        status.details.insert("group".to_owned(), "meta.k8s.io".into());
        status.details.insert("kind".to_owned(), kind.into());
        status
    }

    pub(super) fn forbidden(served: &Served, name: &str, why: &str) -> Self {
        let message = format!("{} {name:?} is forbidden: {why}", served.resource());
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message).about(served, served.plural, name)
    }

    /// Nothing can be created in a namespace any more.
    pub(super) fn terminating(served: &Served, name: &str, namespace: &str) -> Self {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause = Cause {
            reason: "NamespaceTerminating",
            message: format!("namespace {namespace} is being terminated"),
            field: "metadata.namespace".to_owned(),
        };
        Self::forbidden(served, name, &why).because(&[cause])
    }

    /// There is no such namespace.
    pub(super) fn no_namespace(name: &str) -> Self {
        let mut status = Self::new(StatusCode::NOT_FOUND, "NotFound", format!("namespaces {name:?} not found"));
        status.details.insert("name".to_owned(), name.into());
        status.details.insert("kind".to_owned(), "namespaces".into());
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

    /// 413; `limit` is how much is allowed.
    pub(super) fn too_large(limit: impl fmt::Display) -> Self {
        let message = format!("Request entity is too large: limit is {limit}");
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

    /// It was made for another host, or by the page of one.
    pub(super) fn foreign(message: impl Into<String>) -> Self {
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

    /// A version was asked for that there is not yet.
    pub(super) fn version_too_large(asked: Revision, current: Revision) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let cause = Cause {
            reason: "ResourceVersionTooLarge",
            message: "Too large resource version".to_owned(),
            field: String::new(),
        };
        Self { retry_after: Some(1), ..Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message) }.because(&[cause])
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

    /// Says what led to it.
    fn because(mut self, causes: &[Cause]) -> Self {
        self.details.insert("causes".to_owned(), causes.iter().map(Cause::to_value).collect());
        self
    }

    fn about(mut self, served: &Served, kind: &str, name: &str) -> Self {
        self.details.insert("name".to_owned(), name.into());
        if !served.group.is_empty() {
            self.details.insert("group".to_owned(), served.group.into());
        }
        self.details.insert("kind".to_owned(), kind.into());
        self
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.code == StatusCode::NOT_FOUND
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

/// What led to an error, as far as it is one field's fault.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cause {
    pub(super) reason: &'static str,
    /// As in `Required value: give a name`.
    pub(super) message: String,
    /// The path of the field; may be empty.
    pub(super) field: String,
}

impl Cause {
    pub(super) fn invalid(field: &str, why: impl fmt::Display) -> Self {
        Self { reason: "FieldValueInvalid", message: format!("Invalid value: {why}"), field: field.to_owned() }
    }

    pub(super) fn forbidden(field: &str, why: &str) -> Self {
        Self { reason: "FieldValueForbidden", message: format!("Forbidden: {why}"), field: field.to_owned() }
    }

    pub(super) fn not_supported(field: &str, value: &str, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|value| format!("{value:?}")).collect();
        let message = format!("Unsupported value: {value:?}: supported values: {}", supported.join(", "));
        Self { reason: "FieldValueNotSupported", message, field: field.to_owned() }
    }

    fn of(fault: &Fault) -> Self {
        let (reason, title) = match fault.reason {
            FaultReason::Required => ("FieldValueRequired", "Required value"),
            FaultReason::NotSupported => ("FieldValueNotSupported", "Unsupported value"),
            FaultReason::TypeInvalid => ("FieldValueTypeInvalid", "Invalid value"),
            FaultReason::Duplicate => ("FieldValueDuplicate", "Duplicate value"),
            FaultReason::TooLong => ("FieldValueTooLong", "Too long"),
            FaultReason::Forbidden => ("FieldValueForbidden", "Forbidden"),
            FaultReason::UnknownField | FaultReason::Invalid => ("FieldValueInvalid", "Invalid value"),
        };
        // Tools print the field and `: ` before the message, so there must be one.
        let field = if fault.path.is_empty() { "object".to_owned() } else { fault.path.clone() };
        // What the title says already.
        let why = fault.message.strip_prefix("is required").unwrap_or(&fault.message);
        let why = why.strip_prefix(": ").unwrap_or(why);
        let colon = if why.is_empty() { "" } else { ": " };
        Self { reason, message: format!("{title}{colon}{why}"), field }
    }

    fn to_value(&self) -> Value {
        let mut value = json!({ "reason": self.reason, "message": self.message });
        if !self.field.is_empty() {
            value["field"] = self.field.as_str().into();
        }
        value
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// The answer to a deletion after which the object is gone.
pub(super) fn success(served: &Served, name: &str, uid: &Uid) -> Value {
    let mut details = json!({ "name": name, "kind": served.plural, "uid": uid });
    if !served.group.is_empty() {
        details["group"] = served.group.into();
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

fn listed(causes: &[Cause]) -> String {
    let list: Vec<String> = causes.iter().map(ToString::to_string).collect();
    if let [one] = list.as_slice() { one.clone() } else { format!("[{}]", list.join(", ")) }
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
