//! The pure core of the work queue against a small model of what it promises.
#![allow(clippy::unwrap_used)]

mod queue_sources;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use queue_sources::backoff::Backoff;
use queue_sources::core::{Core, Nanos, Next, Priority, Reasons};
use queue_sources::key::Hasher;
use queue_sources::stats::Depth;
use queue_sources::timing::Timing;

const BACKOFF: Backoff = Backoff::exponential(Duration::from_nanos(4), Duration::from_nanos(20));

/// The numbers of the wake-ups, so that none is lost or handed out twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wakes(Vec<usize>);

impl Reasons for Wakes {
    fn merge(&mut self, later: Self) {
        self.0.extend(later.0);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8, Priority),
    AddAfter(u8, u64),
    AddRateLimited(u8),
    Pop,
    /// Ends one of the runs, the `usize`-th in flight; `bool`: the wake-ups during it are its own.
    Done(usize, Next, bool),
    Forget(u8),
    Sweep,
    Advance(u64),
}

/// The steps don't depend on what happened: the model is beside the core, where what was popped is known.
struct Steps;

impl ReferenceStateMachine for Steps {
    type State = ();
    type Transition = Step;

    fn init_state() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn transitions((): &()) -> BoxedStrategy<Step> {
        let key = 0..5_u8;
        let next = prop_oneof![
            Just(Next::Forget),
            Just(Next::Requeue),
            Just(Next::Retry),
            Just(Next::Hold),
            (0..30_u64).prop_map(|delay| Next::After(Duration::from_nanos(delay))),
        ];
        let priority = prop_oneof![Just(Priority::Live), Just(Priority::Background)];
        prop_oneof![
            4 => (key.clone(), priority).prop_map(|(key, priority)| Step::Add(key, priority)),
            2 => (key.clone(), 0..30_u64).prop_map(|(key, delay)| Step::AddAfter(key, delay)),
            1 => key.clone().prop_map(Step::AddRateLimited),
            6 => Just(Step::Pop),
            5 => (0..5_usize, next, any::<bool>()).prop_map(|(nth, next, own)| Step::Done(nth, next, own)),
            1 => key.prop_map(Step::Forget),
            3 => Just(Step::Sweep),
            3 => (1..15_u64).prop_map(Step::Advance),
        ]
        .boxed()
    }

    fn apply((): (), _: &Step) {}
}

/// What the model knows about a key.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    /// To run now; while it runs: to run again.
    due: Option<Priority>,
    /// Since when.
    since: Nanos,
    running: Option<Priority>,
    gone: bool,
    failures: u32,
    requeue_at: Option<Nanos>,
    after_at: Option<Nanos>,
    wakes: Vec<usize>,
    later_wakes: Vec<usize>,
}

impl Known {
    fn wake(&mut self, now: Nanos, priority: Priority, counts: &mut Counts) {
        if self.due.is_none() {
            self.since = now;
            counts.adds += 1;
        }
        self.due = self.due.max(Some(priority));
    }

    fn timer(&self) -> Option<Nanos> {
        self.requeue_at.into_iter().chain(self.after_at).min()
    }
}

struct Both {
    core: Core<u8, Wakes>,
    hasher: Hasher,
    model: BTreeMap<u8, Known>,
    now: Nanos,
    /// Keys that run, and their slots.
    /// And when they began.
    flights: Vec<(u8, u32, Nanos)>,
    steps: usize,
    counts: Counts,
}

/// What the core is to have counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    adds: u64,
    retries: u64,
    pops: u64,
    dones: u64,
    waited: Duration,
    worked: Duration,
}

impl Both {
    fn pop(&mut self) {
        for known in self.model.values_mut() {
            let fires = |at: &mut Option<Nanos>| at.take_if(|at| *at <= self.now);
            let requeue = fires(&mut known.requeue_at);
            let after = fires(&mut known.after_at);
            if after.is_some() {
                let wakes = std::mem::take(&mut known.later_wakes);
                known.wakes.extend(wakes);
            }
            if let Some(at) = requeue.into_iter().chain(after).min() {
                known.wake(at, Priority::Live, &mut self.counts);
            }
        }
        let due = self.model.values().filter(|known| known.due.is_some() && known.running.is_none()).count();
        let Some(taken) = self.core.pop(|| self.now) else {
            assert_eq!(due, 0, "a key that is due is not handed out");
            return;
        };
        let known = self.model.get_mut(&taken.key).expect("a key that nobody added");
        assert_eq!(known.running, None, "handed out twice at once");
        assert_eq!(known.due.take(), Some(taken.priority), "not due, or in the wrong lane");
        assert_eq!(taken.failures, known.failures);
        assert_eq!(std::mem::take(&mut known.wakes), taken.reasons.0, "reasons lost or invented");
        known.running = Some(taken.priority);
        known.requeue_at = None;
        self.counts.pops += 1;
        self.counts.waited += Duration::from_nanos(self.now - std::mem::take(&mut known.since));
        self.flights.push((taken.key, taken.slot, self.now));
    }

