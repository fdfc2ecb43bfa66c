//! The contract of events: design, section 8.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fabrica::event::{BusError, Delivery, Event, EventBus, Pattern, Subscription};
use futures_util::StreamExt;
use parking_lot::Mutex;
use serde_json::{Value, json};

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

fn numbered(event_type: &str, number: u64) -> Event {
    Event::builder(event_type).data(&number).build().unwrap()
}

/// The numbers of the events that a subscriber still gets, the bus being closed; a gap is `Err` of its length.
async fn drain(subscription: &mut Subscription) -> Vec<Result<u64, u64>> {
    let mut got = Vec::new();
    while let Some(delivery) = subscription.next().await {
        got.push(match delivery {
            Delivery::Event(event) => Ok(event.data_as().unwrap()),
            Delivery::Lagged(missed) => Err(missed),
        });
    }
    got
}

#[tokio::test]
async fn a_subscriber_gets_events_in_the_order_of_publishing() {
    let bus = EventBus::new();
    let mut all = bus.subscribe(Pattern::all());
    for number in 0..900 {
        bus.publish(numbered("a.b", number)).unwrap();
    }
    bus.close();
    assert_eq!(drain(&mut all).await, (0..900).map(Ok).collect::<Vec<_>>());
}

#[tokio::test]
async fn closing_delivers_what_was_accepted() {
    let bus = EventBus::with_buffer(1000);
    let mut waiting = bus.subscribe(Pattern::all());
    let waiter = tokio::spawn(async move { drain(&mut waiting).await.len() });
    let mut late = bus.subscribe(Pattern::all());
    for number in 0..1000 {
        bus.publish(numbered("a.b", number)).unwrap();
    }
    bus.close();
    assert_eq!(drain(&mut late).await.len(), 1000);
    assert_eq!(waiter.await.unwrap(), 1000);
    assert_eq!(late.next().await, None, "the end stays the end");
}

#[tokio::test]
async fn a_publish_after_the_close_is_an_error_and_reaches_nobody() {
    let bus = EventBus::new();
    let seen = Arc::new(AtomicUsize::new(0));
    let _tap = bus.tap({
        let seen = Arc::clone(&seen);
        Arc::new(move |_| _ = seen.fetch_add(1, Ordering::Relaxed))
    });
    let mut all = bus.subscribe(Pattern::all());
    bus.close();
    assert_eq!(bus.publish(numbered("a.b", 1)), Err(BusError::Closed));
    assert_eq!(all.next().await, None);
    assert_eq!(seen.load(Ordering::Relaxed), 0);
}

#[test]
fn a_close_amid_concurrent_publishers_is_clean() {
    for _ in 0..100 {
        let bus = EventBus::with_buffer(100_000);
        let mut all = bus.subscribe(Pattern::all());
        let accepted: usize = std::thread::scope(|scope| {
            let publishers: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| (0..50).filter(|&number| bus.publish(numbered("a.b", number)).is_ok()).count()))
                .collect();
            scope.spawn(|| bus.close());
            publishers.into_iter().map(|publisher| publisher.join().unwrap()).sum()
        });
        let got = block_on(drain(&mut all));
        assert_eq!(got.len(), accepted, "accepted means delivered, refused means not");
    }
}

#[tokio::test]
async fn who_falls_behind_is_told_how_much_it_missed_and_goes_on() {
    let bus = EventBus::new();
    let mut slow = bus.subscribe_with(pattern("a.*"), 4);
    let mut fast = bus.subscribe(pattern("a.*"));
    for number in 0..10 {
        bus.publish(numbered("a.b", number)).unwrap();
        bus.publish(numbered("not.for.us", 99)).unwrap();
    }
    assert_eq!(slow.next().await, Some(Delivery::Lagged(6)), "the gap stands where the oldest events stood");
    assert!(matches!(slow.next().await, Some(Delivery::Event(event)) if event.data() == Some(&json!(6))));
    for number in 10..13 {
        bus.publish(numbered("a.b", number)).unwrap();
    }
    bus.close();
    assert_eq!(drain(&mut slow).await, [Err(2), Ok(9), Ok(10), Ok(11), Ok(12)]);
    assert_eq!(drain(&mut fast).await.len(), 13, "a slow neighbour costs the others nothing");
}

