//! The object in the body of a write.

use axum::response::Response;
use serde_json::{Map, Value};

use super::Call;
use crate::Fault;
use crate::api::catalog::Backing;
use crate::api::query::FieldValidation;
use crate::api::reply;
use crate::api::status::{Cause, Status};
use crate::api::strict_json::Document;
use crate::client::CachedObject;
use crate::resource::Object;

/// How many remarks about a body are made, as in Kubernetes.
const REMARKS_MAX: usize = 100;

/// The object in the body of a write: of the right kind, and in the namespace of the path.
pub(super) struct Given {
    value: Value,
    duplicates: Vec<String>,
}

impl Given {
    /// # Errors
    /// 400 for an object of another kind or in another namespace.
    pub(super) fn read(call: &Call<'_>, document: Document) -> Result<Self, Status> {
        let Document { value: mut object, duplicates } = document;
        let (api_version, kind) = (call.served.api_version(), call.served.kind);
        for (field, expected) in [("apiVersion", api_version.as_str()), ("kind", kind)] {
            match &object[field] {
                // Some clients leave out what the path says.
                Value::Null => object[field] = expected.into(),
                Value::String(given) if given.is_empty() => object[field] = expected.into(),
                Value::String(given) if given == expected => {}
                given => {
                    let message = format!(
                        "the {field} in the data ({}) does not match the expected {field} ({expected})",
                        bare(given)
                    );
                    return Err(Status::bad_request(message));
                }
            }
        }
        // A kind may do with less than is there.
        for part in ["metadata", "spec"] {
            if object[part].is_null() && (part == "metadata" || call.served.is_envelope()) {
                object[part] = Map::new().into();
            }
        }
        if let Some(metadata) = object["metadata"].as_object_mut() {
            // A null is how Go writes what is not set.
            metadata.retain(|_, value| !value.is_null());
            namespace(metadata, &call.target.namespace, call.served.namespaced)?;
        }
        if let Backing::Events(form) = call.served.backing {
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            object = form.read(object).map_err(|faults| Status::invalid(call.served, &name, &faults))?;
        }
        Ok(Self { value: object, duplicates })
    }

    /// The name in the body; empty if there is none.
    pub(super) fn name(&self) -> &str {
        self.text("name")
    }

    fn text(&self, field: &str) -> &str {
        self.value["metadata"][field].as_str().unwrap_or_default()
    }

    /// Checks that it may be created.
    ///
    /// # Errors
    /// 400 if it has a version.
    pub(super) fn is_new(&self) -> Result<(), Status> {
        if self.text("resourceVersion").is_empty() {
            return Ok(());
        }
        Err(Status::bad_request("resourceVersion should not be set on objects to be created"))
    }

    /// Checks that it is meant for the object at the path, and takes over who that is.
    ///
    /// # Errors
    /// 400 for another name, 409 for another uid, 422 without a version.
    pub(super) fn is_of(&mut self, call: &Call<'_>, name: &str, current: &CachedObject) -> Result<(), Status> {
        let (given, is) = (self.text("uid"), current.uid());
        if !given.is_empty() && *given != **is {
            return Err(Status::another_uid(call.served, name, given, is));
        }
        if self.text("resourceVersion").is_empty() {
            let cause = Cause::invalid("metadata.resourceVersion", "0x0: must be specified for an update");
            return Err(Status::unprocessable(call.served, name, &[cause]));
        }
        self.value["metadata"]["uid"] = Value::from(&**is);
        Ok(())
    }

    /// Checks that it has the name at the path.
    ///
    /// # Errors
    /// 400 for another name.
    pub(super) fn is_named(&self, name: &str) -> Result<(), Status> {
        let given = self.name();
        if given == name {
            return Ok(());
        }
        let message = format!("the name of the object ({given}) does not match the name on the URL ({name})");
        Err(Status::bad_request(message))
    }

    /// Takes everything but the version and the status from the object as it is.
    pub(super) fn only_status(&mut self, current: &CachedObject) {
        let mut whole: Value = serde_json::from_slice(&current.json()).unwrap_or_default();
        whole["metadata"]["resourceVersion"] = self.value["metadata"]["resourceVersion"].take();
        match self.value.get_mut("status").map(Value::take) {
            Some(status) if !status.is_null() => whole["status"] = status,
            _ => drop(whole.as_object_mut().and_then(|whole| whole.remove("status"))),
        }
        self.value = whole;
    }

    /// Leaves the status out, which isn't written with the rest.
    pub(super) fn without_status(&mut self, call: &Call<'_>) {
        if let Some(object) = self.value.as_object_mut().filter(|_| call.served.has_status()) {
            object.remove("status");
        }
    }

    /// The object itself, and what there is to be said about fields that the kind doesn't know, or that are there twice.
    ///
    /// # Errors
    /// 400 with these fields if they are to be refused; 422 with every fault if it is no object of the kind.
    pub(super) fn decoded(self, call: &Call<'_>) -> Result<(Box<dyn Object>, Vec<String>), Status> {
        let type_ = call.type_()?;
        let name = self.name().to_owned();
        let read = call.api.client.read_object(type_, self.value);
        let (object, unknown) = read.map_err(|error| call.failed(&error, &name))?;
        let remarks = remarks(&paths(&unknown), &self.duplicates);
        match call.query.field_validation {
            FieldValidation::Strict if !remarks.is_empty() => {
                let (kind, version) = (call.served.kind, call.served.version);
                let message = format!(
                    "{kind} in version {version:?} cannot be handled as a {kind}: strict decoding error: {}",
                    remarks.join(", ")
                );
                Err(Status::bad_request(message))
            }
            FieldValidation::Ignore => Ok((object, Vec::new())),
            FieldValidation::Warn | FieldValidation::Strict => Ok((object, remarks)),
        }
    }
}

/// Where faults are.
pub(super) fn paths(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|fault| fault.path.clone()).collect()
}

/// What is said about fields that the kind doesn't know, and those that are there twice: as many as anybody reads.
pub(super) fn remarks(unknown: &[String], duplicates: &[String]) -> Vec<String> {
    let unknown = unknown.iter().map(|path| format!("unknown field {path:?}"));
    unknown.chain(duplicates.iter().map(|path| format!("duplicate field {path:?}"))).take(REMARKS_MAX).collect()
}

/// An answer with remarks about the request.
pub(super) fn with_warnings(mut response: Response, warnings: &[String]) -> Response {
    reply::warn(&mut response, warnings);
    response
}

/// A value as it stands in a message: a text without quotes, anything else as JSON.
fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn namespace(metadata: &mut Map<String, Value>, of_path: &str, namespaced: bool) -> Result<(), Status> {
    if !namespaced {
        metadata.remove("namespace");
        return Ok(());
    }
    match metadata.get("namespace").filter(|namespace| **namespace != "") {
        Some(given) if *given != of_path => {
            let message = format!(
                "the namespace of the provided object does not match the namespace sent on the request: {}, not \
                 {of_path}",
                bare(given)
            );
            Err(Status::bad_request(message))
        }
        _ => {
            metadata.insert("namespace".to_owned(), of_path.into());
            Ok(())
        }
    }
}
