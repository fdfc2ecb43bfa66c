//! C7: `stop()` takes no new work, lets runs finish within a grace period, then cancels them.

use std::time::Duration;

use fabrica::prelude::*;

use super::kinds::{Gadget, Script, gadget, run, scripted, start, until};

#[tokio::test(start_paused = true)]
async fn c7_stop_lets_a_run_finish_and_saves_what_it_did() {
    let script = Script::new(|mut gadget, _| async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        gadget.status.size = 1;
        (gadget, Ok(Action::Requeue))
    });
    let controller = start(&script).await;
    let client = controller.client().clone();
    client.create(gadget("g")).await.unwrap();
    until("it runs", || script.count() == 1).await;
    let started = Timestamp::now();
    controller.stop().await.unwrap();
    assert!((19..=20).contains(&Timestamp::now().since(started).as_secs()), "it waited for the run, no longer");
    assert_eq!(client.get::<Gadget>("g").await.unwrap().status.size, 1);
    assert_eq!(script.count(), 1, "no new run began");
}

#[tokio::test(start_paused = true)]
async fn c7_stop_cancels_after_the_grace_period_and_saves_nothing() {
    let script = Script::new(|mut gadget, _| async move {
        gadget.status.size = 1;
        tokio::time::sleep(Duration::from_secs(3600)).await;
        (gadget, Ok(Action::AwaitChange))
    });
    let builder = Controller::empty().reconciler::<scripted>().state(script.clone());
    let controller = builder.grace(Duration::from_secs(5)).build().await.unwrap();
    controller.start().await.unwrap();
    let client = controller.client().clone();
    client.create(gadget("g")).await.unwrap();
    until("it runs", || script.count() == 1).await;
    let started = Timestamp::now();
    controller.stop().await.unwrap();
    assert_eq!(Timestamp::now().since(started).as_secs(), 5);
    assert_eq!(client.get::<Gadget>("g").await.unwrap().status.size, 0);
}

#[tokio::test(start_paused = true)]
async fn c7_stopping_twice_is_no_error_and_starting_twice_is_one() {
    let controller = start(&Script::answering(Action::AwaitChange)).await;
    let error = controller.start().await.unwrap_err();
    assert!(error.to_string().contains("started before"), "{error}");
    controller.stop().await.unwrap();
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c7_events_that_were_accepted_are_delivered_before_the_end() {
    let controller = start(&Script::answering(Action::AwaitChange)).await;
    let mut events = controller.bus().subscribe(Pattern::parse("io.fabrica.gadget.created").unwrap());
    controller.client().create(gadget("g")).await.unwrap();
    controller.stop().await.unwrap();
    assert!(events.next().await.is_some());
    assert!(events.next().await.is_none());
}

#[reconciler(register = false)]
async fn says_goodbye(gadget: &mut Gadget, ctx: &Context, State(script): State<Script>) -> Result<Action> {
    ctx.emit("io.example.gadget.gone", gadget).await?;
    run(gadget, ctx, script).await
}

#[tokio::test(start_paused = true)]
async fn c7_a_second_stop_waits_for_the_first() {
    let script = Script::new(|gadget, _| async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = Controller::empty().reconciler::<says_goodbye>().state(script.clone()).build().await.unwrap();
    controller.start().await.unwrap();
    let mut events = controller.bus().subscribe(Pattern::parse("io.example.**").unwrap());
    controller.client().create(gadget("g")).await.unwrap();
    until("it runs", || script.count() == 1).await;
    let (one, two) = tokio::join!(controller.stop(), controller.stop());
    one.and(two).unwrap();
    assert!(events.next().await.is_some(), "the event of the last run");
}
