//! C3: a run doesn't wake itself, everything else wakes.

use std::sync::Arc;
use std::time::Duration;

use fabrica::prelude::*;
use fabrica::store::MemoryStore;

use super::kinds::{Gadget, GadgetSpec, Script, gadget, scripted, settle, start, until};

#[tokio::test(start_paused = true)]
async fn c3_a_runs_own_status_write_does_not_wake_it() {
    let script = Script::status(|gadget, info| gadget.status.size = u64::try_from(info.number).unwrap());
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    controller.client().wait_until::<Gadget>("g", |g| g.status.size == 1).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(script.runs().len(), 1, "{:?}", script.runs());
    controller.stop().await.unwrap();
}

#[reconciler(register = false)]
async fn in_two_steps(gadget: &mut Gadget, ctx: &Context) -> Result<Action> {
    gadget.status.size += 1;
    ctx.update_status(gadget).await?;
    gadget.status.size += 1;
    ctx.update_status(gadget).await?;
    gadget.status.list.push(gadget.status.size);
    ctx.emit("io.example.gadget.counted", gadget).await?;
    Ok(Action::AwaitChange)
}

#[tokio::test(start_paused = true)]
async fn c3_intermediate_saves_and_events_about_itself_are_silent() {
    let controller = Controller::empty().reconciler::<in_two_steps>().build().await.unwrap();
    controller.start().await.unwrap();
    let mut events = controller.bus().subscribe(Pattern::parse("io.example.**").unwrap());
    controller.client().create(gadget("g")).await.unwrap();
    controller.client().wait_until::<Gadget>("g", |g| g.status.list == [2]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(controller.client().get::<Gadget>("g").await.unwrap().status.list, [2], "it ran again");
    assert!(events.next().await.is_some(), "the event was published");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c3_a_status_saved_on_top_of_a_newer_object_runs_again() {
    // The first run edits its own spec through the client, as somebody else would: its status is then rebased.
    let script = Script::new(|mut gadget, info| async move {
        if info.number == 1 {
            let mut newer = Gadget::clone(&*info.client.get::<Gadget>("g").await.unwrap());
            newer.spec.size = 7;
            info.client.update(newer).await.unwrap();
        }
        gadget.status.size = gadget.spec.size;
        gadget.status.note = Some("seen".into());
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    let seen = controller.client().wait_until::<Gadget>("g", |g| g.status.size == 7).await.unwrap();
    assert_eq!(seen.spec.size, 7, "the edit survived");
    settle().await;
    assert_eq!(script.count(), 2, "{:?}", script.runs());
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c3_an_edit_during_a_run_is_never_lost() {
    let script = Script::new(|mut gadget, _| async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        gadget.status.size = gadget.spec.size;
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = start(&script).await;
    let client = controller.client();
    client.create(gadget("g")).await.unwrap();
    until("it runs", || script.count() == 1).await;
    for size in 1..=5 {
        let mut edited = Gadget::clone(&*client.get::<Gadget>("g").await.unwrap());
        edited.spec.size = size;
        client.update(edited).await.unwrap();
    }
    client.wait_until::<Gadget>("g", |g| g.status.size == 5).await.unwrap();
    assert_eq!(script.count(), 2, "five edits during one run are one more run");
    assert_eq!(script.most_at_once(), 1);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c3_somebody_elses_status_write_wakes() {
    let script = Script::answering(Action::AwaitChange);
    let controller = start(&script).await;
    let client = controller.client();
    client.create(gadget("g")).await.unwrap();
    until("it ran", || script.count() == 1).await;
    let mut other = Gadget::clone(&*client.get::<Gadget>("g").await.unwrap());
    other.status.note = Some("by hand".into());
    client.update_status(other).await.unwrap();
    until("it ran again", || script.count() == 2).await;
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c3_a_write_through_the_client_wakes_even_from_within_the_run() {
    let script = Script::new(|gadget, info| async move {
        if info.number == 1 {
            let mut own = gadget.clone();
            own.status.note = Some("through the client".into());
            info.client.update_status(own).await.unwrap();
        }
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    until("it ran again", || script.count() == 2).await;
    settle().await;
    assert_eq!(script.count(), 2);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c3_a_relist_wakes_what_it_finds_changed() {
    let store = Arc::new(MemoryStore::new());
    let script = Script::status(|gadget, _| gadget.status.size = gadget.spec.size);
    let builder = Controller::empty().reconciler::<scripted>().state(script.clone());
    let controller = builder.shared_store(Arc::clone(&store) as _).build().await.unwrap();
    controller.start().await.unwrap();
    let spec = GadgetSpec { size: 3, rack: String::new() };
    controller.client().create(Gadget::new("g", spec).with_uid("g")).await.unwrap();
    controller.client().wait_until::<Gadget>("g", |g| g.status.size == 3).await.unwrap();
    settle().await;
    let before = script.count();
    store.faults().expire_watches();
    settle().await;
    assert_eq!(script.count(), before, "a relist that finds nothing changed wakes nobody");
    let mut edited = Gadget::clone(&*controller.client().get::<Gadget>("g").await.unwrap());
    edited.spec.size = 4;
    controller.client().update(edited).await.unwrap();
    controller.client().wait_until::<Gadget>("g", |g| g.status.size == 4).await.unwrap();
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c3_an_own_write_that_a_relist_finds_runs_again() {
    let store = Arc::new(MemoryStore::new());
    let script = {
        let store = Arc::clone(&store);
        Script::status(move |gadget, info| {
            if info.number == 1 {
                store.faults().expire_watches();
            }
            gadget.status.size = 1;
        })
    };
    let builder = Controller::empty().reconciler::<scripted>().state(script.clone());
    let controller = builder.shared_store(store as _).build().await.unwrap();
    controller.start().await.unwrap();
    controller.client().create(gadget("g")).await.unwrap();
    settle().await;
    assert_eq!(script.count(), 2, "{:?}", script.runs());
    assert!(script.runs()[1].starts_with("found changed at "), "{:?}", script.runs());
    controller.stop().await.unwrap();
}
