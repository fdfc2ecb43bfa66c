//! One request about objects.

use std::sync::Arc;

use axum::http::HeaderMap;

use crate::Error;
use crate::api::app::Api;
use crate::api::catalog::Served;
use crate::api::negotiate::Form;
use crate::api::query::Query;
use crate::api::status::Status;
use crate::api::target::Target;
use crate::client::{CachedObject, Client};
use crate::resource::{ObjectKey, ResourceType};

/// One request about the objects of a resource.
#[derive(Clone, Copy)]
pub(in crate::api) struct Call<'a> {
    pub(in crate::api) api: &'a Arc<Api>,
    pub(in crate::api) served: &'a Served,
    pub(in crate::api) target: &'a Target<'a>,
    pub(in crate::api) query: &'a Query,
    pub(in crate::api) headers: &'a HeaderMap,
    /// In which form objects are answered.
    pub(in crate::api) form: Form,
}

impl Call<'_> {
    /// The kind whose objects are meant.
    ///
    /// # Errors
    /// 405 for a resource without objects.
    pub(in crate::api) fn type_(&self) -> Result<&'static ResourceType, Status> {
        self.served.type_().ok_or_else(Status::method_not_allowed)
    }

    /// The object of a name.
    ///
    /// # Errors
    /// 404.
    pub(super) fn find(&self, name: &str) -> Result<ObjectKey, Status> {
        let Some(type_) = self.served.type_() else { return Err(Status::not_found(self.served, name)) };
        self.api.client.find(type_, &self.target.namespace, name).map_err(|error| self.failed(&error, name))
    }

    /// The object of a name, as it is now.
    ///
    /// # Errors
    /// 404.
    pub(super) fn current(&self, name: &str) -> Result<CachedObject, Status> {
        let key = self.find(name)?;
        self.api.client.cached(&key).ok_or_else(|| Status::not_found(self.served, name))
    }

    /// The client that the request's writes go through: for a dry run, one that never writes.
    pub(super) fn client(&self) -> Client {
        if self.query.dry_run { self.api.client.dry_run() } else { self.api.client.clone() }
    }

    /// What an error of the client means for the object that was asked for.
    pub(in crate::api) fn failed(&self, error: &Error, name: &str) -> Status {
        Status::of(error, self.served, name)
    }
}
