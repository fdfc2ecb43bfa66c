//! `POST`: a new object.

use axum::http::StatusCode;
use axum::response::Response;

use super::given::{Given, with_warnings};
use super::{Call, present};
use crate::api::status::Status;
use crate::api::strict_json::Document;
use crate::resource::{Namespace, Resource};
use crate::{Error, ErrorKind};

/// Creates an object.
pub(in crate::api) async fn create(call: &Call<'_>, document: Document) -> Result<Response, Status> {
    let mut given = Given::read(call, document)?;
    given.is_new()?;
    given.without_status(call);
    let name = given.name().to_owned();
    let (object, warnings) = given.decoded(call)?;
    let created = call.client().create_object(object).await.map_err(|error| failed(call, &error, &name))?;
    Ok(with_warnings(present::one(call, StatusCode::CREATED, &created), &warnings))
}

fn failed(call: &Call<'_>, error: &Error, name: &str) -> Status {
    let namespace = &*call.target.namespace;
    match error.kind() {
        ErrorKind::NotFound if call.served.namespaced => Status::no_namespace(namespace),
        ErrorKind::Invalid(faults)
            if faults.iter().all(|fault| fault.path == "metadata.namespace") && is_terminating(call, namespace) =>
        {
            Status::terminating(call.served, name, namespace)
        }
        // Not the name is taken, but the uid.
        ErrorKind::AlreadyExists if call.find(name).is_err() => Status::taken(error.to_string()),
        _ => call.failed(error, name),
    }
}

fn is_terminating(call: &Call<'_>, namespace: &str) -> bool {
    let client = &call.api.client;
    let found = client.find(Namespace::TYPE, "", namespace).ok().and_then(|key| client.cached(&key));
    found.is_some_and(|namespace| namespace.is_deleting())
}
