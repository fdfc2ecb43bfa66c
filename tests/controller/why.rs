//! C8: why a run happened is known.

use std::time::Duration;

use fabrica::prelude::*;

use super::kinds::{Gadget, Script, gadget, settle, start, until};
use super::logs::Logs;

#[tokio::test(start_paused = true)]
async fn c8_the_reasons_of_a_run_are_told_to_it_and_stand_in_its_span() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let script = Script::new(|gadget, info| async move {
        info!("looking");
        let answer = if info.number == 1 { Action::RequeueAfter(Duration::from_secs(5)) } else { Action::AwaitChange };
        (gadget, Ok(answer))
    });
    let controller = start(&script).await;
    let created = controller.client().create(gadget("g")).await.unwrap();
    until("it ran twice", || script.count() == 2).await;
    controller.handle().enqueue::<Gadget>("g", "the door was opened").unwrap();
    controller.handle().enqueue::<Gadget>("g", "the fan stopped").unwrap();
    until("it ran a third time", || script.count() == 3).await;
    let changed = format!("changed at {}", created.metadata.resource_version);
    assert_eq!(script.runs(), [changed.as_str(), "requeued", "the door was opened, the fan stopped"]);
    let text = logs.text();
    let line = text.lines().find(|line| line.contains("the fan stopped") && line.contains("looking")).unwrap();
    assert!(line.contains("reconcile{object=Gadget/g"), "{line}");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c8_an_object_that_runs_hot_is_warned_of() {
    let logs = Logs::default();
    let _guard = logs.capture();
    // What a reconciler does that writes a timestamp through the client on every run.
    let script = Script::new(|gadget, info| async move {
        let mut own = gadget.clone();
        own.status.size += 1;
        if info.number < 150 {
            info.client.update_status(own).await.unwrap();
        }
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    until("it ran hot", || script.count() >= 150).await;
    settle().await;
    let text = logs.text();
    let warnings: Vec<&str> = text.lines().filter(|line| line.contains("runs hot")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("Gadget/g runs hot: 100 reconciles") && warnings[0].contains("changed at"),
        "{}",
        warnings[0]
    );
    controller.stop().await.unwrap();
}

#[tokio::test]
async fn c5_a_run_that_blocks_its_thread_is_reported_with_its_duration() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let script = Script::new(|gadget, _| async move {
        // What it is about: a call that blocks the thread.
        std::thread::sleep(Duration::from_millis(600));
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    until("it ran", || script.count() == 1).await;
    controller.stop().await.unwrap();
    let text = logs.text();
    let (_, took) =
        text.split_once("the reconcile of Gadget/g blocked its thread for ").unwrap_or_else(|| panic!("{text}"));
    // A machine that is busy may have made seconds of it.
    let millis: f64 = took.split_once("ms").and_then(|(millis, _)| millis.parse().ok()).unwrap_or(f64::INFINITY);
    assert!(millis >= 600.0, "{took}");
}

#[tokio::test(start_paused = true)]
async fn c9_every_failure_is_a_warning_with_its_object_and_its_reason() {
    let logs = Logs::default();
    let _guard = logs.capture();
    let script = Script::new(|gadget, info| async move {
        let answer = if info.attempt == 0 {
            Err(std::io::Error::other("no answer").into())
        } else {
            Err(Error::terminal("no such BMC"))
        };
        (gadget, answer)
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    until("it failed for good", || controller.failure::<Gadget>("g").is_some_and(|f| f.is_terminal)).await;
    let text = logs.text();
    assert!(text.contains("Reconciling Gadget/g failed (attempt 1), next in 1s: no answer"), "{text}");
    assert!(text.contains("Reconciling Gadget/g failed for good, until it changes: no such BMC"), "{text}");
    controller.stop().await.unwrap();
}
