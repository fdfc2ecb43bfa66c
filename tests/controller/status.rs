//! C4: the status is saved as the difference that the run made, on top of the newest object.

use std::time::Duration;

use fabrica::prelude::*;

use super::kinds::{Gadget, Script, gadget, settle, start, until};

const BIG: u64 = 9_007_199_254_740_993;

#[tokio::test(start_paused = true)]
async fn c4_removed_fields_disappear_and_64_bit_integers_stay_exact() {
    let script = Script::status(|gadget, info| {
        if info.number == 1 {
            gadget.status.note = Some("disk on fire".into());
            gadget.status.marks.insert("a".into(), BIG);
            gadget.status.marks.insert("b".into(), u64::MAX);
        } else {
            gadget.status.note = None;
            gadget.status.marks.remove("b");
        }
    });
    let controller = start(&script).await;
    let client = controller.client();
    client.create(gadget("g")).await.unwrap();
    let first = client.wait_until::<Gadget>("g", |g| g.status.marks.len() == 2).await.unwrap();
    assert_eq!((first.status.marks["a"], first.status.marks["b"]), (BIG, u64::MAX));
    controller.handle().enqueue::<Gadget>("g", "again").unwrap();
    let second = client.wait_until::<Gadget>("g", |g| g.status.note.is_none()).await.unwrap();
    assert_eq!(second.status.marks.iter().collect::<Vec<_>>(), [(&"a".to_owned(), &BIG)]);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c4_what_others_wrote_into_the_status_during_the_run_survives() {
    let script = Script::new(|mut gadget, info| async move {
        if info.number > 1 {
            return (gadget, Ok(Action::AwaitChange));
        }
        let mut other = gadget.clone();
        other.status.note = Some("theirs".into());
        other.status.marks.insert("theirs".into(), 1);
        other.set_condition("Cooled", true, "Fan", "the fan turns");
        info.client.update_status(other).await.unwrap();
        gadget.status.marks.insert("mine".into(), 2);
        gadget.set_ready(true, "Done", "done");
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    let merged = controller.client().wait_until::<Gadget>("g", Gadget::is_ready).await.unwrap();
    assert_eq!(merged.status.note.as_deref(), Some("theirs"));
    assert_eq!(merged.status.marks.keys().collect::<Vec<_>>(), ["mine", "theirs"]);
    assert!(merged.is_condition_true("Cooled"), "conditions are merged by their type");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c4_no_difference_makes_no_write() {
    let script = Script::status(|gadget, _| {
        gadget.status.size = 1;
        gadget.set_ready(true, "Done", "done");
    });
    let controller = start(&script).await;
    let client = controller.client();
    client.create(gadget("g")).await.unwrap();
    let first = client.wait_until::<Gadget>("g", Gadget::is_ready).await.unwrap();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let before = script.count();
        controller.handle().enqueue::<Gadget>("g", "again").unwrap();
        until("it ran", || script.count() > before).await;
    }
    settle().await;
    let last = client.get::<Gadget>("g").await.unwrap();
    assert_eq!(last.metadata.resource_version, first.metadata.resource_version);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_changes_spec_or_metadata_fails_for_good_and_names_the_path() {
    for (path, change) in [
        ("spec.size", (|g: &mut Gadget| g.spec.size = 99) as fn(&mut Gadget)),
        ("metadata.labels.mine", |g| drop(g.metadata.labels.insert("mine".into(), "x".into()))),
    ] {
        let script = Script::status(move |gadget, _| {
            change(gadget);
            gadget.status.size = 1;
        });
        let controller = start(&script).await;
        controller.client().create(gadget("g").with_label("a", "b")).await.unwrap();
        until("it failed", || controller.failure::<Gadget>("g").is_some()).await;
        let failure = controller.failure::<Gadget>("g").unwrap();
        assert!(failure.is_terminal);
        assert!(failure.error.contains(&format!("`{path}`")), "{}", failure.error);
        let stored = controller.client().get::<Gadget>("g").await.unwrap();
        assert_eq!((stored.spec.size, stored.status.size), (0, 0), "nothing was saved");
        controller.stop().await.unwrap();
    }
}

#[reconciler(register = false)]
async fn in_two_saves(gadget: &mut Gadget, ctx: &Context) -> Result<Action> {
    if gadget.status.size > 0 {
        return Ok(Action::AwaitChange);
    }
    let mut other = gadget.clone();
    other.status.note = Some("theirs".into());
    ctx.client().update_status(other).await?;
    gadget.status.size = 1;
    ctx.update_status(gadget).await?;
    gadget.status.size = 2;
    Ok(Action::AwaitChange)
}

#[tokio::test(start_paused = true)]
async fn c4_what_others_wrote_survives_an_intermediate_save_too() {
    let controller = Controller::empty().reconciler::<in_two_saves>().build().await.unwrap();
    controller.start().await.unwrap();
    controller.client().create(gadget("g")).await.unwrap();
    let merged = controller.client().wait_until::<Gadget>("g", |g| g.status.size == 2).await.unwrap();
    assert_eq!(merged.status.note.as_deref(), Some("theirs"));
    controller.stop().await.unwrap();
}
