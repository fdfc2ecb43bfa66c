//! C9 and the backoff: failure is visible, and retried per object.

use std::time::Duration;

use fabrica::prelude::*;
use parking_lot::Mutex;
use std::sync::Arc;

use super::kinds::{Gadget, Script, gadget, run, settle, start, until};

#[tokio::test(start_paused = true)]
async fn c9_the_condition_of_a_failed_run_is_saved_and_the_next_retry_can_be_asked_for() {
    let script = Script::new(|mut gadget, info| async move {
        gadget.set_ready(false, "NoAnswer", format!("attempt {}", info.attempt));
        (gadget, Err(std::io::Error::other("the BMC does not answer").into()))
    });
    let controller = start(&script).await;
    let client = controller.client();
    client.create(gadget("g")).await.unwrap();
    let failed = client.wait_until::<Gadget>("g", |g| g.ready().is_some()).await.unwrap();
    assert_eq!(failed.ready().unwrap().reason, "NoAnswer");
    until("it is recorded", || controller.failure::<Gadget>("g").is_some()).await;
    let failure = controller.failure::<Gadget>("g").unwrap();
    assert_eq!((failure.attempts, failure.error.as_str()), (1, "the BMC does not answer"));
    assert_eq!(failure.next_retry, Some(failure.at.plus(Duration::from_secs(1))));
    client.wait_until::<Gadget>("g", |g| g.ready().is_some_and(|c| c.message == "attempt 2")).await.unwrap();
    settle().await;
    assert_eq!(controller.failure::<Gadget>("g").unwrap().attempts, 3);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failing_object_is_retried_after_1_2_4_8_seconds_and_so_on_up_to_5_minutes() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let script = {
        let times = Arc::clone(&times);
        Script::new(move |gadget, _| {
            times.lock().push(tokio::time::Instant::now());
            async move { (gadget, Err(std::io::Error::other("no").into())) }
        })
    };
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let waits: Vec<u64> = times.lock().windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).take(12).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_edit_during_a_backoff_runs_at_once_and_keeps_the_count() {
    let script = Script::new(|gadget, _| async move { (gadget, Err(std::io::Error::other("no").into())) });
    let controller = start(&script).await;
    let client = controller.client();
    client.create(gadget("g")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1 + 2 + 4 + 8 + 1)).await;
    assert_eq!(script.count(), 5);
    let mut edited = Gadget::clone(&*client.get::<Gadget>("g").await.unwrap());
    edited.spec.size = 1;
    client.update(edited).await.unwrap();
    settle().await;
    assert_eq!(script.count(), 6, "the edit does not wait for the backoff");
    assert_eq!(controller.failure::<Gadget>("g").unwrap().attempts, 6);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_terminal_failure_waits_for_a_change() {
    let script = Script::new(|gadget, _| async move {
        let answer =
            if gadget.spec.size == 0 { Err(Error::terminal("size 0 can't be made")) } else { Ok(Action::AwaitChange) };
        (gadget, answer)
    });
    let controller = start(&script).await;
    let client = controller.client();
    client.create(gadget("g")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(7200)).await;
    assert_eq!(script.count(), 1);
    let failure = controller.failure::<Gadget>("g").unwrap();
    assert!(failure.is_terminal && failure.next_retry.is_none());
    controller.handle().enqueue::<Gadget>("g", "perhaps now").unwrap();
    settle().await;
    assert_eq!(controller.failure::<Gadget>("g").unwrap().attempts, 2);
    let mut edited = Gadget::clone(&*client.get::<Gadget>("g").await.unwrap());
    edited.spec.size = 1;
    client.update(edited).await.unwrap();
    settle().await;
    assert_eq!(script.count(), 3);
    assert!(controller.failure::<Gadget>("g").is_none());
    controller.stop().await.unwrap();
}

#[reconciler(register = false, backoff(base = "10s", max = "15s"))]
async fn patient(gadget: &mut Gadget, ctx: &Context, State(script): State<Script>) -> Result<Action> {
    run(gadget, ctx, script).await
}

#[tokio::test(start_paused = true)]
async fn a_reconcilers_own_backoff_is_used() {
    let script = Script::new(|gadget, _| async move { (gadget, Err(std::io::Error::other("no").into())) });
    let controller = Controller::empty().reconciler::<patient>().state(script.clone()).build().await.unwrap();
    controller.start().await.unwrap();
    controller.client().create(gadget("g")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(script.count(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(script.count(), 2);
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(script.count(), 3);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn requeue_runs_again_at_once() {
    let script = Script::new(|gadget, info| async move {
        let answer = if info.number < 3 { Action::Requeue } else { Action::AwaitChange };
        (gadget, Ok(answer))
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    settle().await;
    assert_eq!(script.count(), 3);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c9_a_run_that_fails_by_a_timeout_of_its_own_is_saved_like_any_other_that_fails() {
    let script = Script::new(|mut gadget, _| async move {
        gadget.set_ready(false, "NoAnswer", "no answer within 2 s");
        (gadget, Err(Error::new(ErrorKind::Timeout, "the BMC did not answer within 2 s")))
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    settle().await;
    let failed = controller.client().get::<Gadget>("g").await.unwrap();
    assert_eq!(failed.ready().map(|ready| ready.reason.as_str()), Some("NoAnswer"));
    controller.stop().await.unwrap();
}
