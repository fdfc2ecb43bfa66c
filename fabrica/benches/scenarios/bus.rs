//! From publish to delivery, with a thousand patterns.

use std::time::Instant;

use fabrica::event::{Delivery, Event, EventBus, Pattern};
use tokio::runtime::Builder;

use crate::Options;
use crate::report::Outcome;

/// How many subscribers listen, each to a type of its own.
const PATTERNS: usize = 1000;

/// Publishes one event for each object, to a thousand subscribers in turn, that run on so many threads.
///
/// The time is that from the first publish until the last event is delivered, the making of the events included; the
/// number is that of the events that were not delivered.
pub fn run(options: &Options) -> Outcome {
    let Options { objects, workers } = *options;
    let runtime = Builder::new_multi_thread().worker_threads(workers).build().expect("the runtime starts");
    runtime.block_on(async {
        let bus = EventBus::new();
        let types: Vec<String> = (0..PATTERNS).map(|number| format!("io.example.device{number}.updated")).collect();
        let subscribers: Vec<_> = types
            .iter()
            .map(|event_type| {
                let mut events = bus.subscribe(Pattern::parse(event_type).expect("the type has no wildcard"));
                tokio::spawn(async move {
                    let mut delivered = 0;
                    while let Some(delivery) = events.next().await {
                        delivered += usize::from(matches!(delivery, Delivery::Event(_)));
                    }
                    delivered
                })
            })
            .collect();

        let start = Instant::now();
        for event_type in types.iter().cycle().take(objects) {
            let event = Event::new(event_type.as_str()).expect("the type is not empty");
            bus.publish(event).expect("the bus is open");
        }
        bus.close();
        let mut delivered = 0;
        for subscriber in subscribers {
            delivered += subscriber.await.expect("a subscriber does not panic");
        }
        Outcome { lost: (objects - delivered) as u64, ..Outcome::of(start.elapsed().as_secs_f64()) }
    })
}
