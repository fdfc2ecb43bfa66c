//! The supervisor as people run it: real processes, real signals, manifests in a folder.
#![cfg(target_os = "linux")] // what runs is looked up in `/proc`
#![allow(clippy::unwrap_used)] // a helper that fails fails its test

#[path = "../built.rs"]
mod built;

mod adoption;
mod harness;
mod proc;

use std::time::Duration;

use harness::{Manifest, Signal, Supervisor, number_after, signal};
use proc::Proc;

#[test]
fn a_killed_process_is_started_again_after_its_pause() {
    let mut supervisor = Supervisor::start(&[Manifest::sleep("victim").restart("{backoffSeconds: 1}")]);
    let first = supervisor.running("victim");
    signal(first.pid, Signal::KILL);
    let ended = supervisor.wait_for("victim is BackingOff: ended by signal 9, starts again 1s later");
    let second = supervisor.running("victim");
    assert!(!first.exists() && second.exists());
    assert_ne!(first, second);
    let pause = second.seen.duration_since(ended.seen);
    assert!(pause >= Duration::from_millis(900), "{pause:?}");
}

#[test]
fn pauses_double_while_a_process_crashes() {
    let crasher = Manifest::shell("crasher", "exit 3").restart("{backoffSeconds: 1, policy: OnFailure}");
    let mut supervisor = Supervisor::start(&[crasher]);
    supervisor.wait_for("crasher is BackingOff: ended with code 3, starts again 1s later");
    supervisor.wait_for("crasher is BackingOff: ended with code 3, starts again 2s later");
    supervisor.wait_for("crasher is BackingOff: ended with code 3, starts again 4s later");
}

#[test]
fn a_process_follows_its_manifest_to_stopped_and_back() {
    let mut supervisor = Supervisor::start(&[Manifest::sleep("lamp")]);
    let first = supervisor.running("lamp");
    supervisor.write(&Manifest::sleep("lamp").stopped());
    supervisor.wait_for("lamp is Stopping: SIGTERM");
    supervisor.wait_for("lamp is Stopped: ended by signal 15");
    assert!(!first.exists());
    supervisor.write(&Manifest::sleep("lamp"));
    assert!(supervisor.running("lamp").exists());
}

#[test]
fn a_process_that_is_deaf_to_sigterm_is_killed_after_its_grace() {
    let script = "trap '' TERM; echo deaf; while true; do sleep 1; done";
    let deaf = Manifest::shell("deaf", script).grace(1);
    let mut supervisor = Supervisor::start(std::slice::from_ref(&deaf));
    let proc = supervisor.running("deaf");
    supervisor.wait_for("deaf | deaf");
    supervisor.write(&deaf.stopped());
    let told = supervisor.wait_for("deaf is Stopping: SIGTERM");
    let ended = supervisor.wait_for("deaf is Stopped: ended by signal 9");
    let took = ended.seen.duration_since(told.seen);
    assert!(took >= Duration::from_millis(900), "{took:?}");
    assert!(!proc.exists());
}

#[test]
fn a_process_goes_with_its_document_and_no_other_does() {
    let mut supervisor = Supervisor::start(&[Manifest::sleep("stays"), Manifest::sleep("goes")]);
    let (stays, goes) = (supervisor.running("stays"), supervisor.running("goes"));
    supervisor.remove("goes");
    supervisor.wait_for("goes is removed");
    goes.wait_until_gone();
    assert!(stays.exists());
}

#[test]
fn a_change_of_the_program_starts_it_anew_and_another_change_does_not() {
    let script = "echo \"it says $WORD\"; exec sleep 1000";
    let mut supervisor = Supervisor::start(&[Manifest::shell("echo", script).env("WORD", "one")]);
    let first = supervisor.running("echo");
    supervisor.wait_for("echo | it says one");
    supervisor.write(&Manifest::shell("echo", script).env("WORD", "two"));
    let second = supervisor.running("echo");
    supervisor.wait_for("echo | it says two");
    assert!(!first.exists() && first != second);

    // A marker says when the supervisor has seen the folder's next state.
    supervisor.write(&Manifest::shell("echo", script).env("WORD", "two").grace(3));
    supervisor.write(&Manifest::sleep("marker"));
    supervisor.running("marker");
    supervisor.end(Signal::TERM);
    let starts = supervisor.lines().iter().filter(|line| line.contains("echo is Running: pid")).count();
    assert_eq!(starts, 2, "{}", supervisor.log());
}

