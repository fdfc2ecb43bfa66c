//! The log of a harness: every run, write and event, in their order, with the time since its start.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::record::{Record, Run, Write};
use crate::event::{Delivery, Event, EventBus, Pattern, Subscription};
use crate::resource::ObjectKey;
use crate::{Error, ErrorKind};

/// How many runs of one object, without a pause, are a loop that never ends.
const HOT: u32 = 1_000;
/// How many lines of the log a message shows.
const SHOWN: usize = 60;

/// What happened, and what of it the test has looked at.
pub(super) struct Log {
    started: Instant,
    state: Mutex<State>,
    /// Something happened.
    stirred: Notify,
    /// Something is wrong with the test's subject.
    alarmed: Notify,
}

struct State {
    /// With whether the test has looked at it.
    records: Vec<(Record, bool)>,
    /// Everything that is published, once the bus is known.
    events: Option<Subscription>,
    runs: Counter,
    alarm: Option<String>,
}

/// How often each object ran since it was last set to zero.
struct Counter {
    of: HashMap<ObjectKey, u32>,
    /// Do only runs at one instant count together?
    by_instant: bool,
    at: Instant,
}

impl Log {
    pub(super) fn new() -> Self {
        let started = Instant::now();
        let runs = Counter { of: HashMap::new(), by_instant: true, at: started };
        let state = State { records: Vec::new(), events: None, runs, alarm: None };
        Self { started, state: Mutex::new(state), stirred: Notify::new(), alarmed: Notify::new() }
    }

    /// Writes down what is published from now on. Nothing is ever dropped: what nobody looks at waits.
    pub(super) fn listen(self: &Arc<Self>, bus: &EventBus) {
        self.state.lock().events = Some(bus.subscribe_with(Pattern::all(), usize::MAX));
        let (mut bell, log) = (bus.subscribe_with(Pattern::all(), 1), Arc::downgrade(self));
        tokio::spawn(async move {
            while bell.next().await.is_some() {
                let Some(log) = log.upgrade() else { return };
                log.collect_events();
            }
        });
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// A run begins; where it stands in the log.
    pub(super) fn began(&self, run: Run) -> usize {
        let mut state = self.state.lock();
        state.collect_events(self.elapsed());
        if state.runs.count(&run.key) == HOT {
            let message = format!(
                "{} never gets quiet: it ran {HOT} times without a pause, the last because: {}; a run that changes \
                 something each time, or that answers `Requeue` each time, wakes itself for ever",
                run.object, run.reasons
            );
            state.alarm.get_or_insert(message);
            self.alarmed.notify_one();
        }
        state.records.push((Record::Run(run), false));
        state.records.len() - 1
    }

    /// The run at a place of the log is over.
    pub(super) fn ended(&self, place: usize, error: Option<&Error>) {
        let mut state = self.state.lock();
        let at = self.elapsed();
        state.collect_events(at);
        let Some((Record::Run(run), _)) = state.records.get_mut(place) else { return };
        run.is_over = true;
        run.error = error.map(ToString::to_string);
        if let Some(error) = run.error.clone() {
            let object = Arc::clone(&run.object);
            state.records.push((Record::Failed { at, object, error }, true));
        }
        self.stirred.notify_one();
    }

    pub(super) fn wrote(&self, write: Write) {
        let mut state = self.state.lock();
        state.collect_events(write.at);
        state.records.push((Record::Write(write), false));
        self.stirred.notify_one();
    }

    /// Takes over the events that were published.
    pub(super) fn collect_events(&self) {
        self.state.lock().collect_events(self.elapsed());
    }

    /// A run keeps the thread busy and gets nowhere.
    pub(super) fn alarm(&self, message: String) {
        self.state.lock().alarm.get_or_insert(message);
        self.alarmed.notify_one();
    }

    /// Counts the runs of each object from zero; with `by_instant`, anew whenever the clock moves.
    pub(super) fn count_anew(&self, by_instant: bool) {
        let mut state = self.state.lock();
        state.runs = Counter { of: HashMap::new(), by_instant, at: Instant::now() };
        state.alarm = None;
    }

    /// Waits until something happens: a run ends, or a write was made.
    pub(super) async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// Waits until something is wrong.
    pub(super) async fn alarmed(&self) -> Error {
        loop {
            let alarm = self.state.lock().alarm.take();
            if let Some(message) = alarm {
                return self.trouble(&message);
            }
            self.alarmed.notified().await;
        }
    }

    /// An error, with the story up to here.
    pub(super) fn trouble(&self, message: &str) -> Error {
        Error::new(ErrorKind::Timeout, format!("{message}\n{}", self.story()))
    }

    /// The runs that are not over.
    pub(super) fn running(&self) -> Vec<Run> {
        let state = self.state.lock();
        let runs =
            state.records.iter().filter_map(|(record, _)| if let Record::Run(run) = record { Some(run) } else { None });
        runs.filter(|run| !run.is_over).cloned().collect()
    }

    pub(super) fn take_runs(&self) -> Vec<Run> {
        self.take(|record| if let Record::Run(run) = record { Some(run.clone()) } else { None })
    }

    pub(super) fn take_writes(&self) -> Vec<Write> {
        self.take(|record| if let Record::Write(write) = record { Some(write.clone()) } else { None })
    }

    pub(super) fn take_events(&self, pattern: &Pattern) -> Vec<Arc<Event>> {
        self.take_events_if(|event| pattern.matches(event.event_type()))
    }

    /// Those that are not the framework's own: its own carry the version that they tell of.
    pub(super) fn take_users_events(&self) -> Vec<Arc<Event>> {
        self.take_events_if(|event| !event.extensions().contains_key("resourceversion"))
    }

    fn take_events_if(&self, wanted: impl Fn(&Event) -> bool) -> Vec<Arc<Event>> {
        self.collect_events();
        self.take(|record| match record {
            Record::Event { event, .. } if wanted(event) => Some(Arc::clone(event)),
            _ => None,
        })
    }

    /// What the test has not looked at yet, and now has.
    fn take<T>(&self, wanted: impl Fn(&Record) -> Option<T>) -> Vec<T> {
        let mut state = self.state.lock();
        let unseen = state.records.iter_mut().filter(|(_, seen)| !seen);
        unseen
            .filter_map(|(record, seen)| {
                let found = wanted(record)?;
                *seen = true;
                Some(found)
            })
            .collect()
    }

    /// The last lines of the log.
    pub(super) fn story(&self) -> String {
        let mut state = self.state.lock();
        state.collect_events(self.elapsed());
        let earlier = state.records.len().saturating_sub(SHOWN);
        let mut story = format!("what happened up to {:.3}s:", self.elapsed().as_secs_f64());
        if earlier > 0 {
            let _ = write!(story, "\n  ({earlier} earlier lines)");
        }
        for (record, _) in &state.records[earlier..] {
            let _ = write!(story, "\n{record}");
        }
        story
    }
}

impl State {
    /// Whatever was published since the last time goes into the log before what comes next.
    fn collect_events(&mut self, at: Duration) {
        let Some(events) = &mut self.events else { return };
        while let Some(Some(Delivery::Event(event))) = tokio::task::unconstrained(events.next()).now_or_never() {
            self.records.push((Record::Event { at, event }, false));
        }
    }
}

impl Counter {
    fn count(&mut self, key: &ObjectKey) -> u32 {
        let now = Instant::now();
        if self.by_instant && now != self.at {
            self.at = now;
            self.of.clear();
        }
        let count = self.of.entry(key.clone()).or_default();
        *count += 1;
        *count
    }
}
