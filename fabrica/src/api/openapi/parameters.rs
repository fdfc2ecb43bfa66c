//! The parameters of operations.

use serde_json::{Value, json};

struct Parameter {
    name: &'static str,
    kind: &'static str,
    /// Empty: any.
    values: &'static [&'static str],
    description: &'static str,
}

const fn parameter(name: &'static str, kind: &'static str, description: &'static str) -> Parameter {
    Parameter { name, kind, values: &[], description }
}

const fn one_of(name: &'static str, values: &'static [&'static str], description: &'static str) -> Parameter {
    Parameter { name, kind: "string", values, description }
}

const DRY_RUN: Parameter =
    one_of("dryRun", &["All"], "`All`: the request is checked and answered in full, and nothing is stored.");

const SELECT: [Parameter; 7] = [
    parameter("continue", "string", "The token of a list's `metadata.continue`: the next page, of the same version."),
    parameter("fieldSelector", "string", "Only objects whose fields have these values, as in `metadata.name=r1`."),
    parameter("labelSelector", "string", "Only objects with these labels, as in `tier=front,!canary`."),
    parameter("limit", "integer", "The most objects of one answer; a longer list goes on in `metadata.continue`."),
    parameter(
        "resourceVersion",
        "string",
        "Which version is wanted, as `resourceVersionMatch` says; unset: the latest.",
    ),
    one_of("resourceVersionMatch", &["NotOlderThan", "Exact"], "How `resourceVersion` is meant."),
    parameter("timeoutSeconds", "integer", "How long the answer may take; a watch ends by then."),
];

const WATCH: [Parameter; 3] = [
    parameter("allowWatchBookmarks", "boolean", "A watch may say now and then how far it has come, without an object."),
    parameter("sendInitialEvents", "boolean", "A watch starts with the objects that there are, and a bookmark."),
    parameter("watch", "boolean", "Instead of a list: a stream of changes from `resourceVersion` on, one a line."),
];

const WRITE: [Parameter; 3] = [
    DRY_RUN,
    parameter("fieldManager", "string", "Who writes; by default the first part of the header `User-Agent`."),
    one_of(
        "fieldValidation",
        &["Ignore", "Warn", "Strict"],
        "What is done about fields that the kind doesn't know: they are dropped, dropped with a warning in a header \
         (the default), or refused.",
    ),
];

const FORCE: Parameter =
    parameter("force", "boolean", "An apply takes fields that others own. For apply patches only.");

const DELETE: [Parameter; 4] = [
    DRY_RUN,
    parameter("gracePeriodSeconds", "integer", "Accepted, and without effect: an object goes with its last finalizer."),
    parameter("orphanDependents", "boolean", "The older way to say `propagationPolicy`: `true` is `Orphan`."),
    one_of(
        "propagationPolicy",
        &["Orphan", "Background", "Foreground"],
        "What becomes of what the object owns: it stays, goes after it (the default), or goes before it.",
    ),
];

/// The parameters of a verb.
pub(super) fn of_verb(verb: &str) -> Vec<Value> {
    let lists: Vec<&[Parameter]> = match verb {
        "list" => vec![&SELECT, &WATCH],
        "create" | "update" => vec![&WRITE],
        "patch" => vec![&WRITE, std::slice::from_ref(&FORCE)],
        "delete" => vec![&DELETE],
        "deletecollection" => vec![&DELETE, &SELECT],
        _ => vec![],
    };
    let mut all: Vec<&Parameter> = lists.into_iter().flatten().collect();
    all.sort_by_key(|parameter| parameter.name);
    all.into_iter().map(in_query).collect()
}

fn in_query(parameter: &Parameter) -> Value {
    let Parameter { name, kind, values, description } = parameter;
    let mut schema = json!({ "type": kind, "uniqueItems": true });
    if !values.is_empty() {
        schema["enum"] = (*values).into();
    }
    if *kind == "integer" {
        schema["format"] = "int64".into();
        schema["minimum"] = 0.into();
    }
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

/// The name of an object, in a path.
pub(super) fn name(kind: &str) -> Value {
    in_path("name", &format!("name of the {kind}"))
}

/// The namespace of an object, in a path.
pub(super) fn namespace() -> Value {
    in_path("namespace", "the namespace that is looked into")
}

fn in_path(name: &str, description: &str) -> Value {
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": { "type": "string", "uniqueItems": true },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_has_the_parameters_that_kubectl_looks_for() {
        let names: Vec<String> =
            of_verb("patch").iter().map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names, ["dryRun", "fieldManager", "fieldValidation", "force"]);
    }
}
