//! Discovery in parts: the groups, then the resources of each version.

use serde_json::{Value, json};

use crate::api::catalog::{Backing, Catalog, Served};
use crate::api::etag;

/// The versions of the core group.
pub(super) fn core() -> Value {
    json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })
}

/// All groups but the core group.
pub(super) fn groups(catalog: &Catalog) -> Value {
    let groups = catalog.groups();
    let groups = groups.iter().filter(|(group, _)| !group.is_empty());
    let groups: Vec<Value> = groups.map(|(group, versions)| group_value(group, versions)).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// One group; `None` if there is none of that name.
pub(super) fn group(catalog: &Catalog, group: &str) -> Option<Value> {
    let (name, versions) = catalog.groups().into_iter().find(|(name, _)| !name.is_empty() && *name == group)?;
    let mut value = group_value(name, &versions);
    value["kind"] = "APIGroup".into();
    value["apiVersion"] = "v1".into();
    Some(value)
}

/// The resources of a version; `None` if it has none.
pub(super) fn version(catalog: &Catalog, group: &str, version: &str) -> Option<Value> {
    let served: Vec<&Served> = catalog.of_version(group, version).collect();
    let group_version = served.first()?.api_version();
    let resources: Vec<Value> = served.into_iter().flat_map(resources).collect();
    Some(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    }))
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
    if let Some(hash) = storage_version_hash(served) {
        main["storageVersionHash"] = hash.into();
    }
    let mut all = vec![main];
    if let Some(verbs) = served.status_verbs() {
        all.push(json!({
            "name": format!("{}/status", served.plural),
            "singularName": "",
            "namespaced": served.namespaced,
            "kind": served.kind,
            "verbs": verbs,
        }));
    }
    all
}

/// Is equal for resources that are stored as the same kind in the same version.
fn storage_version_hash(served: &Served) -> Option<String> {
    let stored = match served.backing {
        Backing::Kind(_) => format!("{}/{}", served.api_version(), served.kind),
        Backing::Events(_) => "v1/Event".to_owned(),
        Backing::Nothing => return None,
    };
    Some(etag::hash(stored.as_bytes())[..16].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::sample::{Device, DeviceSpec, Plain};
    use crate::resource::{Namespace, Resource as _};

    fn catalog() -> Catalog {
        Catalog::new(&[Namespace::TYPE, Device::TYPE, Plain::<DeviceSpec>::TYPE])
    }

    #[test]
    fn a_group_names_its_versions_the_preferred_one_first() {
        let group = group(&catalog(), "example.io").unwrap();
        assert_eq!(
            group,
            json!({
                "kind": "APIGroup",
                "apiVersion": "v1",
                "name": "example.io",
                "preferredVersion": { "groupVersion": "example.io/v1", "version": "v1" },
                "versions": [
                    { "groupVersion": "example.io/v1", "version": "v1" },
                    { "groupVersion": "example.io/v1alpha1", "version": "v1alpha1" },
                ],
            })
        );
        let groups = groups(&catalog());
        let names: Vec<&Value> = groups["groups"].as_array().unwrap().iter().map(|group| &group["name"]).collect();
        assert_eq!(names, ["events.k8s.io", "example.io"], "the core group stands elsewhere");
        assert_eq!(super::group(&catalog(), ""), None);
        assert_eq!(super::group(&catalog(), "other.io"), None);
    }

    #[test]
    fn a_version_names_its_resources_and_their_subresources() {
        let version = version(&catalog(), "example.io", "v1").unwrap();
        assert_eq!(version["groupVersion"], "example.io/v1");
        let resources = version["resources"].as_array().unwrap();
        let [device, status] = resources.as_slice() else { panic!("{resources:?}") };
        assert_eq!(
            *device,
            json!({
                "name": "devices",
                "singularName": "device",
                "namespaced": false,
                "kind": "Device",
                "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                "shortNames": ["dev"],
                "categories": ["all"],
                "storageVersionHash": device["storageVersionHash"],
            })
        );
        assert_eq!(device["storageVersionHash"].as_str().unwrap().len(), 16);
        assert_eq!((&status["name"], &status["singularName"]), (&json!("devices/status"), &json!("")));
        assert_eq!(status["verbs"], json!(["get", "patch", "update"]));
        assert_eq!(super::version(&catalog(), "example.io", "v2"), None);
    }

    #[test]
    fn the_core_version_has_what_tools_look_for() {
        let version = version(&catalog(), "", "v1").unwrap();
        assert_eq!(version["groupVersion"], "v1");
        let names: Vec<&Value> = version["resources"].as_array().unwrap().iter().map(|entry| &entry["name"]).collect();
        assert_eq!(names, ["events", "namespaces", "namespaces/status", "services"]);
    }

    #[test]
    fn both_forms_of_the_events_are_stored_as_one_kind() {
        let hash = |group| version(&catalog(), group, "v1").unwrap()["resources"][0]["storageVersionHash"].clone();
        assert_eq!(hash(""), hash("events.k8s.io"));
        assert_ne!(hash(""), hash("example.io"));
    }
}
