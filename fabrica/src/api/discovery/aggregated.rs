//! Discovery in one document: all groups with all their resources.

use serde_json::{Value, json};

use crate::api::catalog::{Catalog, Served};

/// A version of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V2,
    V2Beta1,
}

impl Version {
    pub(super) fn parse(version: &str) -> Option<Self> {
        match version {
            "v2" => Some(Self::V2),
            "v2beta1" => Some(Self::V2Beta1),
            _ => None,
        }
    }

    /// Clients tell the forms of an answer apart by it.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::V2 => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            Self::V2Beta1 => "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        }
    }

    fn api_version(self) -> &'static str {
        match self {
            Self::V2 => "apidiscovery.k8s.io/v2",
            Self::V2Beta1 => "apidiscovery.k8s.io/v2beta1",
        }
    }
}

/// The core group.
pub(super) fn core(catalog: &Catalog, version: Version) -> Value {
    list(catalog, version, str::is_empty)
}

/// All groups but the core group.
pub(super) fn groups(catalog: &Catalog, version: Version) -> Value {
    list(catalog, version, |group| !group.is_empty())
}

fn list(catalog: &Catalog, version: Version, is_wanted: impl Fn(&str) -> bool) -> Value {
    let groups = catalog.groups();
    let groups = groups.iter().filter(|(group, _)| is_wanted(group));
    let items: Vec<Value> = groups.map(|(group, versions)| group_value(catalog, group, versions)).collect();
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": version.api_version(),
        "metadata": {},
        "items": items,
    })
}

fn group_value(catalog: &Catalog, group: &str, versions: &[&str]) -> Value {
    let version_value = |version: &&str| {
        let resources: Vec<Value> = catalog.of_version(group, version).map(resource).collect();
        json!({ "version": version, "resources": resources, "freshness": "Current" })
    };
    let versions: Vec<Value> = versions.iter().map(version_value).collect();
    // The core group has no name, and says so by an empty one.
    json!({ "metadata": { "name": group }, "versions": versions })
}

fn resource(served: &Served) -> Value {
    let kind = json!({ "group": served.group, "version": served.version, "kind": served.kind });
    let mut resource = json!({
        "resource": served.plural,
        "responseKind": kind,
        "scope": if served.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": served.singular,
        "verbs": served.verbs(),
    });
    if !served.short_names.is_empty() {
        resource["shortNames"] = served.short_names.into();
    }
    if !served.categories.is_empty() {
        resource["categories"] = served.categories.into();
    }
    if let Some(verbs) = served.status_verbs() {
        resource["subresources"] = json!([{ "subresource": "status", "responseKind": kind, "verbs": verbs }]);
    }
    resource
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
    fn the_groups_carry_all_their_resources() {
        let list = groups(&catalog(), Version::V2);
        assert_eq!(
            (&list["kind"], &list["apiVersion"]),
            (&json!("APIGroupDiscoveryList"), &json!("apidiscovery.k8s.io/v2"))
        );
        let group = &list["items"][1];
        assert_eq!(group["metadata"], json!({ "name": "example.io" }));
        let kind = json!({ "group": "example.io", "version": "v1", "kind": "Device" });
        assert_eq!(
            group["versions"][0],
            json!({
                "version": "v1",
                "freshness": "Current",
                "resources": [{
                    "resource": "devices",
                    "responseKind": kind,
                    "scope": "Cluster",
                    "singularResource": "device",
                    "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                    "shortNames": ["dev"],
                    "categories": ["all"],
                    "subresources": [
                        { "subresource": "status", "responseKind": kind, "verbs": ["get", "patch", "update"] },
                    ],
                }],
            })
        );
        let plain = &group["versions"][1]["resources"][0];
        assert_eq!((&plain["scope"], plain.get("subresources")), (&json!("Namespaced"), None));
    }

    #[test]
    fn the_core_group_stands_alone() {
        let list = core(&catalog(), Version::V2Beta1);
        assert_eq!(list["apiVersion"], "apidiscovery.k8s.io/v2beta1");
        let items = list["items"].as_array().unwrap();
        assert_eq!((items.len(), &items[0]["metadata"]["name"]), (1, &json!("")));
        let resources = items[0]["versions"][0]["resources"].as_array().unwrap();
        let names: Vec<&Value> = resources.iter().map(|resource| &resource["resource"]).collect();
        assert_eq!(names, ["events", "namespaces", "services"]);
    }
}
