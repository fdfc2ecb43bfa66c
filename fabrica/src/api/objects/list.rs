//! `GET` of all objects of a resource.

use axum::response::Response;

use super::Call;
use super::present::{self, Page};
use super::version::{At, token};
use crate::ErrorKind;
use crate::api::status::Status;
use crate::client::{Snapshot, SnapshotOptions};
use crate::resource::ResourceType;

/// The objects that are selected.
pub(in crate::api) async fn list(call: &Call<'_>) -> Result<Response, Status> {
    let at = At::of(call.query, call.served.plural)?;
    let Some(type_) = call.served.type_() else {
        return Ok(present::many(
            call,
            &Page { revision: call.api.client.seen(), next: None, remaining: None },
            Vec::new(),
        ));
    };
    let snapshot = call.snapshot(type_, at).await?;
    Ok(present::many(call, &Page::of(call, &snapshot), snapshot.items))
}

impl Call<'_> {
    /// The objects that the parameters select, at the version that is asked for.
    ///
    /// # Errors
    /// 400 for a selector that is none, or of a field that can't be selected by; 410 for a version that is no longer
    /// known, 504 for one that is not there yet.
    pub(super) async fn snapshot(&self, type_: &'static ResourceType, at: At) -> Result<Snapshot, Status> {
        let (labels, fields) = self.selectors()?;
        let (namespace, limit) = (self.namespace(), self.query.limit);
        let mut options = SnapshotOptions { namespace, labels, fields, limit, ..SnapshotOptions::default() };
        match &at {
            At::Newest => self.catch_up().await?,
            At::NotOlderThan(version) | At::Exact(version) | At::Page(version, _) => self.reach(*version).await?,
        }
        match at {
            At::Newest | At::NotOlderThan(_) => {}
            At::Exact(version) => options.at = Some(version),
            At::Page(version, place) => (options.at, options.after) = (Some(version), Some(place)),
        }
        let is_page = options.after.is_some();
        self.api.client.snapshot(type_, options).await.map_err(|error| match error.kind() {
            ErrorKind::Expired if is_page => Status::expired(
                "The provided continue parameter is too old to display a consistent list result. You must start a new \
                 list without the continue parameter.",
            ),
            ErrorKind::Expired => Status::expired("The resourceVersion for the provided list is too old."),
            _ => self.not_selected(&error),
        })
    }
}

impl Page {
    pub(super) fn of(call: &Call<'_>, snapshot: &Snapshot) -> Self {
        // With a selector it is not known how many are left.
        let is_selection = !call.query.label_selector.is_empty() || !call.query.field_selector.is_empty();
        Self {
            revision: snapshot.revision,
            next: snapshot.next.as_ref().map(|next| token(snapshot.revision, next)),
            remaining: Some(snapshot.remaining).filter(|_| snapshot.next.is_some() && !is_selection),
        }
    }
}
