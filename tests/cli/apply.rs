use std::fs;

use super::program::{Folder, Program, Signal, gadget};

pub fn gadget_manifest(name: &str, spec: &str) -> String {
    format!("apiVersion: gadgets.example.io/v1\nkind: Gadget\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n")
}

fn part_manifest(name: &str, namespace: &str) -> String {
    format!(
        "apiVersion: gadgets.example.io/v1\nkind: Part\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{}}\n"
    )
}

fn run(folder: &Folder) -> Program {
    Program::start(gadget(&["run", "--apply", folder.path().to_str().unwrap()]))
}

#[test]
fn manifests_are_applied_at_the_start_and_whenever_they_change() {
    let folder = Folder::new("change");
    folder.write("a.yaml", &gadget_manifest("a", "wantedSize: 1"));
    folder.write("b.json", r#"{"apiVersion": "gadgets.example.io/v1", "kind": "Gadget", "metadata": {"name": "b"}, "spec": {"wantedSize": 2}}"#);
    let mut program = run(&folder);
    program.wait_for("applied gadget/a (created)");
    program.wait_for("applied gadget/b (created)");
    program.wait_for("Starting reconciliation");
    folder.write("a.yaml", &gadget_manifest("a", "wantedSize: 10"));
    program.wait_for("applied gadget/a (changed)");
    program.wait_for("a has size 10");
    folder.write("c.yml", &gadget_manifest("c", "wantedSize: 3"));
    program.wait_for("applied gadget/c (created)");
    fs::remove_file(folder.path().join("b.json")).unwrap();
    program.wait_for("deleted gadget/b");
    folder.write("a.yaml", &gadget_manifest("c2", "wantedSize: 4"));
    program.wait_for("deleted gadget/a");
    assert!(program.has_seen("applied gadget/c2 (created)"));
}

#[test]
fn a_bad_document_is_named_and_leaves_everything_else_applied() {
    let folder = Folder::new("bad");
    let good = |name: &str| gadget_manifest(name, "wantedSize: 1");
    let typo = gadget_manifest("b", "wantedSise: 1");
    let wrong = gadget_manifest("c", "wantedSize: many");
    folder.write("all.yaml", &format!("{}---\n{typo}---\n{wrong}---\nkind: [\n---\n{}", good("a"), good("z")));
    let mut program = run(&folder);
    program.wait_for("Starting reconciliation");
    assert!(program.has_seen("applied gadget/a (created)") && program.has_seen("applied gadget/z (created)"));
    let find = |text: &str| {
        program.seen.iter().find(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text}: {:#?}", program.seen))
    };
    let typo = find("spec.wantedSise: ");
    assert!(
        typo.contains("all.yaml, document 2 (line 6): gadget/b: ") && typo.contains("did you mean `wantedSize`"),
        "{typo}"
    );
    assert!(find("spec.wantedSize: is a string").contains("all.yaml, document 3 (line 11): gadget/c: "));
    assert!(find("is no YAML").contains("all.yaml, document 4 (line 16): "));
    // The program goes on, and the documents are applied as soon as they are right.
    folder.write("all.yaml", &good("b"));
    program.wait_for("applied gadget/b (created)");
    program.wait_for("deleted gadget/a");
    program.signal(Signal::TERM);
    assert_eq!(program.end(), Some(0));
}

#[test]
fn a_document_that_can_not_be_read_deletes_nothing() {
    let folder = Folder::new("unreadable");
    folder.write("a.yaml", &gadget_manifest("a", "wantedSize: 1"));
    folder.write("b.yaml", &gadget_manifest("b", "wantedSize: 1"));
    let mut program = run(&folder);
    program.wait_for("Starting reconciliation");
    folder.write("b.yaml", "kind: [");
    program.wait_for("nothing of it is deleted while part of it can't be read; without a document, but kept: gadget/b");
    fs::remove_file(folder.path().join("a.yaml")).unwrap();
    program.wait_for("but kept: gadget/a, gadget/b");
    assert!(!program.has_seen("deleted gadget"), "{:#?}", program.seen);
    folder.write("b.yaml", &gadget_manifest("b", "wantedSize: 2"));
    program.wait_for("applied gadget/b (changed)");
    program.wait_for("deleted gadget/a");
}

#[test]
fn a_folder_that_is_gone_deletes_nothing_and_is_applied_when_it_is_back() {
    let folder = Folder::new("gone");
    folder.write("m/a.yaml", &gadget_manifest("a", "wantedSize: 1"));
    let mut program = Program::start(gadget(&["run", "--apply", &folder.at("m")]));
    program.wait_for("Starting reconciliation");
    fs::rename(folder.at("m"), folder.at("elsewhere")).unwrap();
    program.wait_for("/m: is not there");
    folder.write("elsewhere/a.yaml", &gadget_manifest("a", "wantedSize: 2"));
    fs::rename(folder.at("elsewhere"), folder.at("m")).unwrap();
    program.wait_for("applied gadget/a (changed)");
    assert!(!program.has_seen("deleted gadget"), "{:#?}", program.seen);
}

#[test]
fn namespaces_are_applied_before_what_is_in_them_and_deleted_after() {
    let folder = Folder::new("namespaces");
    folder.write("a.yaml", &part_manifest("p", "lab"));
    folder.write("b.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: lab}\nspec: {}\n");
    let mut program = run(&folder);
    program.wait_for("applied namespace/lab (created)");
    program.wait_for("applied part/lab/p (created)");
    assert!(!program.has_seen("there is no namespace lab"), "{:#?}", program.seen);
    folder.write("c.yaml", &part_manifest("q", "nowhere"));
    let line = program.wait_for("part/nowhere/q: ");
    assert!(line.contains("there is no namespace nowhere"), "{line}");
    // What failed is tried again by itself when that is why it failed.
    folder.write("d.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: nowhere}\nspec: {}\n");
    program.wait_for("applied part/nowhere/q (created)");
    for file in ["a.yaml", "b.yaml"] {
        fs::remove_file(folder.path().join(file)).unwrap();
    }
    program.wait_for("deleted part/lab/p");
    program.wait_for("deleted namespace/lab");
}

#[test]
fn an_unknown_kind_is_an_error_that_names_the_known_ones() {
    let folder = Folder::new("kind");
    folder.write("a.yaml", &gadget_manifest("a", "wantedSize: 1").replace("Gadget", "Gadgte"));
    let line = run(&folder).wait_for("this program has no kind");
    assert!(line.contains("`Gadgte` (did you mean `Gadget`?); it has "), "{line}");
    assert!(line.contains("Part (gadgets.example.io/v1)"), "{line}");
}
