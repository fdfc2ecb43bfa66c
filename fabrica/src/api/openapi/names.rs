//! How schemas and operations are called: as Kubernetes calls them, since generators of clients build on it.

use crate::api::catalog::Served;

/// Where the schemas of the API's own types stand.
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// The name of the schema of a kind: `io.example.v1.Rack`.
pub(super) fn kind(served: &Served) -> String {
    let Served { group, version, kind, .. } = served;
    match *group {
        "" => format!("io.k8s.api.core.{version}.{kind}"),
        "events.k8s.io" => format!("io.k8s.api.events.{version}.{kind}"),
        group => {
            let reversed: Vec<&str> = group.rsplit('.').collect();
            format!("{}.{version}.{kind}", reversed.join("."))
        }
    }
}

/// The name of the schema of one of the API's own types.
pub(super) fn meta(name: &str) -> String {
    format!("{META}.{name}")
}

/// A reference to a schema.
pub(super) fn reference(name: &str) -> serde_json::Value {
    serde_json::json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// What the operations of a group and version are sorted under: `rackExampleIo_v1`.
pub(super) fn tag(group: &str, version: &str) -> String {
    let group = pascal(if group.is_empty() { "core" } else { group });
    let mut rest = group.chars();
    let first = rest.next().map(|first| first.to_ascii_lowercase());
    format!("{}{}_{version}", first.map(String::from).unwrap_or_default(), rest.as_str())
}

/// The part of an operation's name that says the group and version: `RackExampleIoV1`.
pub(super) fn of_version(group: &str, version: &str) -> String {
    format!("{}{}", pascal(if group.is_empty() { "core" } else { group }), pascal(version))
}

fn pascal(name: &str) -> String {
    let words = name.split(|separator: char| !separator.is_ascii_alphanumeric());
    words
        .map(|word| word.get(..1).map(str::to_ascii_uppercase).unwrap_or_default() + word.get(1..).unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubernetes() {
        assert_eq!(tag("", "v1"), "core_v1");
        assert_eq!(tag("rack.example.io", "v1beta1"), "rackExampleIo_v1beta1");
        assert_eq!(of_version("", "v1"), "CoreV1");
        assert_eq!(of_version("my-own.example.io", "v1alpha1"), "MyOwnExampleIoV1alpha1");
    }
}
