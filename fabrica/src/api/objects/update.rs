//! `PUT`: another version of an object, or of its status.

use axum::http::StatusCode;
use axum::response::Response;

use super::given::{Given, with_warnings};
use super::{Call, present};
use crate::api::status::Status;
use crate::api::strict_json::Document;
use crate::client::Part;

/// Replaces metadata and spec of an object, or its status; the other part stays.
pub(in crate::api) async fn update(
    call: &Call<'_>,
    name: &str,
    part: Part,
    document: Document,
) -> Result<Response, Status> {
    let mut given = Given::read(call, document)?;
    given.is_named(name)?;
    let current = call.current(name)?;
    given.is_of(call, name, &current)?;
    match part {
        Part::Main => given.without_status(call),
        Part::Status => given.only_status(&current),
    }
    let (object, warnings) = given.decoded(call)?;
    let client = call.client();
    let written = match part {
        Part::Main => client.update_object(&*object).await,
        Part::Status => client.update_object_status(&*object).await,
    };
    let written = written.map_err(|error| call.failed(&error, name))?;
    Ok(with_warnings(present::one(call, StatusCode::OK, &written), &warnings))
}
