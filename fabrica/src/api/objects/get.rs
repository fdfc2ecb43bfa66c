//! `GET` of one object.

use axum::http::StatusCode;
use axum::response::Response;

use super::Call;
use crate::api::reply;
use crate::api::status::Status;

/// One object.
pub(in crate::api) fn get(call: &Call<'_>, name: &str) -> Result<Response, Status> {
    let key = call.find(name)?;
    let object = call.api.client.get_json(&key).map_err(|error| call.failed(&error, name))?;
    Ok(reply::json(StatusCode::OK, &object))
}
