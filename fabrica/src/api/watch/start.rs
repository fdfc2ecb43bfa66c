//! Where a watch starts.

use super::stream::Source;
use crate::api::objects::Call;
use crate::api::query::VersionMatch;
use crate::api::status::{Cause, Status};
use crate::client::SnapshotOptions;
use crate::resource::ResourceType;
use crate::store::Revision;

/// Where a watch starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// With what exists, as of this revision or a later one; then perhaps a bookmark that says that this was all.
    Existing { at_least: Revision, says_when_done: bool },
    /// After a revision.
    After(Revision),
    /// With the next change.
    Now,
}

impl Start {
    /// What the parameters ask for.
    ///
    /// # Errors
    /// 422 if they contradict each other.
    pub(super) fn of(call: &Call<'_>) -> Result<Self, Status> {
        let query = call.query;
        let wrong = |field: &str, message: &str| {
            Err(Status::invalid_options("ListOptions", &[Cause::forbidden(field, &format!("{field} {message}"))]))
        };
        match (query.initial_events, query.version_match) {
            (None, Some(_)) => {
                return wrong("resourceVersionMatch", "is forbidden for watch unless sendInitialEvents is provided");
            }
            (Some(_), matched) if matched != Some(VersionMatch::NotOlderThan) => {
                return wrong("resourceVersionMatch", "must be NotOlderThan if sendInitialEvents is set");
            }
            _ => {}
        }
        let version = query.resource_version.filter(|version| *version > 0).map(Revision::new);
        Ok(match (query.initial_events, version) {
            (Some(true), version) => {
                Self::Existing { at_least: version.unwrap_or(Revision::ZERO), says_when_done: true }
            }
            (_, Some(version)) => Self::After(version),
            (Some(false), None) => Self::Now,
            (None, None) => Self::Existing { at_least: Revision::ZERO, says_when_done: false },
        })
    }

    /// Does a bookmark follow what exists?
    pub(super) fn says_when_done(self) -> bool {
        matches!(self, Self::Existing { says_when_done: true, .. })
    }

    /// Opens what the watch reads from.
    ///
    /// # Errors
    /// 504 if the revision lies in the future; 400 for a selector that the kind doesn't have.
    pub(super) async fn open(self, call: &Call<'_>, type_: &'static ResourceType) -> Result<Source, Status> {
        let client = &call.api.client;
        let failed = |error: crate::Error| call.not_selected(&error);
        let (labels, fields) = call.selectors()?;
        let selection = client.selection(type_, call.namespace(), labels.clone(), &fields).map_err(failed)?;
        let (existing, after) = match self {
            Self::After(revision) => {
                call.reach(revision).await?;
                (Vec::new(), revision)
            }
            Self::Now => (Vec::new(), client.seen()),
            Self::Existing { at_least, .. } => {
                call.reach(at_least).await?;
                let options =
                    SnapshotOptions { namespace: call.namespace(), labels, fields, ..SnapshotOptions::default() };
                let snapshot = client.snapshot(type_, options).await.map_err(failed)?;
                (snapshot.items, snapshot.revision)
            }
        };
        let follow = client.follow(type_, after).map_err(failed)?;
        Ok(Source::Kind {
            existing: existing.into_iter(),
            says_when_done: self.says_when_done(),
            follow: Box::new(follow),
            selection,
        })
    }
}
