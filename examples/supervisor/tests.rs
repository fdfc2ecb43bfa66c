//! How a reconciler is tested: what it decides without anything around it, what it does without processes on a clock that
//! stands still, and what it does with real ones.

use std::sync::Arc;

use fabrica::cli::DataDir;
use fabrica::controller::Builder;
use fabrica::prelude::*;
use fabrica::testing::{Harness, explore};

use super::children::{Child, Children};
use super::fake_os::FakeOs;
use super::process::{Desired, Exit, Process, ProcessSpec, ProcessState, Restart, RestartPolicy};
use super::reconcile::supervise;
use super::step::{Step, next};

fn spec(policy: RestartPolicy) -> ProcessSpec {
    let restart = Restart { policy, backoff_seconds: 2, max_backoff_seconds: 5, reset_after_seconds: 60 };
    ProcessSpec { command: "sleep".into(), args: vec!["1000".into()], restart, ..ProcessSpec::default() }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds).expect("a time of this age")
}

/// A child that was started at second 0.
fn child(spec: &ProcessSpec, exit: Option<Exit>) -> Child {
    Child { pid: 1, start_ticks: 0, started_at: at(0), program: spec.program(), was_told_to_stop: false, exit }
}

fn exit(code: i32, seconds: i64) -> Exit {
    Exit { code: Some(code), signal: None, at: at(seconds) }
}

#[test]
fn what_runs_is_kept_until_it_should_not() {
    let mut process = Process::new("p", spec(RestartPolicy::Always));
    assert_eq!(next(&process, None, at(0)), Step::Start);
    let running = child(&process.spec, None);
    assert_eq!(next(&process, Some(&running), at(0)), Step::Keep);

    process.spec.stop_grace_seconds = 99;
    assert_eq!(next(&process, Some(&running), at(0)), Step::Keep, "it is the same program");
    process.spec.env.insert("A".into(), "b".into());
    assert_eq!(next(&process, Some(&running), at(0)), Step::Stop, "it is another program");
    let ended = Child { exit: Some(exit(0, 1)), ..running.clone() };
    assert_eq!(next(&process, Some(&ended), at(1)), Step::Start, "and that one is started at once");

    process.spec.desired = Desired::Stopped;
    assert_eq!(next(&process, Some(&running), at(0)), Step::Stop);
    assert_eq!(next(&process, Some(&ended), at(1)), Step::Rest(ProcessState::Stopped));
    assert_eq!(next(&process, None, at(0)), Step::Rest(ProcessState::Stopped));
}

#[test]
fn what_was_told_to_stop_stops_and_starts_again_without_a_pause() {
    let process = Process::new("p", spec(RestartPolicy::Never));
    let mut told = child(&process.spec, None);
    told.was_told_to_stop = true;
    assert_eq!(next(&process, Some(&told), at(0)), Step::Stop, "SIGTERM can't be taken back");
    told.exit = Some(exit(1, 1));
    assert_eq!(next(&process, Some(&told), at(1)), Step::Start);
}

#[test]
fn the_policy_says_what_follows_an_end() {
    let after = |policy, code| {
        let mut process = Process::new("p", spec(policy));
        let ended = child(&process.spec, Some(exit(code, 1)));
        process.status.started_at = Some(at(0));
        process.record(exit(code, 1));
        (next(&process, Some(&ended), at(2)), next(&process, Some(&ended), at(3)))
    };
    for (policy, code) in [(RestartPolicy::Always, 0), (RestartPolicy::Always, 1), (RestartPolicy::OnFailure, 1)] {
        let (pause, left) = (Duration::from_secs(2), Duration::from_secs(1));
        assert_eq!(
            after(policy, code),
            (Step::Wait { exit: exit(code, 1), pause, left }, Step::Restart),
            "{policy:?} {code}"
        );
    }
    assert_eq!(after(RestartPolicy::OnFailure, 0).1, Step::Rest(ProcessState::Completed));
    assert_eq!(after(RestartPolicy::Never, 0).1, Step::Rest(ProcessState::Completed));
    assert_eq!(after(RestartPolicy::Never, 1).1, Step::Rest(ProcessState::Failed));
}

#[test]
fn pauses_double_up_to_the_longest_and_start_anew_after_a_good_run() {
    let mut process = Process::new("p", spec(RestartPolicy::Always));
    let mut pause_of_run = |from: i64, to: i64| {
        process.status.started_at = Some(at(from));
        process.record(exit(1, to));
        process.record(exit(1, to)); // a run that is repeated counts no end twice
        process.pause_after(exit(1, to)).map(|pause| pause.as_secs())
    };
    assert_eq!(pause_of_run(0, 1), Some(2));
    assert_eq!(pause_of_run(10, 11), Some(4));
    assert_eq!(pause_of_run(20, 21), Some(5));
    assert_eq!(pause_of_run(100, 160), Some(2));
    assert_eq!(pause_of_run(200, 201), Some(4));
}

fn builder(children: &Arc<Children>) -> Builder {
    Controller::empty().reconciler::<supervise>().state(Arc::clone(children)).state(DataDir::default())
}

#[tokio::test]
async fn a_command_that_can_not_be_started_is_tried_again_later_and_later_until_nobody_wants_it() -> Result<()> {
    let h = Harness::start(builder(&Children::new())).await?;
    let missing = ProcessSpec { command: "/nowhere/to/be/found".into(), ..spec(RestartPolicy::Always) };
    h.apply(Process::new("p", missing.clone())).await?;
    h.settle().await?;
    assert_eq!(h.get::<Process>("p").status.state, ProcessState::Failed);
    // The first run, and those after 1, 2 and 4 seconds more.
    h.advance(Duration::from_secs(7)).await?;
    assert_eq!(h.runs().len(), 4, "{}", h.story());

    h.apply(Process::new("p", ProcessSpec { desired: Desired::Stopped, ..missing })).await?;
    h.settle().await?;
    assert_eq!(h.get::<Process>("p").status.state, ProcessState::Stopped);
    h.look_away();
    h.advance(Duration::from_hours(1)).await?;
    assert!(h.runs().is_empty(), "{}", h.story());
    Ok(())
}

