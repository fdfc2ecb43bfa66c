//! What all processes of one run of the scenario share: its one fault, its trace, and its limits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::finding::{Finding, Flaw};
use super::plan::{Fault, Plan, ViewFault, WriteFault};
use super::trace::{Row, Trace, What};
use super::write::Written;
use crate::event::{Delivery, Event, EventBus, Pattern, Subscription};
use crate::store::{Revision, StoreError, Transaction};

/// How long a write of unknown outcome stays unknown, and how long a view stands still.
pub(super) const FAULT_LASTS: Duration = Duration::from_secs(3);
/// How many runs may begin while a view stands still: one that asks again at once would never see the end.
pub(super) const FAULT_RUNS: usize = 5;
/// How many runs of one object, while the clock stands still, are a loop that never ends.
const HOT: u32 = 1_000;

tokio::task_local! {
    /// The number of the run that this is.
    pub(super) static RUN: usize;
}

/// More than this is a loop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) writes: usize,
    pub(super) runs: usize,
}

pub(super) struct World {
    plan: Option<Plan>,
    budget: Budget,
    started: Instant,
    state: Mutex<State>,
    /// The process is to end.
    crashed: Notify,
    /// How many runs have begun.
    begun: watch::Sender<usize>,
    /// There is nothing more to be learnt from this run.
    given_up: Notify,
}

struct State {
    trace: Trace,
    step: Counts,
    /// What each step saw, for the plans.
    steps: Vec<Counts>,
    fired: bool,
    /// A transaction whose outcome nobody may know until then.
    unknown: Option<(Transaction, Instant)>,
    last_write: Instant,
    runs: usize,
    writes: usize,
    hot: (Instant, BTreeMap<String, u32>),
    events: Option<Subscription>,
    idle: bool,
    findings: Vec<Finding>,
    hopeless: bool,
}

/// What happened in one step.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Of each effective write: what it is, the run that made it, and whether an effect came between it and the one before.
    pub(super) writes: Vec<StepWrite>,
    pub(super) effects: Vec<String>,
    /// How often the user wrote.
    pub(super) wishes: usize,
    /// The keys of the objects that changed, in the order in which the watch delivered them, by their kind.
    pub(super) changes: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub(super) struct StepWrite {
    pub(super) run: Option<usize>,
    pub(super) after_effect: bool,
}

/// What is to become of an effective write.
#[derive(Debug)]
pub(super) enum Verdict {
    Go,
    Refuse(StoreError),
    CrashBefore,
    CrashAfter,
    /// Make it, and say that nobody knows.
    Unknown,
}

impl World {
    pub(super) fn new(plan: Option<Plan>, budget: Budget) -> Self {
        let now = Instant::now();
        let state = State {
            trace: Trace::default(),
            step: Counts::default(),
            steps: Vec::new(),
            fired: false,
            unknown: None,
            last_write: now,
            runs: 0,
            writes: 0,
            hot: (now, BTreeMap::new()),
            events: None,
            idle: false,
            findings: Vec::new(),
            hopeless: false,
        };
        let (crashed, given_up, begun) = Default::default();
        Self { plan, budget, started: now, state: Mutex::new(state), crashed, begun, given_up }
    }

    pub(super) fn record(&self, what: What) {
        let mut state = self.state.lock();
        state.collect_events(self.started);
        state.trace.rows.push(Row { at: self.started.elapsed(), what });
    }

    /// Whatever a process publishes from now on goes into the trace.
    pub(super) fn listen(&self, bus: &EventBus) {
        self.state.lock().events = Some(bus.subscribe_with(Pattern::all(), usize::MAX));
    }

    pub(super) fn begin_step(&self, name: &str) {
        let mut state = self.state.lock();
        let counts = std::mem::take(&mut state.step);
        state.steps.push(counts);
        state.last_write = Instant::now();
        drop(state);
        self.record(What::Step(name.to_owned()));
    }

    /// From now on nothing should be written.
    pub(super) fn begin_idle(&self) {
        self.state.lock().idle = true;
        self.record(What::Idle);
    }

    /// When something was last written.
    pub(super) fn last_write(&self) -> Instant {
        self.state.lock().last_write
    }

