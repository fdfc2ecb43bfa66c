use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::client::Client;
use crate::event::{Delivery, Event, EventBus, Pattern};
use crate::reconciler::{Action, Context, Finalize, Needs, Options, Reconciler, ReconcilerType};
use crate::resource::sample::{Device, DeviceSpec, Plain, Power};
use crate::resource::{
    Metadata, Namespace, NoStatus, ObjectRef, RecordedEvent, RecordedEventSpec, Resource, Timestamp,
};
use crate::store::{Fault, MemoryStore};
use crate::{Error, Result};

/// A namespaced kind.
type Note = Plain<Power>;

/// What a device's reconciler does; the device's `rack` says which.
struct Devices;

static RUNS: AtomicU32 = AtomicU32::new(0);

impl Reconciler for Devices {
    type Resource = Device;

    const NAME: &'static str = "devices";
    const HAS_FINALIZE: bool = false;
    const TYPE: &'static ReconcilerType = &ReconcilerType::of::<Self>();

    fn options() -> Options {
        Options { timeout: Some(Duration::from_secs(30)), ..Options::default() }
    }

    fn needs(_: &mut Needs) {}

    async fn reconcile(device: &mut Device, ctx: &Context) -> Result<Action> {
        match device.name() {
            "fails" => return Err(std::io::Error::other("the plug is out").into()),
            "recovers" if ctx.attempt() < 2 => return Err(std::io::Error::other("the plug is out").into()),
            "panics" => panic!("the plug is hot"),
            "hangs" => std::future::pending().await,
            "wrong" => return Err(Error::terminal("the serial number is wrong")),
            "hot" if RUNS.fetch_add(1, Ordering::Relaxed) < 150 => return Ok(Action::Requeue),
            "emits" => ctx.emit_with("io.example.device.started", device, json!({ "message": "It runs" })).await?,
            _ => {}
        }
        Ok(Action::AwaitChange)
    }

    async fn finalize(_: &mut Device, _: &Context) -> Result<Finalize> {
        Ok(Finalize::Done)
    }
}

struct World {
    store: MemoryStore,
    controller: Controller,
    recorder: Recorder,
}

impl World {
    async fn new() -> Self {
        Self::on(MemoryStore::new()).await
    }

    async fn on(store: MemoryStore) -> Self {
        let controller = Controller::empty().reconciler::<Devices>().resource::<Note>().store(store.clone());
        let controller = controller.field_manager("rack").build().await.unwrap();
        let recorder = Recorder::start(&controller, DEFAULT_EVENT_TTL);
        controller.start().await.unwrap();
        Self { store, controller, recorder }
    }

    fn client(&self) -> &Client {
        self.controller.client()
    }

    async fn device(&self, name: &str) {
        let device = Device::new(name, DeviceSpec::default()).with_uid(name);
        self.client().create(device).await.unwrap();
    }

    fn publish(&self, event_type: &str, uid: &str, message: &str) {
        let event = Event::builder(event_type).about("example.io", "Device", uid.to_owned()).data(message);
        self.controller.bus().publish(event.build().unwrap()).unwrap();
    }

    fn events(&self) -> Vec<Arc<RecordedEvent>> {
        let mut events = self.client().cache::<RecordedEvent>().all();
        events.sort_by_key(|event| (event.spec.first_timestamp, event.spec.message.clone()));
        events
    }

    /// Who, why, what and how often; after whatever waits was written.
    async fn told(&self) -> Vec<(String, String, String, i32)> {
        moment().await;
        self.events()
            .iter()
            .map(|event| {
                let spec = event.spec.clone();
                let text = Option::unwrap_or_default;
                (text(spec.involved_object.name), text(spec.reason), text(spec.message), spec.count.unwrap())
            })
            .collect()
    }

    async fn end(self) {
        self.controller.stop().await.unwrap();
        self.recorder.stop().await;
    }
}

/// The paused clock moves when everybody waits: so everything that has to be done by then is done.
async fn moment() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

fn line(name: &str, reason: &str, message: &str, count: i32) -> (String, String, String, i32) {
    (name.to_owned(), reason.to_owned(), message.to_owned(), count)
}

