//! As of which version objects are asked for.

use std::time::Duration;

use super::Call;
use crate::api::query::{Query, VersionMatch};
use crate::api::status::{Cause, Status};
use crate::client::Place;
use crate::store::Revision;

/// How long a request waits for a version that is still to come.
const PATIENCE: Duration = Duration::from_secs(3);

/// Which version of a list is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum At {
    /// The newest that there is.
    Newest,
    /// Any one, this or a newer one.
    NotOlderThan(Revision),
    /// Just this one.
    Exact(Revision),
    /// The one that the pages before were of, from a place on.
    Page(Revision, Place),
}

impl At {
    /// What the parameters of a list say; `plural` is what is listed.
    ///
    /// # Errors
    /// 422 if they contradict each other, 400 for a `continue` that was not handed out.
    pub(super) fn of(query: &Query, plural: &str) -> Result<Self, Status> {
        let mut causes = Vec::new();
        if query.version_match.is_some() {
            let mut forbid = |why| causes.push(Cause::forbidden("resourceVersionMatch", why));
            if query.resource_version.is_none() {
                forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
            }
            if query.continue_.is_some() {
                forbid("resourceVersionMatch is forbidden when continue is provided");
            }
            if query.version_match == Some(VersionMatch::Exact) && query.resource_version == Some(0) {
                forbid("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
            }
        }
        if query.initial_events.is_some() {
            causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        if !causes.is_empty() {
            return Err(Status::invalid_options("ListOptions", &causes));
        }
        let version = query.resource_version.map(Revision::new);
        if let Some(token) = &query.continue_ {
            if query.resource_version.is_some_and(|version| version > 0) {
                return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
            }
            return page(token, plural);
        }
        Ok(match (version, query.version_match) {
            (None, _) => Self::Newest,
            (Some(version), Some(VersionMatch::Exact)) => Self::Exact(version),
            // As it was before there was a `resourceVersionMatch`: all pages are of one version.
            (Some(version), None) if query.limit > 0 && version.get() > 0 => Self::Exact(version),
            (Some(version), _) => Self::NotOlderThan(version),
        })
    }
}

/// What gives the next page of a list.
pub(super) fn token(revision: Revision, next: &Place) -> String {
    format!("{revision}/{next}")
}

fn page(token: &str, plural: &str) -> Result<At, Status> {
    let parts = token.split_once('/').and_then(|(revision, place)| {
        let revision = revision.parse().ok().filter(|revision| *revision > 0)?;
        Some(At::Page(Revision::new(revision), Place::parse(plural, place).ok()?))
    });
    parts.ok_or_else(|| {
        Status::bad_request("continue key is not valid: hand back the one of the page before, unchanged")
    })
}

/// A `continue` that is read and handed out again; `None` if it is none.
#[cfg(feature = "testing")]
pub(crate) fn continued(text: &str) -> Option<String> {
    match page(text, "devices") {
        Ok(At::Page(revision, place)) => Some(token(revision, &place)),
        _ => None,
    }
}

impl Call<'_> {
    /// Waits until everything up to a version is seen.
    ///
    /// # Errors
    /// 504 if there is no such version soon.
    pub(in crate::api) async fn reach(&self, version: Revision) -> Result<(), Status> {
        let client = &self.api.client;
        match tokio::time::timeout(PATIENCE, client.wait_seen(version)).await {
            Ok(()) if client.seen() >= version => Ok(()),
            _ => Err(Status::version_too_large(version, client.seen())),
        }
    }

    /// Waits until everything that is stored by now is seen.
    ///
    /// # Errors
    /// What the store answers.
    pub(super) async fn catch_up(&self) -> Result<(), Status> {
        let done = self.api.client.catch_up(self.served.plural).await;
        done.map_err(|error| self.failed(&error, ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(query: &str) -> Result<At, u64> {
        let query = Query::parse(Some(query)).unwrap();
        At::of(&query, "devices").map_err(|status| status.to_value()["code"].as_u64().unwrap())
    }

    #[test]
    fn the_parameters_say_which_version_as_in_kubernetes() {
        let seven = Revision::new(7);
        for (query, expected) in [
            ("", At::Newest),
            ("resourceVersion=", At::Newest),
            ("limit=5", At::Newest),
            ("resourceVersion=0", At::NotOlderThan(Revision::new(0))),
            ("resourceVersion=0&limit=5", At::NotOlderThan(Revision::new(0))),
            ("resourceVersion=7", At::NotOlderThan(seven)),
            ("resourceVersion=7&limit=5", At::Exact(seven)),
            ("resourceVersion=7&limit=5&resourceVersionMatch=NotOlderThan", At::NotOlderThan(seven)),
            ("resourceVersion=7&resourceVersionMatch=Exact", At::Exact(seven)),
            ("continue=7/lab/a", At::Page(seven, Place::parse("devices", "lab/a").unwrap())),
            ("continue=7//a&resourceVersion=0", At::Page(seven, Place::parse("devices", "/a").unwrap())),
        ] {
            assert_eq!(at(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn parameters_that_contradict_each_other_are_refused() {
        for (query, code) in [
            ("resourceVersionMatch=Exact", 422),
            ("resourceVersion=0&resourceVersionMatch=Exact", 422),
            ("continue=7//a&resourceVersionMatch=Exact&resourceVersion=7", 422),
            ("sendInitialEvents=true", 422),
            ("sendInitialEvents=false", 422),
            ("continue=7//a&resourceVersion=7", 400),
            ("continue=x", 400),
            ("continue=7/a", 400),
            ("continue=-1//a", 400),
            ("continue=0//a", 400),
        ] {
            assert_eq!(at(query), Err(code), "{query}");
        }
    }

    #[test]
    fn a_token_gives_the_page_that_it_was_made_for() {
        let place = Place::parse("devices", "lab/a.b-c").unwrap();
        let token = token(Revision::new(12), &place);
        assert_eq!(page(&token, "devices").ok(), Some(At::Page(Revision::new(12), place)));
    }
}
