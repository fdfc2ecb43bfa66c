//! The paths of a resource, and what can be done at each.

use serde_json::{Map, Value, json};

use super::{names, parameters};
use crate::api::catalog::Served;

/// What an error of each code means.
const ERRORS: [(u16, &str); 13] = [
    (400, "A part of the request is wrong."),
    (403, "This is not done to this object, whoever asks."),
    (404, "There is no such object."),
    (406, "The answer is wanted in a form that there is not."),
    (408, "The body did not arrive in time."),
    (409, "The object is there already, or has changed since it was read."),
    (410, "The version that is asked for is not kept any more."),
    (413, "The request is too large."),
    (415, "The body is in a form that is not taken."),
    (422, "The object would not be valid."),
    (429, "There are too many requests."),
    (503, "The store can't be reached."),
    (504, "The outcome is not known in time."),
];

/// What holds for every request.
const ALWAYS: [u16; 5] = [400, 406, 429, 503, 504];
/// What holds for every request with a body.
const WITH_BODY: [u16; 4] = [408, 413, 415, 422];

/// All paths of a resource.
pub(super) fn of(served: &Served) -> Map<String, Value> {
    let Served { group, version, plural, kind, namespaced, .. } = served;
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let (prefix, place) = if *namespaced {
        (format!("{root}/namespaces/{{namespace}}/{plural}"), "Namespaced")
    } else {
        (format!("{root}/{plural}"), "")
    };
    let mut paths = Map::new();
    let mut add = |path: String, ids: [&str; 2], verbs: &[&str], has_name: bool| {
        let [place, suffix] = ids;
        let mut item = Map::new();
        for verb in verbs.iter().filter(|verb| served.verbs().contains(verb)) {
            item.insert(method(verb).to_owned(), operation(served, verb, place, suffix));
        }
        if item.is_empty() {
            return;
        }
        let mut in_path = Vec::new();
        if has_name {
            in_path.push(parameters::name(kind));
        }
        if path.contains("{namespace}") {
            in_path.push(parameters::namespace());
        }
        if !in_path.is_empty() {
            item.insert("parameters".to_owned(), in_path.into());
        }
        paths.insert(path, item.into());
    };
    if *namespaced {
        add(format!("{root}/{plural}"), ["", "ForAllNamespaces"], &["list"], false);
    }
    add(prefix.clone(), [place, ""], &["list", "create", "deletecollection"], false);
    add(format!("{prefix}/{{name}}"), [place, ""], &["get", "update", "patch", "delete"], true);
    if let Some(verbs) = served.status_verbs() {
        add(format!("{prefix}/{{name}}/status"), [place, "Status"], verbs, true);
    }
    paths
}

/// The path of a version itself: its resources.
pub(super) fn of_version(group: &str, version: &str) -> (String, Value) {
    let path = if group.is_empty() { format!("/api/{version}/") } else { format!("/apis/{group}/{version}/") };
    let list = names::reference(&names::meta("APIResourceList"));
    let operation = json!({
        "tags": [names::tag(group, version)],
        "description": "the resources of the version",
        "operationId": format!("get{}APIResources", names::of_version(group, version)),
        "responses": responses(&[200], &list, &[406]),
    });
    (path, json!({ "get": operation }))
}

fn method(verb: &str) -> &'static str {
    match verb {
        "create" => "post",
        "update" => "put",
        "patch" => "patch",
        "delete" | "deletecollection" => "delete",
        _ => "get",
    }
}

fn operation(served: &Served, verb: &str, place: &str, suffix: &str) -> Value {
    let Served { group, version, kind, .. } = served;
    let one = names::reference(&names::kind(served));
    let list = names::reference(&format!("{}List", names::kind(served)));
    let status = names::reference(&names::meta("Status"));
    let part = if suffix == "Status" { "the status of " } else { "" };
    // The word for it in the operation's name, what it does, and what it answers.
    let (word, action, description, codes, answer): (&str, &str, _, &[u16], Value) = match verb {
        "list" => ("list", "list", format!("list or watch objects of kind {kind}"), &[200], list),
        "create" => ("create", "post", format!("create a {kind}"), &[200, 201, 202], one),
        "update" => ("replace", "put", format!("replace {part}a {kind}"), &[200, 201], one),
        "patch" => ("patch", "patch", format!("change some of {part}a {kind}"), &[200, 201], one),
        "delete" => ("delete", "delete", format!("delete a {kind}"), &[200, 202], json!({ "anyOf": [one, status] })),
        "deletecollection" => (
            "deleteCollection",
            "deletecollection",
            format!("delete a collection of {kind}"),
            &[200],
            json!({ "anyOf": [list, status] }),
        ),
        _ => ("read", "get", format!("read {part}a {kind}"), &[200], one),
    };
    let mut errors = ALWAYS.to_vec();
    let body = body(served, verb);
    if body.is_some() {
        errors.extend(WITH_BODY);
    }
    errors.extend_from_slice(match verb {
        "list" => &[410, 422],
        "create" | "update" | "patch" | "delete" => &[403, 404, 409],
        "deletecollection" => &[403, 409, 410],
        _ => &[404],
    });
    let mut operation = json!({
        "tags": [names::tag(group, version)],
        "description": description,
        "operationId": format!("{word}{}{place}{kind}{suffix}", names::of_version(group, version)),
        "responses": responses(codes, &answer, &errors),
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": { "group": group, "version": version, "kind": kind },
    });
    let parameters = parameters::of_verb(verb);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = body {
        operation["requestBody"] = body;
    }
    if verb == "list"
        && let Some(content) = operation["responses"]["200"]["content"].as_object_mut()
    {
        let event = names::reference(&names::meta("WatchEvent"));
        content.insert("application/json;stream=watch".to_owned(), json!({ "schema": event }));
    }
    operation
}