async fn controller(children: &Arc<Children>) -> Controller {
    let controller = builder(children).build().await.expect("a controller");
    controller.start().await.expect("its start");
    controller
}

/// Waits for what the machine does, in the machine's time.
async fn wait_for(controller: &Controller, what: &str, holds: impl FnMut(&Process) -> bool + Send) -> Arc<Process> {
    let waiting = controller.client().wait_until::<Process>("p", holds);
    let Ok(found) = tokio::time::timeout(Duration::from_secs(30), waiting).await else {
        let now = controller.client().get::<Process>("p").await;
        panic!("30 s went by, and it is not so: {what}; it is {:?}", now.map(|process| process.status.clone()));
    };
    found.expect("an open client")
}

#[tokio::test]
async fn a_missing_command_stands_in_the_condition_until_it_is_mended() {
    let children = Children::new();
    let controller = controller(&children).await;
    let missing = ProcessSpec { command: "/nowhere/to/be/found".into(), ..spec(RestartPolicy::Always) };
    controller.client().create(Process::new("p", missing).with_uid("p")).await.expect("created");
    let failed = wait_for(&controller, "failed", |process| process.status.state == ProcessState::Failed).await;
    let ready = failed.ready().expect("a condition");
    assert_eq!(ready.status, ConditionStatus::False);
    assert!(ready.message.contains("`/nowhere/to/be/found` can't be started: No such file"), "{}", ready.message);
    assert!(controller.failure::<Process>("p").is_some_and(|failure| !failure.is_terminal), "it is tried again");

    let mended = Process::new("p", spec(RestartPolicy::Always)).with_uid("p");
    controller.client().apply(mended).await.expect("applied");
    let running = wait_for(&controller, "ready", Process::is_ready).await;
    assert!(running.status.pid.is_some() && running.status.started_at.is_some());
    controller.stop().await.expect("stopped");
    children.stop_all().await;
}

#[tokio::test]
async fn the_status_says_how_a_process_ended_and_how_often_it_was_started_again() {
    let children = Children::new();
    let controller = controller(&children).await;
    let mut crashing = spec(RestartPolicy::OnFailure);
    (crashing.command, crashing.args) = ("sh".into(), vec!["-c".into(), "exit 7".into()]);
    crashing.restart.backoff_seconds = 0;
    controller.client().create(Process::new("p", crashing).with_uid("p")).await.expect("created");
    let seen = wait_for(&controller, "restarted", |process| process.status.restarts >= 3).await;
    assert_eq!(seen.status.last_exit.and_then(|exit| exit.code), Some(7));

    let done = ProcessSpec { args: vec!["-c".into(), "exit 0".into()], ..seen.spec.clone() };
    controller.client().apply(Process::new("p", done).with_uid("p")).await.expect("applied");
    let seen = wait_for(&controller, "completed", |process| process.status.state == ProcessState::Completed).await;
    assert_eq!((seen.status.pid, seen.is_ready()), (None, false));
    controller.stop().await.expect("stopped");
    children.stop_all().await;
}

#[tokio::test]
async fn a_process_that_is_removed_is_ended_first() {
    let children = Children::new();
    let controller = controller(&children).await;
    controller.client().create(Process::new("p", spec(RestartPolicy::Always)).with_uid("p")).await.expect("created");
    wait_for(&controller, "ready", Process::is_ready).await;
    controller.client().delete::<Process>("p").await.expect("deleted");
    controller.client().wait_deleted::<Process>("p").await.expect("gone");
    assert!(children.stop_all().await.is_empty());
    controller.stop().await.expect("stopped");
}

#[tokio::test]
async fn nothing_is_started_any_more_when_all_are_stopped() {
    let children = Children::new();
    let controller = controller(&children).await;
    children.stop_all().await;
    controller.client().create(Process::new("p", spec(RestartPolicy::Always)).with_uid("p")).await.expect("created");
    let failed = wait_for(&controller, "failed", |process| process.status.state == ProcessState::Failed).await;
    assert!(failed.ready().is_some_and(|ready| ready.message.contains("the supervisor ends")));
    controller.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_process_is_never_run_twice_nor_lost_whenever_the_supervisor_is_killed() {
    let run = |command: &str, desired| {
        let spec =
            ProcessSpec { command: command.into(), desired, stop_grace_seconds: 5, ..spec(RestartPolicy::Always) };
        Process::new("p", spec).with_uid("p")
    };
    explore()
        .reconciler::<supervise>()
        .state(FakeOs::default)
        .state(DataDir::default)
        .memory(|outside| Children::on(outside.get::<FakeOs>().expect("the machine").supervised()))
        .step("create", async move |client| client.apply(run("serve", Desired::Running)).await)
        .step("change", async move |client| client.apply(run("crash", Desired::Running)).await)
        .step("stop", async move |client| client.apply(run("crash", Desired::Stopped)).await)
        .step("start", async move |client| client.apply(run("serve", Desired::Running)).await)
        .step("delete", async |client| client.delete::<Process>("p").await)
        .outcome("running", |os: &FakeOs| {
            os.running().into_iter().map(|mark| (mark.uid, mark.program)).collect::<Vec<_>>()
        })
        .mask("status.pid")
        .mask("status.startTicks")
        .mask("status.startedAt")
        .mask("status.lastExit")
        .mask("status.conditions[*].message")
        .run()
        .await
        .assert_clean();
}