#[tokio::test]
async fn no_burst_is_refused_and_every_event_is_delivered_or_counted() {
    const BURST: u64 = 20_000;
    let bus = EventBus::new();
    let mut all = bus.subscribe(Pattern::all());
    for number in 0..BURST {
        bus.publish(numbered("a.created", number)).unwrap();
    }
    bus.close();
    let got = drain(&mut all).await;
    let missed = got.iter().map(|got| got.err().unwrap_or(0)).sum::<u64>();
    assert_eq!(got.iter().filter(|got| got.is_ok()).count() as u64 + missed, BURST);
}

#[tokio::test]
async fn a_tap_sees_every_event_of_a_user_however_large_the_burst() {
    let bus = EventBus::with_buffer(1);
    let _slow = bus.subscribe(Pattern::all());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let guard = bus.tap({
        let seen = Arc::clone(&seen);
        Arc::new(move |event| seen.lock().push(event.data_as::<u64>().unwrap()))
    });
    for number in 0..5_000 {
        bus.publish(numbered("a.b", number)).unwrap();
        bus.publish_derived(|| numbered("io.fabrica.device.updated", 0), "io.fabrica.device.updated");
    }
    assert_eq!(*seen.lock(), (0..5_000).collect::<Vec<_>>(), "each once, inside the publish, and no derived one");
    drop(guard);
    bus.publish(numbered("a.b", 5_000)).unwrap();
    assert_eq!(seen.lock().len(), 5_000);
}

#[tokio::test]
async fn a_tap_that_panics_harms_nobody() {
    let bus = EventBus::new();
    let mut all = bus.subscribe(Pattern::all());
    let reached = Arc::new(AtomicBool::new(false));
    let _first = bus.tap(Arc::new(|_| panic!("this tap is broken")));
    let _second = bus.tap({
        let reached = Arc::clone(&reached);
        Arc::new(move |_| reached.store(true, Ordering::Relaxed))
    });
    bus.publish(numbered("a.b", 7)).unwrap();
    assert!(reached.load(Ordering::Relaxed));
    bus.close();
    assert_eq!(drain(&mut all).await, [Ok(7)]);
}

#[tokio::test]
async fn a_tap_may_use_the_bus() {
    let bus = EventBus::new();
    let mut echoes = bus.subscribe(pattern("echo"));
    let inner = bus.clone();
    let guard = bus.tap(Arc::new(move |event| {
        if event.event_type() != "echo" {
            inner.publish(numbered("echo", 1)).unwrap();
        }
    }));
    bus.publish(numbered("a.b", 0)).unwrap();
    drop(guard);
    bus.close();
    assert_eq!(drain(&mut echoes).await, [Ok(1)]);
}

#[test]
fn publishing_while_subscribers_come_and_go_is_safe() {
    let bus = EventBus::with_buffer(10_000);
    let mut steady = bus.subscribe(Pattern::all());
    std::thread::scope(|scope| {
        for seed in 0..2 {
            let bus = &bus;
            scope.spawn(move || {
                for round in 0..500 {
                    let text = ["a.b", "a.*", "**", "a.**"][(round + seed) % 4];
                    let mut fleeting = bus.subscribe_with(pattern(text), 8);
                    bus.publish(numbered("a.b", 1)).unwrap();
                    assert!(block_on(fleeting.next()).is_some());
                }
            });
        }
    });
    bus.close();
    assert_eq!(block_on(drain(&mut steady)).len(), 1000);
}

