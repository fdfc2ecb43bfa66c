//! `GET` of one object.

use axum::http::StatusCode;
use axum::response::Response;

use super::{Call, present};
use crate::api::status::Status;
use crate::store::Revision;

/// One object, also one that can't be decoded.
pub(in crate::api) async fn get(call: &Call<'_>, name: &str) -> Result<Response, Status> {
    match call.query.resource_version {
        None => call.catch_up().await?,
        Some(version) => call.reach(Revision::new(version)).await?,
    }
    let object = call.current(name)?;
    Ok(present::one(call, StatusCode::OK, &object))
}