    /// Waits until the process is to end.
    pub(super) async fn crashed(&self) {
        self.crashed.notified().await;
    }

    /// Waits until there is nothing more to be learnt.
    pub(super) async fn given_up(&self) {
        loop {
            if self.state.lock().hopeless {
                return;
            }
            self.given_up.notified().await;
        }
    }

    pub(super) fn find(&self, flaw: Flaw, text: impl Into<String>) {
        let mut state = self.state.lock();
        let finding = Finding { flaw, lines: vec![text.into()] };
        if !state.findings.contains(&finding) {
            state.findings.push(finding);
        }
    }

    pub(super) fn give_up(&self, flaw: Flaw, text: impl Into<String>) {
        self.find(flaw, text);
        self.state.lock().hopeless = true;
        self.given_up.notify_one();
    }

    /// Takes the step's fault, if this is its place.
    fn due(&self, state: &mut State, is_it: impl FnOnce(&Fault) -> bool) -> Option<Fault> {
        let plan = self.plan.as_ref()?;
        let step = state.steps.len().checked_sub(1)?;
        if state.fired || plan.step != step || !is_it(&plan.fault) {
            return None;
        }
        state.fired = true;
        let row = Row { at: self.started.elapsed(), what: What::Fault(plan.to_string()) };
        state.collect_events(self.started);
        state.trace.rows.push(row);
        Some(plan.fault.clone())
    }

    /// Is this a transaction whose outcome nobody may know yet?
    pub(super) fn is_unknown(&self, txn: &Transaction) -> bool {
        let mut state = self.state.lock();
        if state.unknown.as_ref().is_some_and(|(_, until)| Instant::now() >= *until) {
            state.unknown = None;
        }
        state.unknown.as_ref().is_some_and(|(unknown, _)| unknown == txn)
    }

    /// A process is about to make an effective write.
    pub(super) fn judge(&self, txn: &Transaction) -> Verdict {
        let mut state = self.state.lock();
        let after_effect = state.trace.effects_since_write > 0;
        state.step.writes.push(StepWrite { run: RUN.try_with(|run| *run).ok(), after_effect });
        state.trace.effects_since_write = 0;
        let number = state.step.writes.len();
        let fault = self.due(&mut state, |fault| matches!(fault, Fault::Write(_, at) if *at == number));
        let Some(Fault::Write(fault, _)) = fault else { return Verdict::Go };
        match fault {
            WriteFault::CrashBefore => Verdict::CrashBefore,
            WriteFault::CrashAfter | WriteFault::TravelBack => Verdict::CrashAfter,
            WriteFault::Conflict => Verdict::Refuse(StoreError::Conflict { index: 0, current: None }),
            WriteFault::Unavailable => Verdict::Refuse(StoreError::Unavailable("a planned fault".into())),
            WriteFault::Unknown => {
                state.unknown = Some((txn.clone(), Instant::now() + FAULT_LASTS));
                Verdict::Unknown
            }
        }
    }

    /// An effective write was made.
    pub(super) fn wrote(&self, revision: Revision, written: Written, by_user: bool) {
        let run = RUN.try_with(|run| *run).ok();
        let mut state = self.state.lock();
        state.last_write = Instant::now();
        if by_user {
            state.step.wishes += 1;
        } else {
            state.writes += 1;
        }
        let (idle, writes) = (state.idle, state.writes);
        drop(state);
        if idle {
            let what = format!("{} {}, though nothing had changed", written.deed().as_str(), title_of(&written));
            self.find(Flaw::NotQuiet, what);
        }
        self.record(What::Write { revision, written, run, by_user });
        if writes > self.budget.writes {
            self.give_up(Flaw::Budget, format!("more than {} writes: it never stops", self.budget.writes));
        }
    }

    /// The process is to end now.
    pub(super) fn crash(&self) {
        self.record(What::Crash);
        self.crashed.notify_one();
    }

    /// An effect was done; is the process to end now?
    pub(super) fn effect(&self, name: &str) -> bool {
        let run = RUN.try_with(|run| *run).ok();
        self.record(What::Effect { name: name.to_owned(), run });
        let mut state = self.state.lock();
        state.trace.effects_since_write += 1;
        state.step.effects.push(name.to_owned());
        let number = state.step.effects.len();
        self.due(&mut state, |fault| matches!(fault, Fault::EffectCrash(at) if *at == number)).is_some()
    }