#[test]
fn concurrent_publishers_make_one_order_for_all_subscribers() {
    const PUBLISHERS: u64 = 4;
    const EACH: u64 = 5_000;
    let bus = EventBus::with_buffer(usize::try_from(PUBLISHERS * EACH).unwrap());
    let mut subscriptions = ["**", "a.*", "*.b", "a.b"].map(|text| bus.subscribe(pattern(text)));
    std::thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let bus = &bus;
            scope.spawn(move || {
                for number in 0..EACH {
                    bus.publish(numbered("a.b", publisher * EACH + number)).unwrap();
                }
            });
        }
    });
    bus.close();
    let orders = subscriptions.each_mut().map(|subscription| block_on(drain(subscription)));
    assert_eq!(orders[0].len() as u64, PUBLISHERS * EACH);
    assert!(orders.iter().all(|order| *order == orders[0]), "two subscribers saw two orders");
    for publisher in 0..PUBLISHERS {
        let own = |number: &u64| number / EACH == publisher;
        let numbers: Vec<_> = orders[0].iter().map(|got| got.unwrap()).filter(own).collect();
        assert!(numbers.is_sorted(), "a publisher's own order is kept");
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_always_finds_an_event_still_lets_others_run() {
    let bus = EventBus::new();
    let mut all = bus.subscribe(Pattern::all());
    let endless = tokio::spawn({
        let bus = bus.clone();
        async move {
            loop {
                bus.publish(numbered("a.b", 0)).unwrap();
                all.next().await;
            }
        }
    });
    tokio::time::timeout(Duration::from_secs(1), tokio::task::yield_now()).await.unwrap();
    endless.abort();
}

#[tokio::test]
async fn a_subscription_is_a_stream() {
    let bus = EventBus::new();
    let all = bus.subscribe(Pattern::all());
    bus.publish(numbered("a.b", 1)).unwrap();
    bus.close();
    assert_eq!(all.map(|delivery| matches!(delivery, Delivery::Event(_))).collect::<Vec<_>>().await, [true]);
}

#[test]
fn two_stars_mean_one_segment_or_more_and_what_follows_them_counts() {
    assert!(!pattern("**.created").matches("a.deleted"));
    assert!(!pattern("**.created").matches("created"));
    assert!(!pattern("io.example.**").matches("io.example"));
    assert!(pattern("io.example.**").matches("io.example.device"));
    assert!(pattern("io.example.**").matches("io.example.device.started"));
}

/// Events as other programs send them: each kind of payload, attributes that are null, extensions nobody here knows.
fn foreign_events() -> Vec<Value> {
    let base = |more: Value| {
        let mut event = json!({
            "specversion": "1.0",
            "type": "org.acme.order.placed",
            "source": "/shop/berlin",
            "id": "0001-77",
            "time": "2026-03-04T05:06:07Z",
            "traceparent": "00-4bf9-00f0-01",
            "attempt": 5,
            "sampled": false,
        });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    vec![
        base(json!({ "datacontenttype": "application/octet-stream", "data_base64": "AQIDBA==" })),
        base(json!({ "datacontenttype": "application/xml", "data": "<order id=\"7\"/>", "unset": null })),
        base(
            json!({ "datacontenttype": "application/json", "data": { "a": "b", "n": 1, "ok": true }, "subject": null }),
        ),
        base(json!({ "data": "just a string, and JSON as such", "subject": null })),
        base(json!({ "data": null, "subject": "order-7", "dataschema": "https://acme.example/order.json" })),
        json!({ "specversion": "1.0", "type": "t", "source": "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "id": "1" }),
    ]
}

#[test]
fn events_of_other_programs_are_read_and_written_back_unchanged() {
    for mut json in foreign_events() {
        let event: Event = serde_json::from_value(json.clone()).unwrap();
        let written = serde_json::to_value(&event).unwrap();
        assert_eq!(serde_json::from_value::<Event>(written.clone()).unwrap(), event);
        // An attribute that is null is one that is not set; data that is null is data.
        json.as_object_mut().unwrap().retain(|name, value| name == "data" || !value.is_null());
        assert_eq!(written, json);
    }
}

#[test]
fn an_event_is_valid_by_the_published_schema() {
    let schema: Value = serde_json::from_str(include_str!("data/cloudevents.json")).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let check = |json: &Value| {
        let faults: Vec<_> = schema.iter_errors(json).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{json}: {faults:?}");
    };
    check(&serde_json::to_value(Event::new("a").unwrap()).unwrap());
    let full = Event::builder("io.example.device.started")
        .source("https://example.io/racks/7?side=left")
        .subject("slot 4")
        .about("example.io", "Device", "dev-123")
        .data(&json!({ "watts": 12 }))
        .data_schema("https://example.io/schemas/device.json")
        .extension("attempt", 3)
        .build()
        .unwrap();
    let full = serde_json::to_value(full).unwrap();
    check(&full);
    assert_eq!(
        (&full["resourcegroup"], &full["resourcekind"], &full["resourceuid"]),
        (&json!("example.io"), &json!("Device"), &json!("dev-123"))
    );
    for json in foreign_events() {
        check(&json);
        check(&serde_json::to_value(serde_json::from_value::<Event>(json).unwrap()).unwrap());
    }
    // What the schema refuses, reading refuses too.
    for (name, bad) in [("id", json!("")), ("type", json!("")), ("source", json!("a b")), ("time", json!("today"))] {
        let mut json = full.clone();
        json[name] = bad;
        assert!(!schema.is_valid(&json), "{name}");
        assert!(serde_json::from_value::<Event>(json).is_err(), "{name}");
    }
}

/// Runs a future that needs no runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
