use std::fs;

use super::apply::gadget_manifest;
use super::program::{Folder, Program, Signal, gadget_with_data, output};

/// The program at work on the data folder `data` of a folder, with the manifests in `m`.
fn run(folder: &Folder) -> Program {
    Program::start(gadget_with_data(&["run", "--data", &folder.at("data"), "--apply", &folder.at("m")]))
}

#[test]
fn objects_outlive_the_program_however_it_ends() {
    let folder = Folder::new("outlive");
    folder.write("m/a.yaml", &gadget_manifest("a", "wantedSize: 1"));
    let mut program = run(&folder);
    program.wait_for("a has size 1");
    let line = program.wait_for("Objects are kept in ");
    assert!(line.contains(&folder.at("data/fabrica.db")), "{line}");
    program.signal(Signal::TERM);
    assert_eq!(program.end(), Some(0));
    for signal in [Signal::KILL, Signal::TERM] {
        // Without its manifest nobody but the data knows of it.
        let mut program = Program::start(gadget_with_data(&["run", "--data", &folder.at("data")]));
        program.wait_for("a has size 1");
        assert!(!program.has_seen("applied"), "{:#?}", program.seen);
        program.signal(signal);
        program.end();
    }
}

#[test]
fn a_document_that_went_while_the_program_was_down_deletes_its_object() {
    let folder = Folder::new("went");
    for name in ["a", "b", "c"] {
        folder.write(&format!("m/{name}.yaml"), &gadget_manifest(name, "wantedSize: 1"));
    }
    let mut program = run(&folder);
    program.wait_for("c has size 1");
    program.signal(Signal::KILL);
    program.end();
    fs::remove_file(folder.at("m/b.yaml")).unwrap();
    folder.write("m/c.yaml", &gadget_manifest("c", "wantedSize: 2"));
    let mut program = run(&folder);
    program.wait_for("applied gadget/c (changed)");
    program.wait_for("deleted gadget/b");
    program.wait_for("c has size 2");
    assert!(program.has_seen("applied gadget/a (unchanged)"), "{:#?}", program.seen);
}

#[test]
fn the_flag_goes_before_the_environment_and_both_before_the_default() {
    let folder = Folder::new("where");
    let kept_in = |command| {
        let mut program = Program::start(command);
        let line = program.wait_for("Objects are kept in ");
        program.wait_for("Starting reconciliation");
        line
    };
    let mut command = gadget_with_data(&["run"]);
    command.current_dir(folder.path());
    assert!(kept_in(command).contains(&folder.at("data/fabrica.db")));
    let mut command = gadget_with_data(&["run"]);
    command.env("FABRICA_DATA", folder.at("deep/in/there"));
    assert!(kept_in(command).contains(&folder.at("deep/in/there/fabrica.db")));
    let mut command = gadget_with_data(&["run", "--data", &folder.at("flag")]);
    command.env("FABRICA_DATA", folder.at("unused"));
    assert!(kept_in(command).contains(&folder.at("flag/fabrica.db")));
    assert!(!fs::exists(folder.at("unused")).unwrap());
}

#[test]
fn nothing_is_kept_in_memory_or_beside_a_store_of_the_programs_own() {
    let folder = Folder::new("nothing");
    let mut program = Program::start(gadget_with_data(&["run", "--memory", "--data", &folder.at("data")]));
    program.wait_for("Objects are kept in memory");
    program.wait_for("Starting reconciliation");
    let mut command = gadget_with_data(&["run", "--data", &folder.at("data")]);
    command.env("OWN_STORE", "1");
    let mut program = Program::start(command);
    program.wait_for("Starting reconciliation");
    assert!(!program.has_seen("Objects are kept in "), "{:#?}", program.seen);
    assert!(!fs::exists(folder.at("data")).unwrap());
}

#[test]
fn data_that_can_not_be_used_is_an_error_that_names_it_and_the_way_out() {
    let folder = Folder::new("unusable");
    let fails = |data: &str| {
        let (code, _, stderr) = output(gadget_with_data(&["run", "--data", &folder.at(data)]));
        assert_eq!(code, 1, "{stderr}");
        stderr
    };
    folder.write("file", "");
    let stderr = fails("file");
    assert!(stderr.contains(&folder.at("file")) && stderr.contains("--data DIR"), "{stderr}");
    folder.write("foreign/fabrica.db", "these are no objects, these are words");
    assert!(fails("foreign").contains(&folder.at("foreign/fabrica.db")));
    assert_eq!(fs::read_to_string(folder.at("foreign/fabrica.db")).unwrap(), "these are no objects, these are words");

    let mut program = Program::start(gadget_with_data(&["run", "--data", &folder.at("data")]));
    program.wait_for("Starting reconciliation");
    let stderr = fails("data");
    assert!(stderr.contains(&folder.at("data/fabrica.db")) && stderr.contains("in use by the process"), "{stderr}");
}
