//! What there is: groups, versions, and the resources of each.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::app::Api;
use super::catalog::Served;
use super::reply;

/// `/api`.
pub(super) async fn core(State(_): State<Arc<Api>>, _: HeaderMap) -> Response {
    reply::json(StatusCode::OK, &json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] }))
}

/// `/apis`.
pub(super) async fn groups(State(api): State<Arc<Api>>, _: HeaderMap) -> Response {
    let groups: Vec<Value> =
        api.catalog.groups().iter().map(|(group, versions)| group_value(group, versions)).collect();
    reply::json(StatusCode::OK, &json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
}

/// `/apis/<group>`.
pub(super) fn group(api: &Api, group: &str) -> Response {
    let Some((name, versions)) = api.catalog.groups().into_iter().find(|(name, _)| *name == group) else {
        return reply::no_such_path();
    };
    let mut value = group_value(name, &versions);
    value["kind"] = "APIGroup".into();
    value["apiVersion"] = "v1".into();
    reply::json(StatusCode::OK, &value)
}

/// `/api/v1`, `/apis/<group>/<version>`.
pub(super) fn version(api: &Api, group: &str, version: &str) -> Response {
    let resources: Vec<Value> = api.catalog.of_version(group, version).flat_map(resources).collect();
    if resources.is_empty() {
        return reply::no_such_path();
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let list = json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    });
    reply::json(StatusCode::OK, &list)
}

fn group_value(group: &str, versions: &[&str]) -> Value {
    let of = |version: &&str| json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    let all: Vec<Value> = versions.iter().map(of).collect();
    json!({ "name": group, "preferredVersion": all.first(), "versions": all })
}

fn resources(served: &Served) -> Vec<Value> {
    let mut main = json!({
        "name": served.plural,
        "singularName": served.singular,
        "namespaced": served.namespaced,
        "kind": served.kind,
        "verbs": served.verbs(),
    });
    if !served.short_names.is_empty() {
        main["shortNames"] = served.short_names.into();
    }
    if !served.categories.is_empty() {
        main["categories"] = served.categories.into();
    }
    let mut all = vec![main];
    if served.has_status() {
        all.push(json!({
            "name": format!("{}/status", served.plural),
            "singularName": "",
            "namespaced": served.namespaced,
            "kind": served.kind,
            "verbs": ["get", "patch", "update"],
        }));
    }
    all
}
