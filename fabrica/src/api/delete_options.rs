//! How something is to be deleted.

use serde::Deserialize;
use serde_json::Value;

use super::query::Query;
use super::status::{Cause, Status};
use crate::client::{DeleteOptions, Propagation};
use crate::resource::{ResourceVersion, Uid};

/// What a request to delete asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Deletion {
    pub(super) options: DeleteOptions,
    pub(super) dry_run: bool,
}

/// `DeleteOptions`, as far as they mean something here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    kind: Option<String>,
    preconditions: Option<Preconditions>,
    orphan_dependents: Option<bool>,
    propagation_policy: Option<String>,
    dry_run: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Preconditions {
    uid: Option<Uid>,
    resource_version: Option<ResourceVersion>,
}

impl Deletion {
    /// What the body asks for; without one, what the query does.
    ///
    /// # Errors
    /// 400 for a body that is no `DeleteOptions`, 422 for a value that there is not, or that contradicts another.
    pub(super) fn read(body: Option<Value>, query: &Query) -> Result<Self, Status> {
        let wire = match body {
            Some(body) => serde_path_to_error::deserialize(body).map_err(|error| {
                Status::bad_request(format!("the body of the request is no DeleteOptions: {error}"))
            })?,
            None => Wire {
                orphan_dependents: query.orphan_dependents,
                propagation_policy: query.propagation_policy.clone(),
                ..Wire::default()
            },
        };
        if let Some(kind) = wire.kind.filter(|kind| !kind.is_empty() && kind != "DeleteOptions") {
            let message = format!("the body of the request is a {kind}, but must be DeleteOptions");
            return Err(Status::bad_request(message));
        }
        let mut causes = Vec::new();
        let policy = wire.propagation_policy.filter(|policy| !policy.is_empty());
        if policy.is_some() && wire.orphan_dependents.is_some() {
            let why = "orphanDependents and propagationPolicy cannot be both set";
            causes.push(Cause::forbidden("propagationPolicy", why));
        }
        let propagation = match policy.as_deref() {
            None => {
                wire.orphan_dependents.map(|orphan| if orphan { Propagation::Orphan } else { Propagation::Background })
            }
            Some("Background") => Some(Propagation::Background),
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(other) => {
                let known = ["Background", "Foreground", "Orphan"];
                causes.push(Cause::not_supported("propagationPolicy", other, &known));
                None
            }
        };
        let dry_run = wire.dry_run.unwrap_or_default();
        let unknown = dry_run.iter().filter(|stage| *stage != "All");
        causes.extend(unknown.map(|stage| Cause::not_supported("dryRun", stage, &["All"])));
        if !causes.is_empty() {
            return Err(Status::invalid_options("DeleteOptions", &causes));
        }
        let Preconditions { uid, resource_version } = wire.preconditions.unwrap_or_default();
        let options = DeleteOptions { uid, resource_version, propagation };
        Ok(Self { options, dry_run: query.dry_run || !dry_run.is_empty() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of_body(body: Value) -> Result<Deletion, Status> {
        Deletion::read(Some(body), &Query::default())
    }

    #[test]
    fn options_come_from_the_body_or_else_from_the_query() {
        let query = Query::parse(Some("propagationPolicy=Orphan&dryRun=All")).unwrap();
        let of_query = Deletion::read(None, &query).unwrap();
        assert_eq!((of_query.options.propagation, of_query.dry_run), (Some(Propagation::Orphan), true));

        let body = json!({
            "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground", "dryRun": ["All"],
            "preconditions": { "uid": "u-1", "resourceVersion": "7" }, "gracePeriodSeconds": 0,
        });
        let deletion = of_body(body).unwrap();
        assert_eq!(deletion.options.uid, Some("u-1".into()));
        assert_eq!(deletion.options.resource_version, Some(ResourceVersion::new(7)));
        assert_eq!((deletion.options.propagation, deletion.dry_run), (Some(Propagation::Foreground), true));

        assert_eq!(of_body(json!({})).unwrap(), Deletion::default());
        assert_eq!(
            of_body(json!({ "orphanDependents": true })).unwrap().options.propagation,
            Some(Propagation::Orphan)
        );
    }

    #[test]
    fn what_they_can_not_say_is_refused_with_the_field() {
        for (body, code, field) in [
            (json!({ "propagationPolicy": "Sideways" }), 422, "propagationPolicy"),
            (json!({ "propagationPolicy": "Orphan", "orphanDependents": true }), 422, "propagationPolicy"),
            (json!({ "dryRun": ["Some"] }), 422, "dryRun"),
            (json!({ "preconditions": { "uid": 7 } }), 400, "preconditions.uid"),
            (json!({ "kind": "Device" }), 400, "a Device"),
            (json!([1]), 400, "DeleteOptions"),
        ] {
            let status = of_body(body).unwrap_err().to_value();
            assert_eq!(status["code"], code, "{status}");
            assert!(status["message"].as_str().unwrap().contains(field), "{status}");
        }
    }
}
