use std::fs;
use std::process::Stdio;
use std::time::Duration;

use fabrica::store::{EmbeddedStore, Page, Revision, Store, Transaction, WatchItem};
use serde_json::Value;

use super::apply::gadget_manifest;
use super::program::{Folder, Program, Signal, fails, gadget_with_data, well};

/// Without the versions, which each store gives anew.
fn without_versions(dump: &str) -> String {
    dump.split_inclusive('\n').filter(|line| !line.trim().starts_with("resourceVersion:")).collect()
}

/// Objects of a kind that the program doesn't know, with everything that an object may have.
const FOREIGN: &str = "\
---
apiVersion: elsewhere.example.io/v1beta1
kind: Widget
metadata:
  name: w
  namespace: lab
  uid: w-1
  resourceVersion: '70'
  generation: 7
  creationTimestamp: 2026-01-02T03:04:05.123456Z
  deletionTimestamp: 2026-01-03T00:00:00Z
  labels:
    a: 'no'
  annotations:
    example.io/note: |
      two lines: and a colon
      the second
  finalizers:
  - example.io/keeps-it
  ownerReferences:
  - apiVersion: gadgets.example.io/v1
    blockOwnerDeletion: true
    controller: true
    kind: Gadget
    name: gone
    uid: gone-1
spec:
  big: 18446744073709551615
  list: [1.5, '1', null, {}]
status:
  phase: ''
";

#[test]
fn a_dump_has_everything_and_loads_to_the_same_dump() {
    let folder = Folder::new("round");
    let (one, two, file) = (folder.at("one"), folder.at("two"), folder.at("dump.yaml"));
    folder.write("foreign.yaml", FOREIGN);
    let said = well(&["load", &folder.at("foreign.yaml"), "--data", &one]);
    assert!(said.ends_with("fabrica.db: 1 created, 0 overwritten, 0 unchanged\n"), "{said}");
    folder.write("m.yaml", &gadget_manifest("a", "wantedSize: 1"));
    let mut program = Program::start(gadget_with_data(&["run", "--data", &one, "--apply", &folder.at("m.yaml")]));
    program.wait_for("a has size 1");
    // The status is saved after that line, and before the end.
    program.signal(Signal::TERM);
    program.end();
    let dump = well(&["dump", "--data", &one]);
    assert!(dump.contains("observedGeneration: 1"), "{dump}");
    assert_eq!(well(&["dump", "--data", &one, "--out", &file]), "");
    assert_eq!(fs::read_to_string(&file).unwrap(), dump);

    assert!(well(&["load", &file, "--data", &two]).contains(": 3 created"));
    assert_eq!(without_versions(&well(&["dump", "--data", &two])), without_versions(&dump));
    // Once more: as after a load that was cut off.
    assert!(well(&["load", &file, "--data", &two]).contains(": 0 created, 0 overwritten, 3 unchanged"));
    let objects: Vec<Value> = dump.split("---\n").skip(1).map(|text| serde_saphyr::from_str(text).unwrap()).collect();
    let foreign: Value = serde_saphyr::from_str(FOREIGN).unwrap();
    let mut widget = objects.into_iter().find(|object| object["kind"] == "Widget").unwrap();
    widget["metadata"]["resourceVersion"] = "70".into();
    assert_eq!(widget, foreign);

    let mut program = Program::start(gadget_with_data(&["run", "--data", &two]));
    program.wait_for("a has size 1");
}

