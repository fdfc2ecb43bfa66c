use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::program::{Folder, fails, gadget, output, well};

fn schemas(folder: &Folder, check: bool) -> (i32, String, String) {
    let mut command = gadget(&["schemas", "--out", folder.path().to_str().unwrap()]);
    if check {
        command.arg("--check");
    }
    output(command)
}

fn files(folder: &Folder) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder.path().join("gadgets.example.io")).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    entries.map(|path| (name(&path), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn schemas_are_written_as_files_of_their_groups_always_the_same() {
    let (one, two) = (Folder::new("schemas-1"), Folder::new("schemas-2"));
    for folder in [&one, &two] {
        let (code, _, stderr) = schemas(folder, false);
        assert_eq!((code, stderr.as_str()), (0, ""));
    }
    let written = files(&one);
    assert_eq!(written, files(&two));
    assert_eq!(written.keys().collect::<Vec<_>>(), ["gadget_v1.json", "part_v1.json"]);
    assert_eq!(fs::read_dir(one.path()).unwrap().count(), 1, "built-in kinds are nobody's schemas");
    let text = &written["gadget_v1.json"];
    assert!(text.ends_with("}\n") && text.starts_with("{\n  "));
    let schema: Value = serde_json::from_str(text).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    assert!(schema["properties"]["spec"].is_object());
}

#[test]
fn drift_is_listed_and_mended_by_the_command_that_it_names() {
    let folder = Folder::new("drift");
    schemas(&folder, false);
    assert_eq!(schemas(&folder, true).0, 0);
    folder.write("gadgets.example.io/gadget_v1.json", "{}");
    fs::remove_file(folder.path().join("gadgets.example.io/part_v1.json")).unwrap();
    folder.write("gadgets.example.io/gone_v1.json", "{}");
    folder.write("gadgets.example.io/README.md", "not a schema");
    folder.write("gadgets.example.io/notes.json", "{}");
    folder.write("others.example.io/other_v1.json", "{}");
    let (code, stdout, stderr) = schemas(&folder, true);
    assert_eq!((code, stdout.as_str()), (1, ""));
    for line in ["gadget_v1.json is different", "part_v1.json is missing", "gone_v1.json is stale"] {
        assert!(stderr.contains(line), "{stderr}");
    }
    assert!(!stderr.contains("README") && !stderr.contains("notes") && !stderr.contains("other_v1"), "{stderr}");
    assert!(stderr.contains(&format!("schemas --out {}", folder.path().display())), "{stderr}");
    assert_eq!(files(&folder)["gadget_v1.json"], "{}", "a check writes nothing");
    schemas(&folder, false);
    assert_eq!(schemas(&folder, true).0, 0);
    assert!(fs::exists(folder.path().join("others.example.io/other_v1.json")).unwrap());
    assert_eq!(files(&folder).len(), 4);
}

#[test]
fn crds_are_yaml_with_structural_schemas() {
    let (code, stdout, stderr) = output(gadget(&["crds"]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    let crds: Vec<Value> = serde_saphyr::from_str_multiple(&stdout).unwrap();
    let names: Vec<_> = crds.iter().map(|crd| crd["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["gadgets.gadgets.example.io", "parts.gadgets.example.io"]);
    for crd in &crds {
        assert_eq!(
            (&crd["apiVersion"], &crd["kind"]),
            (&"apiextensions.k8s.io/v1".into(), &"CustomResourceDefinition".into())
        );
        assert_structural(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "");
    }
    assert_eq!(crds[0]["spec"]["scope"], "Cluster");
    assert_eq!(crds[1]["spec"]["scope"], "Namespaced");
    assert_eq!(crds[0]["spec"]["versions"][0]["additionalPrinterColumns"][0]["jsonPath"], ".status.size");
}

/// Every field has a type, and nothing refers to anything.
fn assert_structural(schema: &Value, path: &str) {
    let open = schema["x-kubernetes-preserve-unknown-fields"] == true || schema["x-kubernetes-int-or-string"] == true;
    assert!(open || schema["type"].is_string(), "{path}: {schema}");
    assert!(schema.get("$ref").is_none() && schema.get("$defs").is_none(), "{path}: {schema}");
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        assert_structural(property, &format!("{path}.{name}"));
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            assert_structural(&schema[key], &format!("{path}[]"));
        }
    }
}

#[test]
fn the_graph_shows_kinds_reconcilers_and_watches() {
    let (code, stdout, stderr) = output(gadget(&["graph"]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    let expected = "flowchart LR
    kind0[\"Gadget<br/>gadgets.example.io/v1\"]
    kind1[\"Part<br/>gadgets.example.io/v1\"]
    reconciler0([\"fit_gadget\"])
    reconciler0 -->|reconciles| kind0
    kind1 -.->|wakes| reconciler0
";
    assert_eq!(stdout, expected);
}

#[test]
fn the_graph_shows_who_owns_whom_as_the_objects_do() {
    let folder = Folder::new("graph-owners");
    folder.write(
        "parts.yaml",
        "\
apiVersion: gadgets.example.io/v1
kind: Part
metadata:
  name: p
  namespace: default
  uid: p-1
  ownerReferences:
  - {apiVersion: gadgets.example.io/v1beta1, kind: Gadget, name: g, uid: g-1}
  - {apiVersion: elsewhere.example.io/v1, kind: Widget, name: w, uid: w-1}
spec: {}
",
    );
    let data = folder.at("data");
    well(&["load", &folder.at("parts.yaml"), "--data", &data]);
    let stdout = well(&["graph", "--owners", "--data", &data]);
    let owns: Vec<&str> = stdout.lines().filter(|line| line.contains("owns")).collect();
    assert_eq!(owns, ["    kind0 ==>|owns| kind1"], "{stdout}");

    let stderr = fails(&["graph", "--owners", "--data", &folder.at("nowhere")]);
    assert!(stderr.contains("there is no data in"), "{stderr}");
}

#[test]
fn check_prints_what_was_found_or_every_problem() {
    let (code, stdout, stderr) = output(gadget(&["check"]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("2 kinds and 1 reconciler fit together"), "{stdout}");
    assert!(stdout.contains("reconciler fit_gadget of Gadget at ") && stdout.contains("gadget.rs:"), "{stdout}");
    let mut command = gadget(&["check"]);
    command.env("WITHOUT_STATE", "1");
    let (code, stdout, stderr) = output(command);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("fit_gadget") && stderr.contains("State<"), "{stderr}");
}