#[tokio::test(start_paused = true)]
async fn a_failing_reconcile_is_recorded_with_its_object_its_count_and_its_recovery() {
    let world = World::new().await;
    world.device("recovers").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let expected = [
        line("recovers", "ReconcileFailed", "the plug is out", 2),
        line("recovers", "Recovered", "It went well after 2 failed attempts", 1),
    ];
    assert_eq!(world.told().await, expected);
    let [failed, recovered] = &*world.events() else { panic!() };
    let spec = &failed.spec;
    assert_eq!((spec.type_.as_deref(), recovered.spec.type_.as_deref()), (Some("Warning"), Some("Normal")));
    assert_eq!(spec.reporting_component.as_deref(), Some("devices"));
    assert_eq!(spec.reporting_instance.as_deref(), Some("rack"));
    assert_eq!(spec.source.clone().unwrap().component.as_deref(), Some("devices"));
    assert!(failed.name().starts_with("recovers.") && failed.namespace() == "default", "{failed:?}");
    let about = &spec.involved_object;
    assert_eq!((about.api_version.as_deref(), about.kind.as_deref()), (Some("example.io/v1"), Some("Device")));
    assert_eq!((about.uid.as_deref(), about.namespace.as_deref()), (Some("recovers"), None));
    assert!(about.resource_version.is_some());
    assert!(spec.last_timestamp.unwrap().since(spec.first_timestamp.unwrap()) >= Duration::from_secs(1));
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn each_way_to_fail_has_its_reason() {
    let world = World::new().await;
    for name in ["panics", "hangs", "wrong"] {
        world.device(name).await;
    }
    let key: crate::store::Key = "o/example.io/Device/broken".into();
    let broken = r#"{"apiVersion":"example.io/v1","kind":"Device","metadata":{"name":"broken"},"spec":7}"#;
    crate::store::Store::txn(&world.store, crate::store::Transaction::new().put(key, broken)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(31)).await;
    let mut reasons: Vec<_> = world.told().await.into_iter().map(|(name, reason, ..)| (name, reason)).collect();
    reasons.sort();
    reasons.dedup();
    let expected = [
        ("broken", "DecodeFailed"),
        ("hangs", "ReconcileTimedOut"),
        ("panics", "ReconcilePanicked"),
        ("wrong", "TerminalError"),
    ];
    assert_eq!(reasons, expected.map(|(name, reason)| (name.to_owned(), reason.to_owned())));
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_runs_hot_and_one_that_waits_for_a_finalizer_are_recorded() {
    let world = World::new().await;
    world.device("hot").await;
    let waits = Device::new("waits", DeviceSpec::default()).with_uid("waits").with_finalizer("example.org/backup");
    world.client().create(waits).await.unwrap();
    world.client().delete::<Device>("waits").await.unwrap();
    tokio::time::sleep(Duration::from_secs(15)).await;
    let told = world.told().await;
    let reasons: Vec<_> = told.iter().map(|(name, reason, ..)| (name.as_str(), reason.as_str())).collect();
    assert_eq!(reasons, [("hot", "HotLoop"), ("waits", "FinalizersRemaining")]);
    assert!(told[1].2.contains("example.org/backup"), "{told:?}");
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_run_emits_about_its_object_and_what_anybody_publishes_is_recorded() {
    let world = World::new().await;
    world.device("emits").await;
    world.publish("io.example.device.powered-off", "emits", "by hand");
    let expected = [
        line("emits", "PoweredOff", "by hand", 1),
        // Once for its creation, once for the event.
        line("emits", "Started", "It runs", 2),
    ];
    let mut told = world.told().await;
    told.sort_by(|one, two| one.1.cmp(&two.1));
    assert_eq!(told, expected);
    let reporters: Vec<_> =
        world.events().iter().map(|event| event.spec.reporting_component.clone().unwrap()).collect();
    assert!(reporters.contains(&"devices".to_owned()) && reporters.contains(&"rack".to_owned()), "{reporters:?}");
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_equal_events_is_one_write_and_none_is_lost() {
    let world = World::new().await;
    world.device("a").await;
    moment().await;
    let before = world.client().seen();
    for _ in 0..10_000 {
        world.publish("x.seen", "a", "again");
    }
    assert_eq!(world.told().await, [line("a", "Seen", "again", 10_000)]);
    assert_eq!(world.client().seen().get() - before.get(), 1);
    for _ in 0..4 {
        world.publish("x.seen", "a", "again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(world.told().await, [line("a", "Seen", "again", 10_004)]);
    assert_eq!(world.recorder.counters().read(), RecorderCounts { written: 2, ..RecorderCounts::default() });
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn equal_events_are_counted_on_after_a_restart() {
    let store = MemoryStore::new();
    for _ in 0..2 {
        let world = World::on(store.clone()).await;
        if world.client().cache::<Device>().is_empty() {
            world.device("a").await;
        }
        world.publish("x.seen", "a", "again");
        world.end().await;
    }
    let world = World::on(store).await;
    assert_eq!(world.told().await, [line("a", "Seen", "again", 2)]);
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn many_similar_events_are_combined_until_ten_minutes_have_passed() {
    let world = World::new().await;
    world.device("a").await;
    for number in 0..15 {
        world.publish("x.seen", "a", &format!("number {number:02}"));
    }
    let told = world.told().await;
    assert_eq!(told.len(), 10);
    let combined = line("a", "Seen", "(combined from similar events): number 14", 6);
    assert!(told.contains(&combined), "{told:?}");
    world.publish("x.seen", "a", "number 03");
    let told = world.told().await;
    assert!(told.contains(&line("a", "Seen", "number 03", 2)) && told.len() == 10, "{told:?}");
    tokio::time::sleep(Duration::from_secs(601)).await;
    world.publish("x.seen", "a", "number 99");
    let told = world.told().await;
    assert!(told.contains(&line("a", "Seen", "number 99", 1)) && told.contains(&combined), "{told:?}");
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn too_many_events_about_one_object_are_dropped_and_counted() {
    let world = World::new().await;
    world.device("a").await;
    world.device("b").await;
    for number in 0..30 {
        world.publish(&format!("x.seen{number}"), "a", "m");
    }
    world.publish("x.seen", "b", "m");
    assert_eq!(world.told().await.len(), 25 + 1);
    assert_eq!(world.recorder.counters().read().dropped, 5);
    world.publish("x.seen0", "a", "m");
    world.publish("x.new", "a", "m");
    let told = world.told().await;
    assert!(told.len() == 26 && told.contains(&line("a", "Seen0", "m", 1)), "neither has room");
    assert_eq!(world.recorder.counters().read().dropped, 6);
    tokio::time::sleep(Duration::from_secs(300)).await;
    world.publish("x.seen0", "a", "m");
    let told = world.told().await;
    assert!(told.contains(&line("a", "Seen0", "m", 3)), "what was not written is counted: {told:?}");
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_goes_an_hour_after_it_happened_last_also_after_a_restart() {
    let world = World::new().await;
    world.device("a").await;
    world.publish("x.old", "a", "m");
    world.publish("x.new", "a", "m");
    tokio::time::sleep(Duration::from_secs(1800)).await;
    world.publish("x.new", "a", "m");
    tokio::time::sleep(Duration::from_secs(1740)).await;
    assert_eq!(world.told().await.len(), 2, "not an hour has passed");
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(world.told().await, [line("a", "New", "m", 2)]);
    assert_eq!(world.recorder.counters().read().expired, 1);
    let store = world.store.clone();
    world.end().await;
    tokio::time::sleep(Duration::from_secs(1800)).await;
    let world = World::on(store).await;
    assert_eq!(world.told().await, []);
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn old_events_go_many_in_one_write() {
    let world = World::new().await;
    for number in 0..100 {
        let spec = RecordedEventSpec { reason: Some("Posted".into()), ..RecordedEventSpec::default() };
        world.client().create(RecordedEvent::new(format!("e-{number}"), spec)).await.unwrap();
    }
    let before = world.client().seen();
    tokio::time::sleep(Duration::from_secs(3700)).await;
    assert!(world.events().is_empty());
    assert_eq!(world.client().seen().get() - before.get(), 2);
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_has_a_hundred_events_at_most_and_the_oldest_go() {
    let world = World::new().await;
    world.device("a").await;
    for number in 0..120 {
        let spec = RecordedEventSpec {
            involved_object: ObjectRef { kind: Some("Device".into()), uid: Some("a".into()), ..ObjectRef::default() },
            last_timestamp: Some(Timestamp::now().plus(Duration::from_millis(number))),
            ..RecordedEventSpec::default()
        };
        world.client().create(RecordedEvent::new(format!("e-{number}"), spec)).await.unwrap();
    }
    moment().await;
    world.publish("x.seen", "a", "m");
    moment().await;
    let names: Vec<_> = world.events().iter().map(|event| event.name().to_owned()).collect();
    assert_eq!(names.len(), 100);
    assert!(!names.contains(&"e-20".to_owned()) && names.contains(&"e-21".to_owned()), "{names:?}");
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_can_t_answer_is_asked_again_and_nothing_is_lost_or_counted_twice() {
    let world = World::new().await;
    world.device("a").await;
    moment().await;
    world.store.faults().fail_next(3, Fault::Unavailable);
    world.publish("x.seen", "a", "m");
    moment().await;
    world.publish("x.seen", "a", "m");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.told().await, [line("a", "Seen", "m", 2)]);
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied] {
        world.store.faults().fail_next(7, fault);
        world.publish("x.seen", "a", "m");
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    world.store.faults().fail_next(7, Fault::UnknownApplied);
    world.publish("x.other", "a", "m");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.told().await, [line("a", "Seen", "m", 4), line("a", "Other", "m", 1)]);
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_written_when_the_recorder_stops_or_is_dropped() {
    let World { store, controller, recorder } = World::new().await;
    let publish = |event_type: &str| {
        let event = Event::builder(event_type.to_owned()).about("example.io", "Device", "gone");
        controller.bus().publish(event.build().unwrap()).unwrap();
    };
    publish("x.first");
    recorder.stop().await;
    let reasons = || {
        let events = controller.client().cache::<RecordedEvent>().all();
        let mut reasons: Vec<_> = events.iter().map(|event| event.spec.reason.clone().unwrap()).collect();
        reasons.sort();
        reasons
    };
    assert_eq!(reasons(), ["First"]);
    publish("x.unheard");
    let recorder = Recorder::start(&controller, DEFAULT_EVENT_TTL);
    publish("x.second");
    drop(recorder);
    moment().await;
    assert_eq!(reasons(), ["First", "Second"]);
    controller.stop().await.unwrap();
    drop(store);
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_stops_waits_for_no_store() {
    let world = World::new().await;
    world.device("a").await;
    moment().await;
    world.store.faults().on_txn(|_| Some(Fault::Unavailable));
    world.publish("x.seen", "a", "m");
    moment().await;
    let World { controller, recorder, .. } = world;
    let counters = Arc::clone(&recorder.counters);
    tokio::time::timeout(Duration::from_secs(1), recorder.stop()).await.unwrap();
    assert_eq!(counters.read().failed, 1);
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_event_stands_in_the_namespace_of_its_object_and_tells_what_is_known_of_one_that_is_gone() {
    let world = World::new().await;
    world.client().create(Namespace::new("lab")).await.unwrap();
    let note = Note::from_parts(Metadata::named("n"), Power::default(), NoStatus).in_namespace("lab").with_uid("n");
    world.client().create(note).await.unwrap();
    let publish = |group: &'static str, kind: &'static str, uid: &'static str| {
        let event = Event::builder("x.seen").about(group, kind, uid);
        world.controller.bus().publish(event.build().unwrap()).unwrap();
    };
    publish(Note::GROUP, Note::KIND, "n");
    world.client().delete::<Note>("n").await.unwrap();
    publish("example.io", "Device", "nobody");
    publish("example.org", "Stranger", "nobody");
    moment().await;
    let mut seen: Vec<_> = world
        .events()
        .iter()
        .map(|event| {
            let about = &event.spec.involved_object;
            assert!(about.uid.is_some());
            (event.namespace().to_owned(), about.api_version.clone(), about.kind.clone(), about.name.clone())
        })
        .collect();
    seen.sort();
    let some = |text: &str| Some(text.to_owned());
    let expected = [
        ("default".to_owned(), None, some("Stranger"), None),
        ("default".to_owned(), some("example.io/v1"), some("Device"), None),
        ("lab".to_owned(), some(Note::API_VERSION), some(Note::KIND), some("n")),
    ];
    assert_eq!(seen, expected);
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn events_in_a_namespace_that_is_going_are_let_go() {
    let world = World::new().await;
    let lab = Namespace::new("lab").with_uid("lab").with_finalizer("example.org/backup");
    world.client().create(lab).await.unwrap();
    let note = Note::from_parts(Metadata::named("n"), Power::default(), NoStatus).in_namespace("lab").with_uid("n");
    world.client().create(note.with_finalizer("example.org/backup")).await.unwrap();
    let spec = RecordedEventSpec::default();
    world.client().create(RecordedEvent::new("old", spec).in_namespace("lab")).await.unwrap();
    world.client().delete::<Namespace>("lab").await.unwrap();
    moment().await;
    let event = Event::builder("x.seen").about(Note::GROUP, Note::KIND, "n").build().unwrap();
    world.controller.bus().publish(event).unwrap();
    moment().await;
    assert!(world.events().iter().all(|event| event.namespace() != "lab"), "{:?}", world.events());
    let counts = world.recorder.counters().read();
    assert_eq!((counts.failed, counts.dropped, counts.lost), (0, 0, 0));
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_is_neither_recorded_nor_published_and_wakes_nobody() {
    let world = World::new().await;
    world.device("a").await;
    moment().await;
    let mut all = world.controller.bus().subscribe(Pattern::all());
    world.publish("x.seen", "a", "m");
    moment().await;
    let uid = world.events()[0].uid().to_string();
    let event = Event::builder("x.looked-at").about("", "Event", uid);
    world.controller.bus().publish(event.build().unwrap()).unwrap();
    moment().await;
    assert_eq!(world.events().len(), 1);
    world.controller.stop().await.unwrap();
    let mut types = Vec::new();
    while let Some(delivery) = all.next().await {
        let Delivery::Event(event) = delivery else { panic!() };
        types.push(event.event_type().to_owned());
    }
    assert_eq!(types, ["x.seen", "x.looked-at"]);
    world.recorder.stop().await;
}

#[tokio::test(start_paused = true)]
async fn too_many_different_events_at_once_are_lost_and_counted_and_nobody_waits() {
    let world = World::new().await;
    for number in 0..5000 {
        world.publish("x.seen", &format!("u-{number}"), "m");
    }
    moment().await;
    assert_eq!(world.events().len(), 4096);
    assert_eq!(world.recorder.counters().read().lost, 5000 - 4096);
    world.end().await;
}

#[tokio::test]
async fn what_other_programs_post_and_patch_is_stored_and_shown_in_both_forms() {
    use crate::api::event_forms::EventForm;

    let store = Arc::new(MemoryStore::new());
    let client = Client::start(store, vec![], EventBus::new(), crate::client::ClientSettings::default()).await.unwrap();
    let posted = EventForm::Core.read(json!({
        "metadata": { "namespace": "default", "generateName": "kopf-event-" },
        "type": "Normal", "reason": "Logging", "message": "hello", "source": { "component": "kopf" }, "shape": "round",
        "firstTimestamp": "2026-01-01T00:00:01.123456Z", "eventTime": null, "involvedObject": { "uid": "u", "name": "a" },
    }));
    let created = client.create_json(RecordedEvent::TYPE, posted.unwrap()).await.unwrap();
    assert!(created.metadata().name.starts_with("kopf-event-"));
    let stored = client.get_json(&created.key()).unwrap();
    let patch = json!({ "series": { "count": 2, "lastObservedTime": "2026-01-01T00:00:09.5Z" } });
    let mut shown = EventForm::Events.show(&stored);
    json_patch::merge(&mut shown, &patch);
    let patched = EventForm::Events.read(shown).unwrap();
    let updated = client.update_json(RecordedEvent::TYPE, patched).await.unwrap().to_value().unwrap();
    let shown = EventForm::Events.show(&updated);
    assert_eq!((&shown["note"], &shown["regarding"]["name"]), (&json!("hello"), &json!("a")));
    assert_eq!(shown["series"]["lastObservedTime"], "2026-01-01T00:00:09.500000Z");
    assert_eq!(EventForm::Core.show(&updated)["firstTimestamp"], "2026-01-01T00:00:01Z");
}

#[tokio::test]
async fn a_selector_with_an_empty_value_finds_the_events_of_an_object_without_namespace() {
    let store = Arc::new(MemoryStore::new());
    let client = Client::start(store, vec![], EventBus::new(), crate::client::ClientSettings::default()).await.unwrap();
    for (name, namespace) in [("a", None), ("b", Some("lab".to_owned()))] {
        let about = ObjectRef { uid: Some("u".into()), namespace, ..ObjectRef::default() };
        let spec = RecordedEventSpec { involved_object: about, ..RecordedEventSpec::default() };
        client.create(RecordedEvent::new(name, spec)).await.unwrap();
    }
    for selector in ["spec.involvedObject.namespace=,spec.involvedObject.uid=u", "spec.involvedObject.namespace="] {
        let fields = crate::resource::FieldSelector::parse(selector).unwrap();
        let options = crate::client::ListOptions { fields, ..Default::default() };
        let found = client.list::<RecordedEvent>(options).await.unwrap();
        assert_eq!(found.items.iter().map(|event| event.name()).collect::<Vec<_>>(), ["a"], "{selector}");
    }
}