    /// A change of an object comes through the watch; what is to become of the view, from here on?
    pub(super) fn delivers(&self, kind: &str, key: &str) -> Option<ViewFault> {
        let mut state = self.state.lock();
        state.step.changes.push((kind.to_owned(), key.to_owned()));
        let number = state.step.changes.iter().filter(|(of, _)| of == kind).count();
        let short = kind.rsplit_once('/').map_or(kind, |(_, short)| short);
        let is_it = |fault: &Fault| matches!(fault, Fault::View(_, of, at) if of == short && *at == number);
        match self.due(&mut state, is_it)? {
            Fault::View(fault, ..) => Some(fault),
            _ => None,
        }
    }

    /// Does the next process start from the past?
    pub(super) fn travels_back(&self) -> bool {
        let is_it = |plan: &Plan| matches!(plan.fault, Fault::Write(WriteFault::TravelBack, _));
        self.plan.as_ref().is_some_and(is_it) && self.state.lock().fired
    }

    /// Waits until so many more runs have begun.
    pub(super) fn runs_on(&self, more: usize) -> impl Future<Output = ()> + Send + 'static {
        let mut begun = self.begun.subscribe();
        let enough = *begun.borrow() + more;
        async move {
            // The world outlives its processes.
            let _ = begun.wait_for(|begun| *begun >= enough).await;
        }
    }

    /// A run begins; its number.
    pub(super) fn began(&self, object: String, reasons: String, attempt: u32) -> usize {
        let mut state = self.state.lock();
        state.runs += 1;
        let number = state.runs;
        let now = Instant::now();
        if state.hot.0 != now {
            state.hot = (now, BTreeMap::new());
        }
        let count = state.hot.1.entry(object.clone()).or_default();
        *count += 1;
        let is_hot = *count == HOT;
        drop(state);
        if is_hot {
            self.give_up(
                Flaw::Budget,
                format!("{object} ran {HOT} times without a pause, the last because: {reasons}"),
            );
        }
        if number > self.budget.runs {
            self.give_up(Flaw::Budget, format!("more than {} runs: it never stops", self.budget.runs));
        }
        self.record(What::Run { number, object, reasons, attempt });
        self.begun.send_replace(number);
        number
    }

    /// All that was seen.
    pub(super) fn into_seen(self: &Arc<Self>) -> Seen {
        let mut state = self.state.lock();
        state.collect_events(self.started);
        let counts = std::mem::take(&mut state.step);
        state.steps.push(counts);
        let mut steps = std::mem::take(&mut state.steps);
        // What came before the first step is nobody's.
        if !steps.is_empty() {
            steps.remove(0);
        }
        Seen {
            trace: std::mem::take(&mut state.trace),
            steps,
            findings: std::mem::take(&mut state.findings),
            fired: state.fired,
            runs: state.runs,
            writes: state.writes,
            took: self.started.elapsed(),
        }
    }
}

/// What one run of the scenario showed.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) trace: Trace,
    pub(super) steps: Vec<Counts>,
    pub(super) findings: Vec<Finding>,
    pub(super) fired: bool,
    pub(super) runs: usize,
    pub(super) writes: usize,
    pub(super) took: Duration,
}

pub(super) fn title_of(written: &Written) -> String {
    super::names::title(written.short_kind(), &written.object())
}

impl State {
    fn collect_events(&mut self, started: Instant) {
        let Some(events) = &mut self.events else { return };
        // The framework's own events carry the version that they tell of: the writes say the same.
        let is_own = |event: &Event| event.extensions().contains_key("resourceversion");
        let mut rows = Vec::new();
        while let Some(Some(Delivery::Event(event))) = tokio::task::unconstrained(events.next()).now_or_never() {
            if !is_own(&event) {
                let what = What::Event {
                    kind: event.event_type().to_owned(),
                    subject: event.subject().unwrap_or_default().to_owned(),
                };
                rows.push(Row { at: started.elapsed(), what });
            }
        }
        self.trace.rows.append(&mut rows);
    }
}