#[test]
fn a_missing_command_is_said_and_started_when_it_is_mended() {
    let mut supervisor = Supervisor::start(&[Manifest::new("ghost", "/nowhere/to/be/found", &[])]);
    supervisor.wait_for("ghost is Failed: `/nowhere/to/be/found` can't be started: No such file or directory");
    supervisor.write(&Manifest::sleep("ghost"));
    assert!(supervisor.running("ghost").exists());
}

#[test]
fn what_a_process_started_goes_with_it() {
    let script = "sleep 1000 & echo \"child $!\"; wait";
    let mut supervisor = Supervisor::start(&[Manifest::shell("parent", script)]);
    let parent = supervisor.running("parent");
    let line = supervisor.wait_for("parent | child ");
    let child = Proc::of(number_after(&line.text, "parent | child "));
    signal(parent.pid, Signal::KILL);
    child.wait_until_gone();
}

#[test]
fn a_process_that_prints_much_is_not_held_up() {
    let script = "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo done; exec sleep 1000";
    let mut supervisor = Supervisor::start(&[Manifest::shell("chatty", script)]);
    supervisor.wait_for("chatty | done");
    assert!(supervisor.lines().iter().all(|line| line.len() < 10_000));
}

#[test]
fn sigterm_and_sigint_end_all_processes_and_then_the_supervisor() {
    for end in [Signal::TERM, Signal::INT] {
        let script = "trap '' TERM; sleep 1000 & while true; do sleep 1; done";
        let deaf = Manifest::shell("deaf", script).grace(1);
        let crashing = Manifest::shell("crashing", "exit 1").restart("{backoffSeconds: 60}");
        let mut supervisor = Supervisor::start(&[Manifest::sleep("a"), Manifest::sleep("b"), deaf, crashing]);
        supervisor.wait_for("crashing is BackingOff");
        let procs = ["a", "b", "deaf"].map(|name| supervisor.running(name));
        let code = supervisor.end(end);
        assert_eq!(code, Some(0), "{end:?}\n{}", supervisor.log());
        assert!(procs.iter().all(|proc| !proc.exists()), "{end:?}\n{}", supervisor.log());
        assert!(procs.iter().all(|proc| Proc::group(proc.pid).is_empty()), "{end:?}\n{}", supervisor.log());
    }
}

#[test]
fn a_new_grace_holds_without_a_new_start() {
    let script = "trap '' TERM; while true; do sleep 1; done";
    let mut supervisor = Supervisor::start(&[Manifest::shell("deaf", script).grace(1000)]);
    let first = supervisor.running("deaf");
    supervisor.write(&Manifest::shell("deaf", script).grace(1));
    // Applied after the change, and seen to be.
    supervisor.write(&Manifest::sleep("marker"));
    supervisor.running("marker");
    assert!(first.exists());
    assert_eq!(supervisor.end(Signal::TERM), Some(0), "{}", supervisor.log());
    assert!(!first.exists());
}

#[test]
fn there_are_never_two_processes_for_one_object() {
    let script = "echo \"round $ROUND pid $$\"; exec sleep 31415926";
    let manifest = |round: &str| Manifest::shell("single", script).env("ROUND", round).restart("{backoffSeconds: 0}");
    let mut supervisor = Supervisor::start(&[manifest("first")]);
    let watch = Proc::watch("sleep 31415926");
    supervisor.wait_for("single | round first");
    for round in 0..5 {
        let round = round.to_string();
        supervisor.write(&manifest(&round));
        let message = format!("single | round {round} pid ");
        for _ in 0..3 {
            signal(number_after(&supervisor.wait_for(&message).text, &message), Signal::KILL);
        }
        supervisor.wait_for(&message);
        // A change that needs no new start is one more reconcile while it runs.
        supervisor.write(&manifest(&round).grace(20));
        let marker = format!("marker-{round}");
        supervisor.write(&Manifest::sleep(&marker));
        supervisor.running(&marker);
        for _ in 0..3 {
            supervisor.write(&manifest(&round).stopped());
            supervisor.write(&manifest("between"));
        }
    }
    assert_eq!(watch.most(), 1);
}

#[test]
fn the_shipped_manifests_do_what_their_comments_say() {
    let mut supervisor = Supervisor::of_folder(&built::root().join("examples/supervisor"));
    for message in [
        "clock is Running: pid",
        "crasher is Running: pid",
        "crasher is BackingOff: ended with code 1, starts again 1s later",
        "sleeper is Stopped: was not started",
        "greeter | Hello from /tmp",
        "greeter is Completed: ended with code 0",
        "stubborn is Running: pid",
    ] {
        supervisor.wait_for(message);
    }
    assert_eq!(supervisor.end(Signal::INT), Some(0), "{}", supervisor.log());
    assert!(!supervisor.log().contains("error"), "{}", supervisor.log());
}
