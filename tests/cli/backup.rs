use std::collections::BTreeSet;
use std::fs;

use super::apply::gadget_manifest;
use super::program::{Folder, Program, Signal, fails, gadget_with_data, well};

#[test]
fn a_backup_under_load_is_of_one_moment_and_restores_to_that() {
    let folder = Folder::new("load");
    let (data, backup, other) = (folder.at("data"), folder.at("backup.db"), folder.at("other"));
    let mut command = gadget_with_data(&["run", "--data", &data]);
    command.env("WRITES", "1");
    let mut program = Program::start(command);
    program.wait_for("wrote 50");
    well(&["backup", &backup, "--data", &data]);
    program.wait_for("wrote 100");
    program.signal(Signal::KILL);
    program.end();

    // They were created one after the other: none may be missing before the last.
    let dump = well(&["dump", "--from", &backup]);
    let names: BTreeSet<u32> =
        dump.lines().filter_map(|line| line.trim().strip_prefix("name: w-")?.parse().ok()).collect();
    let count = u32::try_from(names.len()).unwrap();
    assert!(count >= 50 && names == (0..count).collect(), "{names:?}");

    let said = well(&["restore", &backup, "--data", &other]);
    assert!(said.contains(&format!("{other}/fabrica.db holds what {backup} holds")), "{said}");
    assert_eq!(well(&["dump", "--data", &other]), dump);
    let mut program = Program::start(gadget_with_data(&["run", "--data", &other]));
    program.wait_for(&format!("w-{} has size {}", count - 1, count - 1));
}

#[test]
fn a_restore_replaces_what_is_there_and_keeps_it_beside() {
    let folder = Folder::new("replace");
    let (data, backup) = (folder.at("data"), folder.at("backup.db"));
    let run_with = |size: &str| {
        folder.write("a.yaml", &gadget_manifest("a", &format!("wantedSize: {size}")));
        let mut program = Program::start(gadget_with_data(&["run", "--data", &data, "--apply", &folder.at("a.yaml")]));
        program.wait_for(&format!("a has size {size}"));
        program
    };
    drop(run_with("1"));
    well(&["backup", &backup, "--data", &data]);
    let before = well(&["dump", "--data", &data]);
    let mut program = run_with("2");
    let stderr = fails(&["restore", &backup, "--data", &data]);
    assert!(stderr.contains("in use by the process"), "{stderr}");
    program.signal(Signal::TERM);
    program.end();

    let after = well(&["dump", "--data", &data]);
    let said = well(&["restore", &backup, "--data", &data]);
    let (_, kept) = said.trim_end().split_once("what was there is in ").unwrap();
    assert_eq!(well(&["dump", "--data", &data]), before);
    assert_eq!(well(&["dump", "--from", kept]), after);
}

#[test]
fn a_wrong_file_is_named_and_changes_nothing() {
    let folder = Folder::new("wrong");
    let (data, text, gone) = (folder.at("data"), folder.at("text.db"), folder.at("gone.db"));
    folder.write("text.db", "these are no objects, these are words");
    folder.write("a.yaml", &gadget_manifest("a", "wantedSize: 1"));
    let mut program = Program::start(gadget_with_data(&["run", "--data", &data, "--apply", &folder.at("a.yaml")]));
    program.wait_for("a has size 1");
    program.signal(Signal::TERM);
    program.end();
    let before = well(&["dump", "--data", &data]);
    for wrong in [&text, &gone] {
        for args in [&["restore", wrong, "--data", &data][..], &["dump", "--from", wrong]] {
            let stderr = fails(args);
            assert!(stderr.contains(wrong.as_str()), "{args:?}: {stderr}");
            assert!(!stderr.contains(".tmp"), "it names a file that nobody knows of: {stderr}");
        }
    }
    assert_eq!(well(&["dump", "--data", &data]), before);
    let stderr = fails(&["backup", &text, "--data", &data]);
    assert!(stderr.contains(&text) && stderr.contains("exists already"), "{stderr}");
    assert_eq!(fs::read_to_string(&text).unwrap(), "these are no objects, these are words");

    for args in [&["backup", &gone][..], &["dump"]] {
        let nowhere = folder.at("nowhere");
        let stderr = fails(&[args, &["--data", &nowhere]].concat());
        assert!(
            stderr.contains(&format!("there is no data in {nowhere}")) && stderr.contains("--data DIR"),
            "{stderr}"
        );
        assert!(!fs::exists(nowhere).unwrap() && !fs::exists(&gone).unwrap());
        let stderr = fails(&[args, &["--data", &text]].concat());
        assert!(stderr.contains(&format!("{text}/fabrica.db can't be looked at: ")), "{stderr}");
        assert!(stderr.contains("--data DIR"), "{stderr}");
    }
    let stderr = fails(&["dump", "--data", &data, "--out", &folder.at("none/dump.yaml")]);
    assert!(stderr.contains(&format!("there is no folder {}; make it first", folder.at("none"))), "{stderr}");
}
