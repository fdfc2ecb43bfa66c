//! C5: a panic, a timeout or an object that can't be read costs that object, never the process and never another.

use std::sync::Arc;
use std::time::Duration;

use fabrica::prelude::*;
use fabrica::store::{Key, MemoryStore, Page, Store, Transaction};
use serde::Serializer;

use super::kinds::{Gadget, GadgetSpec, Script, gadget, run, scripted, settle, start, until};

#[tokio::test(start_paused = true)]
async fn c5_a_panic_costs_its_object_a_backoff_and_saves_nothing() {
    let script = Script::new(|mut gadget, info| async move {
        gadget.status.size = u64::try_from(info.number).unwrap();
        assert!(gadget.uid() != "bad" || info.attempt >= 2, "the cable is loose");
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = start(&script).await;
    let client = controller.client();
    client.create(gadget("bad")).await.unwrap();
    until("it panicked", || controller.failure::<Gadget>("bad").is_some()).await;
    let failure = controller.failure::<Gadget>("bad").unwrap();
    assert!(failure.error.contains("the reconcile of Gadget/bad panicked: the cable is loose"), "{}", failure.error);
    assert!(!failure.is_terminal);
    assert_eq!(client.get::<Gadget>("bad").await.unwrap().status.size, 0, "nothing was saved");
    client.create(gadget("good")).await.unwrap();
    client.wait_until::<Gadget>("good", |g| g.status.size > 0).await.unwrap();
    client.wait_until::<Gadget>("bad", |g| g.status.size > 0).await.unwrap();
    settle().await;
    assert!(controller.failure::<Gadget>("bad").is_none(), "forgotten on success");
    controller.stop().await.unwrap();
}

#[reconciler(register = false, timeout = "30s")]
async fn impatient(gadget: &mut Gadget, ctx: &Context, State(script): State<Script>) -> Result<Action> {
    run(gadget, ctx, script).await
}

#[tokio::test(start_paused = true)]
async fn c5_a_run_that_takes_longer_than_its_timeout_is_cancelled_and_saves_nothing() {
    let script = Script::new(|mut gadget, info| async move {
        gadget.status.size = 1;
        if info.attempt == 0 {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = Controller::empty().reconciler::<impatient>().state(script.clone()).build().await.unwrap();
    controller.start().await.unwrap();
    let started = Timestamp::now();
    controller.client().create(gadget("g")).await.unwrap();
    controller.client().wait_until::<Gadget>("g", |g| g.status.size == 1).await.unwrap();
    let took = Timestamp::now().since(started);
    assert!((31..33).contains(&took.as_secs()), "30 s and the backoff of 1 s, not {took:?}");
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c5_an_object_that_cannot_be_read_waits_and_is_reported() {
    let store = Arc::new(MemoryStore::new());
    let script = Script::answering(Action::AwaitChange);
    let builder = Controller::empty().reconciler::<scripted>().state(script.clone());
    let controller = builder.shared_store(Arc::clone(&store) as _).build().await.unwrap();
    controller.start().await.unwrap();
    controller.client().create(gadget("bad")).await.unwrap();
    until("it ran", || script.count() == 1).await;
    // Somebody else writes what an older or newer program would: the spec is of another form.
    let entries = store.list(&Key::from("o/"), Page::default()).await.unwrap().entries;
    let entry = entries.into_iter().find(|entry| entry.key.to_string().ends_with("/bad")).unwrap();
    let text = String::from_utf8(entry.value.to_vec()).unwrap();
    let broken = text.replace(r#""size":0"#, r#""size":"large""#);
    assert_ne!(text, broken);
    store.txn(Transaction::new().put(entry.key.clone(), bytes::Bytes::from(broken))).await.unwrap();
    until("it is reported", || controller.failure::<Gadget>("bad").is_some()).await;
    let failure = controller.failure::<Gadget>("bad").unwrap();
    assert!(failure.is_terminal);
    assert!(failure.error.contains("Gadget/bad") && failure.error.contains("spec.size"), "{}", failure.error);
    controller.client().create(gadget("good")).await.unwrap();
    until("the good one ran", || script.count() == 2).await;
    // Mended, it runs again.
    store.txn(Transaction::new().put(entry.key, bytes::Bytes::from(text))).await.unwrap();
    until("the mended one ran", || script.count() == 3).await;
    assert!(controller.failure::<Gadget>("bad").is_none());
    controller.stop().await.unwrap();
}

/// A number whose encoding panics if it is unlucky.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Fragile(u64);

impl Serialize for Fragile {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        assert_ne!(self.0, 13, "unlucky");
        self.0.serialize(serializer)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct GlassStatus {
    number: Fragile,
}

#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", register = false)]
struct Glass {
    metadata: Metadata,
    spec: GadgetSpec,
    status: GlassStatus,
}

#[reconciler(register = false)]
async fn fills(glass: &mut Glass) -> Result<Action> {
    glass.status.number = Fragile(glass.spec.size);
    Ok(Action::AwaitChange)
}

#[tokio::test(start_paused = true)]
async fn c5_a_panic_in_the_users_types_costs_its_object_only() {
    let controller = Controller::empty().reconciler::<fills>().workers(1).build().await.unwrap();
    controller.start().await.unwrap();
    let client = controller.client();
    let glass = |uid: &str, size| Glass::new(uid, GadgetSpec { size, ..GadgetSpec::default() }).with_uid(uid);
    client.create(glass("bad", 13)).await.unwrap();
    client.create(glass("good", 7)).await.unwrap();
    settle().await;
    assert_eq!(client.get::<Glass>("good").await.unwrap().status.number.0, 7, "the worker lives");
    let failure = controller.failure::<Glass>("bad").unwrap();
    assert!(failure.error.contains("the reconcile of Glass/bad panicked") && failure.error.contains("unlucky"));
    controller.stop().await.unwrap();
}

#[reconciler(register = false, timeout = "30s")]
async fn stops_half_way(gadget: &mut Gadget) -> Result<Action> {
    gadget.status.note = Some("half".into());
    assert!(gadget.spec.size > 0, "the cable is loose");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    Ok(Action::AwaitChange)
}

#[tokio::test(start_paused = true)]
async fn c5_what_a_run_had_changed_when_it_panicked_or_was_cancelled_is_not_saved() {
    let controller = Controller::empty().reconciler::<stops_half_way>().build().await.unwrap();
    controller.start().await.unwrap();
    let client = controller.client();
    client.create(gadget("panics")).await.unwrap();
    let slow = Gadget::new("slow", GadgetSpec { size: 1, ..GadgetSpec::default() }).with_uid("slow");
    client.create(slow).await.unwrap();
    tokio::time::sleep(Duration::from_secs(40)).await;
    for (uid, why) in [("panics", "panicked: the cable is loose"), ("slow", "longer than its timeout of 30s")] {
        let failure = controller.failure::<Gadget>(uid).unwrap();
        assert!(failure.error.contains(why), "{}", failure.error);
        assert_eq!(client.get::<Gadget>(uid).await.unwrap().status.note, None, "{uid}");
    }
    controller.stop().await.unwrap();
}