    fn done(&mut self, nth: usize, next: Next, own: bool) {
        if self.flights.is_empty() {
            return;
        }
        let (key, slot, began) = self.flights.remove(nth % self.flights.len());
        let known = self.model.get_mut(&key).expect("it runs");
        let taken = known.running.take().expect("it runs");
        self.counts.dones += 1;
        self.counts.worked += Duration::from_nanos(self.now - began);
        let mut asked = None;
        self.core.done(self.now, slot, next, |wakes| {
            asked = Some(wakes.0.clone());
            own
        });
        assert_eq!(asked, known.due.map(|_| known.wakes.clone()));
        if own && known.due.is_some() {
            (known.due, known.since) = (None, 0);
            known.wakes.clear();
        }
        let after = |delay: Duration| u64::try_from(delay.as_nanos()).ok().map(|delay| self.now + delay);
        let gone = std::mem::take(&mut known.gone);
        match if gone { Next::Forget } else { next } {
            Next::Forget => known.failures = 0,
            Next::Requeue => {
                known.failures = 0;
                known.wake(self.now, taken, &mut self.counts);
            }
            Next::After(delay) => {
                known.failures = 0;
                known.requeue_at = after(delay);
                self.counts.retries += 1;
            }
            Next::Retry => {
                known.requeue_at = after(BACKOFF.delay(known.failures));
                known.failures += 1;
                self.counts.retries += 1;
            }
            Next::Hold => {}
        }
    }

    fn forget(&mut self, key: u8) {
        self.core.forget(&key);
        if let Some(known) = self.model.get_mut(&key) {
            let running = known.running;
            *known = Known { running, gone: running.is_some(), ..Known::default() };
        }
    }

    fn sweep(&mut self) {
        let keys = self.core.sweep();
        assert!(keys.iter().all(|key| !self.model.contains_key(key)), "a key is gone about which something is known");
    }

    fn check_stats(&self) {
        let due = |priority| self.model.values().filter(|known| known.due == Some(priority)).count();
        let stats = self.core.stats(self.now);
        assert_eq!(stats.depth, Depth { live: due(Priority::Live), background: due(Priority::Background) });
        assert_eq!(stats.running, self.flights.len());
        let times = stats.times.expect("it is timed");
        let counted = Counts {
            adds: stats.adds,
            retries: stats.retries,
            pops: times.waited.count(),
            dones: times.worked.count(),
            waited: times.waited.sum,
            worked: times.worked.sum,
        };
        assert_eq!(counted, self.counts);
        let ages = || self.flights.iter().map(|&(_, _, began)| Duration::from_nanos(self.now - began));
        assert_eq!(times.unfinished, ages().sum());
        assert_eq!(times.longest_running, ages().max().unwrap_or_default());
    }

    fn check(&mut self) {
        self.model.retain(|_, known| *known != Known::default());
        let count = |is: fn(&Known) -> bool| self.model.values().filter(|known| is(known)).count();
        assert_eq!(self.core.slots(), self.model.len(), "a slot too many, or one lost");
        assert_eq!(self.core.running(), count(|known| known.running.is_some()));
        assert_eq!(self.core.queued(), count(|known| known.due.is_some() && known.running.is_none()));
        assert_eq!(self.core.timers(), count(|known| known.timer().is_some()));
        assert_eq!(self.core.next_timer(), self.model.values().filter_map(Known::timer).min());
        self.check_stats();
        for key in 0..5 {
            let known = self.model.get(&key);
            assert_eq!(self.core.failures(&key), known.map_or(0, |known| known.failures));
            let queued = known.is_some_and(|known| known.due.is_some() && known.running.is_none());
            let next_run = self.core.next_run(&key);
            if queued {
                assert!(next_run.is_some_and(|at| at <= self.now));
            } else {
                assert_eq!(next_run, known.and_then(Known::timer));
            }
        }
    }
}

impl StateMachineTest for Both {
    type SystemUnderTest = Self;
    type Reference = Steps;

    fn init_test((): &()) -> Self {
        let hasher = Hasher::default();
        Self {
            core: Core::new(BACKOFF, hasher.clone(), Some(Timing::default())),
            hasher,
            model: BTreeMap::new(),
            now: 0,
            flights: Vec::new(),
            steps: 0,
            counts: Counts::default(),
        }
    }

    fn apply(mut both: Self, (): &(), step: Step) -> Self {
        both.steps += 1;
        let (now, wakes) = (both.now, Wakes(vec![both.steps]));
        match step {
            Step::Add(key, priority) => {
                let known = both.model.entry(key).or_default();
                known.wake(now, priority, &mut both.counts);
                known.wakes.push(both.steps);
                both.core.add(now, both.hasher.hashed(key), wakes, priority);
            }
            Step::AddAfter(key, delay) => {
                let known = both.model.entry(key).or_default();
                known.after_at = Some(known.after_at.map_or(now + delay, |at| at.min(now + delay)));
                known.later_wakes.push(both.steps);
                both.counts.retries += 1;
                both.core.add_after(now, both.hasher.hashed(key), wakes, Duration::from_nanos(delay));
            }
            Step::AddRateLimited(key) => {
                let known = both.model.entry(key).or_default();
                let at = now + u64::try_from(BACKOFF.delay(known.failures).as_nanos()).unwrap();
                known.failures += 1;
                known.after_at = Some(known.after_at.map_or(at, |earlier| earlier.min(at)));
                known.later_wakes.push(both.steps);
                both.counts.retries += 1;
                both.core.add_rate_limited(now, both.hasher.hashed(key), wakes);
            }
            Step::Pop => both.pop(),
            Step::Done(nth, next, own) => both.done(nth, next, own),
            Step::Forget(key) => both.forget(key),
            Step::Sweep => both.sweep(),
            Step::Advance(by) => both.now += by,
        }
        both.check();
        both
    }
}

prop_state_machine! {
    #![proptest_config(Config { cases: 1_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_sequence_of_steps_does_what_the_model_says(sequential 1..60 => Both);
}