#[test]
fn every_fault_of_a_load_is_listed_and_nothing_is_loaded() {
    let folder = Folder::new("faults");
    let (data, file) = (folder.at("data"), folder.at("bad.yaml"));
    let object = |name: &str, uid: &str, rest: &str| {
        format!(
            "---\napiVersion: example.io/v1\nkind: Thing\nmetadata: {{name: {name}, uid: {uid}{rest}}}\nspec: {{}}\n"
        )
    };
    let good = object("good", "g", "");
    let bad = [
        good.clone(),
        object("twice", "g", ""),
        object("good", "h", ""),
        object("Bad_Name", "i", ", labels: {'-': x}"),
        object("number", "j", ", generation: many"),
        good.replace("uid: g", "labels: {}").replace("spec: {}", "spec: 1"),
        "---\nkind: a/b\nspec: {}\n".to_owned(),
    ];
    folder.write("bad.yaml", &bad.concat());
    let stderr = fails(&["load", &file, "--data", &data]);
    for (place, fault) in [
        ("document 2 (line 7): metadata.uid: ", "is that of the Thing twice"),
        ("document 3 (line 12): metadata.name: ", "document 1 (line 2)"),
        ("document 4 (line 17): metadata.name: ", "`Bad_Name`"),
        ("document 4 (line 17): metadata.labels[-]: ", "the key"),
        ("document 5 (line 22): metadata.generation: ", "many"),
        ("document 6 (line 27): metadata.uid: ", "is missing"),
        ("document 6 (line 27): spec: ", "is missing"),
        ("document 7 (line 32): apiVersion: ", "no group and version"),
        ("document 7 (line 32): kind: ", "`a/b` is no kind"),
        ("document 7 (line 32): metadata: ", "is missing"),
    ] {
        let line = stderr.lines().find(|line| line.contains(&format!("{file}, {place}")));
        assert!(line.is_some_and(|line| line.contains(fault)), "{place}{fault}:\n{stderr}");
    }
    assert_eq!(stderr.lines().count(), 11, "{stderr}");
    assert!(!fs::exists(folder.at("data/fabrica.db")).unwrap());
    folder.write("broken.yaml", "a: [\n---\nb: }\n");
    let stderr = fails(&["load", &folder.at("broken.yaml"), &folder.at("gone.yaml"), "--data", &data]);
    assert_eq!(stderr.matches("is no YAML").count(), 2, "{stderr}");
    assert!(stderr.contains("gone.yaml: is not there; give the path of a dump"), "{stderr}");

    folder.write("good.yaml", &good);
    assert!(well(&["load", &folder.at("good.yaml"), "--data", &data]).contains(": 1 created"));
}

#[test]
fn what_is_there_is_overwritten_only_when_that_is_asked_for() {
    let folder = Folder::new("overwrite");
    let data = folder.at("data");
    let object = |name: &str, uid: &str, size: u32| {
        format!(
            "---\napiVersion: example.io/v1\nkind: Thing\nmetadata: {{name: {name}, uid: u-{uid}}}\nspec: {{size: {size}}}\n"
        )
    };
    folder.write("old.yaml", &(object("a", "1", 1) + &object("b", "2", 1)));
    well(&["load", &folder.at("old.yaml"), "--data", &data]);
    let before = well(&["dump", "--data", &data]);
    folder.write("new.yaml", &(object("c", "3", 1) + &object("a-renamed", "1", 2) + &object("b", "2", 1)));
    let stderr = fails(&["load", &folder.at("new.yaml"), "--data", &data]);
    assert!(stderr.contains("document 2 (line 7): the store has the Thing a-renamed otherwise (uid u-1)"), "{stderr}");
    assert_eq!(well(&["dump", "--data", &data]), before, "nor what was new");
    let said = well(&["load", &folder.at("new.yaml"), "--overwrite", "--data", &data]);
    assert!(said.contains(": 1 created, 1 overwritten, 1 unchanged"), "{said}");
    // The old name is free, and the new one is not.
    folder.write("more.yaml", &object("a", "4", 1));
    assert!(well(&["load", &folder.at("more.yaml"), "--data", &data]).contains(": 1 created"));
    folder.write("more.yaml", &object("a-renamed", "5", 1));
    let stderr = fails(&["load", &folder.at("more.yaml"), "--overwrite", "--data", &data]);
    assert!(stderr.contains("another Thing a-renamed, with the uid u-1"), "{stderr}");
}

