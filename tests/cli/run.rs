use super::program::{Program, Signal, gadget, output};

#[test]
fn a_signal_ends_it_with_its_hooks_and_exit_code_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut program = Program::start(gadget(&["run"]));
        program.wait_for("Starting reconciliation controller with 7 workers");
        assert!(program.has_seen("on_start: 2 kinds"));
        program.signal(signal);
        program.wait_for("Stopping on SIG");
        assert_eq!(program.end(), Some(0));
        assert!(program.has_seen("on_stop: 0 runs"));
    }
}

#[test]
fn a_second_signal_ends_it_at_once_with_exit_code_1() {
    let folder = super::program::Folder::new("second");
    folder.write("a.yaml", &super::apply::gadget_manifest("a", "wantedSize: 1, note: hang"));
    let mut program = Program::start(gadget(&["run", "--apply", &folder.at("a.yaml"), "--grace", "10m"]));
    program.wait_for("a hangs");
    program.signal(Signal::INT);
    program.wait_for("Stopping on SIGINT");
    program.signal(Signal::TERM);
    assert_eq!(program.end(), Some(1));
    assert!(!program.has_seen("on_stop"));
}

#[test]
fn the_echo_of_a_signal_is_no_second_one() {
    let folder = super::program::Folder::new("echo");
    folder.write("a.yaml", &super::apply::gadget_manifest("a", "wantedSize: 1, note: hang"));
    let mut program = Program::start(gadget(&["run", "--apply", &folder.at("a.yaml"), "--grace", "2s"]));
    program.wait_for("a hangs");
    program.signal(Signal::INT);
    program.signal(Signal::INT);
    assert_eq!(program.end(), Some(0));
    assert!(program.has_seen("on_stop: 1 runs"));
}

#[test]
fn a_run_that_does_not_end_is_cancelled_after_the_grace_period() {
    let folder = super::program::Folder::new("grace");
    folder.write("a.yaml", &super::apply::gadget_manifest("a", "wantedSize: 1, note: hang"));
    let mut program = Program::start(gadget(&["run", "--apply", &folder.at("a.yaml"), "--grace", "10ms"]));
    program.wait_for("a hangs");
    program.signal(Signal::TERM);
    assert_eq!(program.end(), Some(0));
    assert!(program.has_seen("on_stop: 1 runs"));
}

#[test]
fn flags_go_before_the_environment_and_both_before_what_the_program_sets() {
    let mut command = gadget(&["run", "--workers", "3"]);
    command.env("FABRICA_WORKERS", "5").env("FABRICA_LOG", "info");
    Program::start(command).wait_for("with 3 workers");
    let mut command = gadget(&["run"]);
    command.env("FABRICA_WORKERS", "5");
    Program::start(command).wait_for("with 5 workers");
    let mut command = gadget(&["run", "--log", "error", "--apply", "no-such-folder"]);
    command.env("FABRICA_LOG", "debug");
    let mut program = Program::start(command);
    program.wait_for("no-such-folder: is not there");
    assert_eq!(program.seen.len(), 1, "{:?}", program.seen);
}

#[test]
fn wrong_usage_is_exit_code_2_and_help_states_every_default() {
    for args in [&["run", "--workers", "0"][..], &["run", "--grace", "30"], &["rum"], &[], &["--log", "a=b=c", "check"]]
    {
        let (code, _, stderr) = output(gadget(args));
        assert_eq!(code, 2, "{args:?}: {stderr}");
        assert!(stderr.contains("--help"), "{stderr}");
    }
    for command in ["run", "backup", "restore", "dump", "load", "schemas", "kubeconfig"] {
        let (code, help, _) = output(gadget(&[command, "--help"]));
        assert_eq!(code, 0);
        let options = help.split("\n  -").skip(1).filter(|option| !option.contains("--help"));
        for option in options {
            let stated = option.contains("[default: ") || option.contains("Without this");
            // A flag that is not given is off.
            assert!(stated || option.starts_with("-check"), "{command}: {option}");
        }
        if !["schemas", "kubeconfig"].contains(&command) {
            assert!(help.contains("--data <DIR>") && help.contains("[env: FABRICA_DATA=]"), "{help}");
            assert!(help.contains("[default: data]"), "{help}");
        }
    }
    let (_, help, _) = output(gadget(&["run", "--help"]));
    for variable in ["FABRICA_WORKERS", "FABRICA_GRACE", "FABRICA_APPLY", "FABRICA_MEMORY"] {
        assert!(help.contains(variable), "{help}");
    }
}

#[test]
fn a_program_that_can_not_start_says_why_and_exits_with_1() {
    let mut command = gadget(&["run"]);
    command.env("WITHOUT_STATE", "1");
    let (code, _, stderr) = output(command);
    assert_eq!(code, 1);
    assert!(stderr.contains("error: ") && stderr.contains("State<") && stderr.contains("gadget.rs:"), "{stderr}");
}

#[test]
fn a_kubeconfig_leads_to_what_is_served() {
    let config = super::program::well(&["kubeconfig", "--listen", "localhost:81"]);
    assert!(
        config.contains("server: http://127.0.0.1:81\n") && config.contains("current-context: gadget\n"),
        "{config}"
    );
    let config = super::program::well(&["kubeconfig", "--server", "https://racks.example"]);
    assert!(config.contains("server: https://racks.example\n"), "{config}");
    assert!(super::program::fails(&["kubeconfig", "--listen", "unix:/x"]).contains("curl --unix-socket"));
}