fn body(served: &Served, verb: &str) -> Option<Value> {
    let json = |schema: Value| json!({ "application/json": { "schema": schema } });
    match verb {
        "create" | "update" => {
            Some(json!({ "required": true, "content": json(names::reference(&names::kind(served))) }))
        }
        "delete" | "deletecollection" => {
            Some(json!({ "content": json(names::reference(&names::meta("DeleteOptions"))) }))
        }
        "patch" => Some(json!({
            "required": true,
            "content": {
                "application/json-patch+json": { "schema": names::reference(&names::meta("JSONPatch")) },
                "application/merge-patch+json": { "schema": names::reference(&names::meta("Patch")) },
            },
        })),
        _ => None,
    }
}

fn responses(codes: &[u16], schema: &Value, errors: &[u16]) -> Value {
    let mut all = Map::new();
    for code in codes {
        let description = match code {
            201 => "Created",
            202 => "Accepted",
            _ => "OK",
        };
        all.insert(code.to_string(), answer(description, schema));
    }
    let status = names::reference(&names::meta("Status"));
    for (code, description) in ERRORS.iter().filter(|(code, _)| errors.contains(code)) {
        all.insert(code.to_string(), answer(description, &status));
    }
    all.into()
}

fn answer(description: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::catalog::Catalog;
    use crate::resource::sample::{Device, DeviceSpec, Plain};
    use crate::resource::{Namespace, Resource as _};

    fn paths(group: &str, version: &str, plural: &str) -> Map<String, Value> {
        let catalog = Catalog::new(&[Namespace::TYPE, Device::TYPE, Plain::<DeviceSpec>::TYPE]);
        of(catalog.find(group, version, plural).unwrap())
    }

    /// The methods at each path.
    fn methods(paths: &Map<String, Value>) -> Vec<(&str, Vec<&str>)> {
        let methods = |item: &'static str, value: &Value| value.get(item).map(|_| item);
        paths
            .iter()
            .map(|(path, item)| {
                let all = ["get", "post", "put", "patch", "delete"];
                (path.as_str(), all.into_iter().filter_map(|method| methods(method, item)).collect())
            })
            .collect()
    }

    #[test]
    fn a_resource_of_the_whole_has_three_paths() {
        assert_eq!(
            methods(&paths("example.io", "v1", "devices")),
            [
                ("/apis/example.io/v1/devices", vec!["get", "post", "delete"]),
                ("/apis/example.io/v1/devices/{name}", vec!["get", "put", "patch", "delete"]),
                ("/apis/example.io/v1/devices/{name}/status", vec!["get", "put", "patch"]),
            ]
        );
    }

    #[test]
    fn a_resource_of_namespaces_is_listed_over_all_of_them_too() {
        let paths = paths("example.io", "v1alpha1", "plains");
        assert_eq!(
            methods(&paths),
            [
                ("/apis/example.io/v1alpha1/namespaces/{namespace}/plains", vec!["get", "post", "delete"]),
                (
                    "/apis/example.io/v1alpha1/namespaces/{namespace}/plains/{name}",
                    vec!["get", "put", "patch", "delete"]
                ),
                ("/apis/example.io/v1alpha1/plains", vec!["get"]),
            ]
        );
        let one = &paths["/apis/example.io/v1alpha1/namespaces/{namespace}/plains/{name}"];
        assert_eq!(
            (&one["parameters"][0]["name"], &one["parameters"][1]["name"]),
            (&json!("name"), &json!("namespace"))
        );
    }

    #[test]
    fn what_is_only_looked_at_can_not_be_written() {
        assert_eq!(
            methods(&paths("", "v1", "services")),
            [
                ("/api/v1/namespaces/{namespace}/services", vec!["get"]),
                ("/api/v1/namespaces/{namespace}/services/{name}", vec!["get"]),
                ("/api/v1/services", vec!["get"]),
            ]
        );
    }

    #[test]
    fn an_operation_says_its_kind_and_action() {
        let paths = paths("", "v1", "namespaces");
        let patch = &paths["/api/v1/namespaces/{name}/status"]["patch"];
        assert_eq!(patch["operationId"], "patchCoreV1NamespaceStatus");
        assert_eq!(patch["x-kubernetes-action"], "patch");
        let kind = json!({ "group": "", "version": "v1", "kind": "Namespace" });
        assert_eq!(patch["x-kubernetes-group-version-kind"], kind);
        assert!(patch["parameters"].as_array().unwrap().iter().any(|parameter| parameter["name"] == "fieldValidation"));
        let list = &paths["/api/v1/namespaces"]["get"];
        assert_eq!(
            (&list["operationId"], &list["x-kubernetes-action"]),
            (&json!("listCoreV1Namespace"), &json!("list"))
        );
    }
}