#[test]
fn a_load_that_is_killed_has_loaded_all_or_nothing() {
    let folder = Folder::new("killed");
    let (data, file) = (folder.at("data"), folder.at("many.yaml"));
    folder.write("foreign.yaml", FOREIGN);
    well(&["load", &folder.at("foreign.yaml"), "--data", &data]);
    let object = |number: u32| {
        FOREIGN.replace("uid: w-1", &format!("uid: m-{number}")).replace("name: w", &format!("name: m-{number}"))
    };
    folder.write("many.yaml", &(0..500).map(object).collect::<String>());
    let count = || well(&["dump", "--data", &data]).matches("kind: Widget").count();
    let mut outcomes = [0; 2];
    for round in 0..12 {
        let mut loading = gadget_with_data(&["load", &file, "--data", &data]).stdout(Stdio::null()).spawn().unwrap();
        // There is nothing to wait for: any moment will do.
        std::thread::sleep(Duration::from_millis(round * 60));
        loading.kill().unwrap();
        loading.wait().unwrap();
        match count() {
            1 => outcomes[0] += 1,
            501 => {
                outcomes[1] += 1;
                fs::remove_dir_all(&data).unwrap();
                well(&["load", &folder.at("foreign.yaml"), "--data", &data]);
            }
            some => panic!("{some} of 501 are there"),
        }
    }
    assert!(outcomes[0] > 0, "{outcomes:?}");
    assert!(well(&["load", &file, "--data", &data]).contains(": 500 created"));
    assert_eq!(count(), 501);
}

#[test]
fn a_load_needs_the_data_to_itself_and_a_dump_does_not() {
    let folder = Folder::new("busy");
    let data = folder.at("data");
    folder.write("foreign.yaml", FOREIGN);
    let mut command = gadget_with_data(&["run", "--data", &data]);
    command.env("WRITES", "1");
    let mut program = Program::start(command);
    program.wait_for("wrote 50");
    let stderr = fails(&["load", &folder.at("foreign.yaml"), "--data", &data]);
    assert!(stderr.contains("in use by the process"), "{stderr}");
    assert!(well(&["dump", "--data", &data]).contains("name: w-49\n"));
}

#[tokio::test]
async fn a_load_puts_the_revision_beyond_all_that_were_handed_out() {
    let folder = Folder::new("revision");
    let (data, file) = (folder.at("data"), folder.at("foreign.yaml"));
    folder.write("foreign.yaml", &FOREIGN.replace("'70'", "'5000000000'"));
    well(&["load", &file, "--data", &data]);
    let open = || EmbeddedStore::open(folder.path().join("data").join(EmbeddedStore::FILE_NAME)).unwrap();
    let first = {
        let store = open();
        for old in [0, 70, 5_000_000_000] {
            let mut watch = store.watch(&"o/".into(), Revision::new(old)).await.unwrap();
            assert!(matches!(watch.next().await, Some(WatchItem::Expired { .. })), "{old}");
        }
        let page = store.list(&"o/".into(), Page::all()).await.unwrap();
        assert!(page.revision > Revision::new(5_000_000_000) && page.entries.len() == 1);
        page.revision
    };
    // Nothing is new: nobody must list again.
    well(&["load", &file, "--data", &data]);
    assert_eq!(open().revision().await.unwrap(), first);
    folder.write("foreign.yaml", &FOREIGN.replace("uid: w-1", "uid: w-2").replace("name: w", "name: x"));
    well(&["load", &file, "--data", &data]);
    let mut watch = open().watch(&"o/".into(), first).await.unwrap();
    assert!(matches!(watch.next().await, Some(WatchItem::Expired { .. })));
    folder.write(
        "foreign.yaml",
        &FOREIGN
            .replace("'70'", &format!("'{}'", u64::MAX))
            .replace("name: w", "name: y")
            .replace("uid: w-1", "uid: w-3"),
    );
    well(&["load", &file, "--data", &data]);
    let written = open().txn(Transaction::new().put("x", "y")).await.unwrap();
    assert!(written > first);
}
