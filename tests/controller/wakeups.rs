//! Who is woken by what: watches, events, `enqueue`, resyncs.

use std::sync::Arc;
use std::time::Duration;

use fabrica::prelude::*;
use fabrica::store::{Fault, MemoryStore};

use super::kinds::{Gadget, Rack, RackSpec, Script, gadget, run, settle, start, until};

#[tokio::test(start_paused = true)]
async fn a_watched_object_wakes_whom_it_concerned_before_and_whom_it_concerns_now() {
    let script = Script::answering(Action::AwaitChange);
    let controller = start(&script).await;
    let client = controller.client();
    for uid in ["a", "b", "c"] {
        client.create(gadget(uid)).await.unwrap();
    }
    until("each ran", || script.count() == 3).await;

    client.create(Rack::new("r", RackSpec { gadgets: vec!["a".into()] }).with_uid("r")).await.unwrap();
    until("a ran", || script.count() == 4).await;
    let mut rack = Rack::clone(&*client.get::<Rack>("r").await.unwrap());
    rack.spec.gadgets = vec!["b".into()];
    client.update(rack).await.unwrap();
    until("a and b ran", || script.count() == 6).await;
    client.delete::<Rack>("r").await.unwrap();
    until("b ran", || script.count() == 7).await;
    settle().await;
    assert_eq!(script.runs()[3..], ["Rack/r changed"; 4]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_panics_wakes_nobody_and_breaks_nothing() {
    let script = Script::answering(Action::AwaitChange);
    let controller = start(&script).await;
    let client = controller.client();
    client.create(Rack::new("r", RackSpec { gadgets: vec!["panic".into()] })).await.unwrap();
    client.create(gadget("g")).await.unwrap();
    until("it ran", || script.count() == 1).await;
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_event_that_somebody_publishes_wakes_the_object_it_is_about() {
    let script = Script::answering(Action::AwaitChange);
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    until("it ran", || script.count() == 1).await;
    let event = |uid: &str| {
        let event = Event::builder("io.example.gadget.called").about(Gadget::GROUP, Gadget::KIND, uid.to_owned());
        event.build().unwrap()
    };
    controller.bus().publish(event("g")).unwrap();
    until("it ran again", || script.count() == 2).await;
    assert_eq!(script.runs()[1], "event io.example.gadget.called");
    controller.bus().publish(event("nobody")).unwrap();
    settle().await;
    assert_eq!(script.count(), 2, "an event about an object that is not there wakes nobody");
    controller.stop().await.unwrap();
}

#[reconciler(register = false, events("io.example.*.wanted"))]
async fn choosy(gadget: &mut Gadget, ctx: &Context, State(script): State<Script>) -> Result<Action> {
    run(gadget, ctx, script).await
}

#[tokio::test(start_paused = true)]
async fn only_the_events_that_a_reconciler_wants_wake_it() {
    let script = Script::answering(Action::AwaitChange);
    let controller = Controller::empty().reconciler::<choosy>().state(script.clone()).build().await.unwrap();
    controller.start().await.unwrap();
    controller.client().create(gadget("g")).await.unwrap();
    until("it ran", || script.count() == 1).await;
    for event_type in ["io.example.gadget.unwanted", "io.example.gadget.wanted"] {
        let event = Event::builder(event_type).about(Gadget::GROUP, Gadget::KIND, "g");
        controller.bus().publish(event.build().unwrap()).unwrap();
    }
    until("it ran again", || script.count() == 2).await;
    settle().await;
    assert_eq!(script.runs()[1..], ["event io.example.gadget.wanted"]);
    controller.stop().await.unwrap();
}

#[reconciler(register = false)]
async fn tells_the_other(gadget: &mut Gadget, ctx: &Context, State(script): State<Script>) -> Result<Action> {
    let answer = run(gadget, ctx, script.clone()).await;
    if gadget.uid() == "teller" {
        let other = ctx.client().get::<Gadget>("other").await?;
        ctx.emit("io.example.gadget.told", &*other).await?;
    }
    answer
}

#[tokio::test(start_paused = true)]
async fn an_event_that_a_run_emits_about_another_object_wakes_that_one() {
    let script = Script::answering(Action::AwaitChange);
    let controller = Controller::empty().reconciler::<tells_the_other>().state(script.clone()).build().await.unwrap();
    controller.client().create(gadget("other")).await.unwrap();
    controller.start().await.unwrap();
    until("the other ran", || script.count() == 1).await;
    controller.client().create(gadget("teller")).await.unwrap();
    until("both ran", || script.count() == 3).await;
    settle().await;
    assert_eq!(script.runs()[2], "event io.example.gadget.told");
    assert_eq!(script.count(), 3);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_runs_events_are_published_after_its_status_is_saved() {
    #[reconciler(register = false)]
    async fn announces(gadget: &mut Gadget, ctx: &Context) -> Result<Action> {
        ctx.emit("io.example.gadget.sized", gadget).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        gadget.status.size = 9;
        Ok(Action::AwaitChange)
    }
    let controller = Controller::empty().reconciler::<announces>().build().await.unwrap();
    controller.start().await.unwrap();
    let mut events = controller.bus().subscribe(Pattern::parse("io.example.**").unwrap());
    controller.client().create(gadget("g")).await.unwrap();
    assert!(events.next().await.is_some());
    assert_eq!(controller.client().get::<Gadget>("g").await.unwrap().status.size, 9);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn enqueue_wakes_at_once_and_enqueue_after_later() {
    let script = Script::answering(Action::AwaitChange);
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    until("it ran", || script.count() == 1).await;
    let handle = controller.handle();
    handle.enqueue_after::<Gadget>("g", "its lease ends", Duration::from_secs(60)).unwrap();
    handle.enqueue::<Gadget>("g", "it called back").unwrap();
    until("it ran again", || script.count() == 2).await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(script.count(), 2, "a run does not clear what was asked for later");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(script.runs()[1..], ["it called back", "its lease ends"]);
    let error = handle.enqueue::<Rack>("r", "no reason").unwrap_err();
    assert!(error.is_not_found());
    assert!(error.to_string().contains("kind Rack.tests.example.io has no reconciler"), "{error}");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn twenty_events_leave_one_requeue_timer_not_twenty() {
    let script = Script::answering(Action::RequeueAfter(Duration::from_secs(300)));
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    for n in 0..20 {
        controller.handle().enqueue::<Gadget>("g", format!("edit {n}")).unwrap();
        settle().await;
    }
    let before = script.count();
    tokio::time::sleep(Duration::from_secs(3 * 300 + 10)).await;
    assert_eq!(script.count() - before, 3, "one periodic run each five minutes");
    assert_eq!(script.runs().last().unwrap(), "requeued");
    controller.stop().await.unwrap();
}

#[reconciler(register = false, resync = "10m")]
async fn resynced(gadget: &mut Gadget, ctx: &Context, State(script): State<Script>) -> Result<Action> {
    run(gadget, ctx, script).await
}

#[tokio::test(start_paused = true)]
async fn a_resync_looks_at_every_object_but_those_that_failed_for_good() {
    let script = Script::new(|gadget, _| async move {
        let answer =
            if gadget.uid() == "bad" { Err(Error::terminal("no such serial number")) } else { Ok(Action::AwaitChange) };
        (gadget, answer)
    });
    let controller = Controller::empty().reconciler::<resynced>().state(script.clone()).build().await.unwrap();
    controller.start().await.unwrap();
    controller.client().create(gadget("good")).await.unwrap();
    controller.client().create(gadget("bad")).await.unwrap();
    until("both ran", || script.count() == 2).await;
    tokio::time::sleep(Duration::from_secs(2 * 600 + 10)).await;
    assert_eq!(script.runs()[2..], ["resync", "resync"]);
    controller.handle().enqueue::<Gadget>("bad", "it was mended").unwrap();
    until("the bad one ran", || script.count() == 5).await;
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_planned_for_an_object_that_is_yet_to_come_stays() {
    let script = Script::answering(Action::AwaitChange);
    let controller = start(&script).await;
    let handle = controller.handle();
    handle.enqueue_after::<Gadget>("g", "its lease ends", Duration::from_secs(60)).unwrap();
    handle.enqueue::<Gadget>("g", "somebody heard of it").unwrap();
    settle().await;
    controller.client().create(gadget("g")).await.unwrap();
    until("it ran", || script.count() == 1).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(script.runs()[1..], ["its lease ends"]);
    controller.stop().await.unwrap();
}

#[reconciler(register = false)]
async fn saves_in_vain(gadget: &mut Gadget, ctx: &Context, State(store): State<Arc<MemoryStore>>) -> Result<Action> {
    if ctx.attempt() == 0 {
        store.faults().fail_next(1, Fault::Unavailable);
    }
    gadget.status.size = 9;
    ctx.emit("io.example.gadget.sized", gadget).await?;
    Ok(Action::AwaitChange)
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_status_could_not_be_saved_publishes_nothing_until_its_retry_has() {
    let store = Arc::new(MemoryStore::new());
    let builder = Controller::empty().reconciler::<saves_in_vain>().state(Arc::clone(&store));
    let controller = builder.shared_store(store as _).build().await.unwrap();
    controller.start().await.unwrap();
    let mut events = controller.bus().subscribe(Pattern::parse("io.example.**").unwrap());
    let started = Timestamp::now();
    controller.client().create(gadget("g")).await.unwrap();
    assert!(events.next().await.is_some());
    assert_eq!(Timestamp::now().since(started).as_secs(), 1, "the backoff of the first run");
    assert_eq!(controller.client().get::<Gadget>("g").await.unwrap().status.size, 9);
    controller.stop().await.unwrap();
}
