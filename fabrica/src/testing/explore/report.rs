//! What an exploration says in the end.

use std::fmt;
use std::time::Duration;

use super::course::Course;
use super::finding::{Finding, Flaw};
use super::mask::Masks;
use super::plan::Plan;
use super::reference::Reference;
use super::state::State;
use super::trace::Trace;
use super::world::Seen;

/// How many failures are shown whole, and how many lines of a list.
const WHOLE: usize = 3;
const LISTED: usize = 20;

/// What an exploration found. Shown by `{}`.
pub struct Report {
    plans: usize,
    crashes: usize,
    failures: Vec<Failure>,
    allowed: Vec<Allowed>,
    pruned: Vec<(String, String)>,
    masked: Vec<(String, usize)>,
    unsettled: Vec<String>,
    made_up: Vec<String>,
    not_reached: Vec<String>,
    reference: (usize, usize, Duration),
    took: Option<Duration>,
    traces: Vec<(String, Trace)>,
}

struct Allowed {
    plans: String,
    reason: String,
    failed: Vec<String>,
}

/// A plan that a program does not withstand. Shown by `{}`.
pub struct Failure {
    plan: Option<String>,
    findings: Vec<Finding>,
    divergence: Option<String>,
    table: String,
}

impl Failure {
    pub(super) fn of(plan: &Plan, findings: Vec<Finding>) -> Self {
        Self { plan: Some(plan.to_string()), findings, divergence: None, table: String::new() }
    }

    pub(super) fn new(
        plan: &Plan,
        findings: Vec<Finding>,
        course: &Course,
        state: &State,
        reference: &Reference,
    ) -> Self {
        let of_reference = (&reference.course.seen.trace, &reference.state.names);
        let trace = &course.seen.trace;
        let divergence = trace.divergence(&state.names, of_reference, &reference.masks);
        let place = divergence.as_ref().map(|(place, _)| *place);
        let divergence = divergence.map(|(_, line)| line.map_or_else(|| "it is at its end".to_owned(), shortened));
        Self { plan: Some(plan.to_string()), findings, divergence, table: trace.excerpt(place) }
    }

    /// The plan that replays it, as `FABRICA_PLAN` takes it; empty if it fails without any fault.
    #[must_use]
    pub fn plan(&self) -> &str {
        self.plan.as_deref().unwrap_or_default()
    }

    /// What is wrong, a line for each oracle that found something: `final state: Node a is missing`.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        let line = |finding: &Finding| format!("{}: {}", finding.flaw, finding.lines.join("; "));
        self.findings.iter().map(line).collect()
    }

    fn head(&self) -> String {
        let first = self.findings.first();
        let what =
            first.map(|finding| format!("{}: {}", finding.flaw, finding.lines.first().map_or("", String::as_str)));
        format!("{}  ->  {}", self.plan.as_deref().unwrap_or("without any fault"), what.unwrap_or_default())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "FAIL {}", self.plan.as_deref().unwrap_or("without any fault"))?;
        for Finding { flaw, lines } in &self.findings {
            for (index, line) in lines.iter().enumerate() {
                let flaw = if index == 0 { flaw.to_string() + ":" } else { String::new() };
                writeln!(f, "  {flaw:<20} {line}")?;
            }
        }
        if !self.table.is_empty() {
            writeln!(f, "{}", self.table)?;
        }
        if let Some(divergence) = &self.divergence {
            writeln!(f, "  the reference goes on with: {divergence}")?;
        }
        match &self.plan {
            Some(plan) => writeln!(f, "  replay: FABRICA_PLAN='{plan}' cargo test <this test>"),
            None => writeln!(f, "  it fails by itself: no plan was played"),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Report {
    pub(super) fn new(reference: &Reference, allowed: &[(String, String)]) -> Self {
        let masked = reference
            .masks
            .user
            .iter()
            .map(|(text, mask)| (text.clone(), reference.state.count(|kind, path| mask.covers(kind, path))));
        let allowed = allowed.iter().map(|(plans, reason)| Allowed {
            plans: plans.clone(),
            reason: reason.clone(),
            failed: Vec::new(),
        });
        let seen = &reference.course.seen;
        let unsettled = reference.masks.found.iter();
        Self {
            masked: masked.collect(),
            allowed: allowed.collect(),
            unsettled: unsettled
                .filter(|(_, path)| !Masks::is_built_in(path))
                .map(|(kind, path)| format!("{kind} {path}"))
                .collect(),
            made_up: reference.state.names.made_up().collect(),
            reference: (seen.writes, seen.runs, seen.took),
            ..Self::empty()
        }
    }

    fn empty() -> Self {
        Self {
            plans: 0,
            crashes: 0,
            failures: Vec::new(),
            allowed: Vec::new(),
            pruned: Vec::new(),
            masked: Vec::new(),
            unsettled: Vec::new(),
            made_up: Vec::new(),
            not_reached: Vec::new(),
            reference: (0, 0, Duration::ZERO),
            took: None,
            traces: Vec::new(),
        }
    }

    pub(super) fn of_nothing(message: String) -> Self {
        let findings = vec![Finding { flaw: Flaw::Scenario, lines: vec![message] }];
        let failure = Failure { plan: None, findings, divergence: None, table: String::new() };
        Self { failures: vec![failure], ..Self::empty() }
    }

    pub(super) fn fail_reference(&mut self, reference: &Reference) {
        let table = reference.course.seen.trace.excerpt(None);
        let failure = Failure { plan: None, findings: reference.findings.clone(), divergence: None, table };
        self.failures.push(failure);
    }

    pub(super) fn pruned(&mut self, pruned: &[(Plan, String)]) {
        self.pruned = pruned.iter().map(|(plan, why)| (plan.to_string(), why.clone())).collect();
    }

    /// A plan was played, and looked at.
    pub(super) fn played(&mut self, plan: &Plan, seen: Seen) {
        self.plans += 1;
        self.crashes += usize::from(seen.fired && plan.fault.ends_the_process());
        if !seen.fired {
            self.not_reached.push(plan.to_string());
        }
        self.traces.push((plan.to_string(), seen.trace));
    }

    pub(super) fn fail(&mut self, plan: &Plan, failure: Failure) {
        match self.allowed.iter_mut().find(|allowed| allowed.covers(plan)) {
            Some(allowed) => allowed.failed.push(failure.head()),
            None => self.failures.push(failure),
        }
    }

    /// Everything was played.
    pub(super) fn finish(&mut self, reference: Reference, took: Duration) {
        self.traces.insert(0, ("the reference".to_owned(), reference.course.seen.trace));
        self.took = Some(took);
    }

    /// Did the program withstand every plan that was not allowed to fail?
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty()
    }

    /// The plans that it did not withstand; one without a plan if it does not even do without a fault.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// How many plans were played.
    #[must_use]
    pub fn plans(&self) -> usize {
        self.plans
    }

    /// How many of them ended a process.
    #[must_use]
    pub fn crashes(&self) -> usize {
        self.crashes
    }

    /// The plans that were not played, each with the reason.
    #[must_use]
    pub fn pruned_plans(&self) -> &[(String, String)] {
        &self.pruned
    }

    /// Kind and path of every field that two runs without a fault did not agree on, and that was not compared therefore.
    #[must_use]
    pub fn nondeterministic(&self) -> &[String] {
        &self.unsettled
    }

    /// Everything that happened in every plan. The same scenario has the same log, byte for byte.
    #[must_use]
    pub fn log(&self) -> String {
        let each = self.traces.iter().map(|(plan, trace)| format!("==== {plan}\n{}", trace.table()));
        each.collect()
    }

    /// Panics with the report unless it [is clean](Self::is_clean).
    ///
    /// # Panics
    /// There is a failure.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "the reconciler is not reliable\n{self}");
    }
}

impl Allowed {
    fn covers(&self, plan: &Plan) -> bool {
        let text = plan.to_string();
        let parts: Vec<&str> = text.split(',').collect();
        let name = plan.fault.name();
        self.plans.split(',').map(str::trim).all(|wanted| parts.contains(&wanted) || wanted == name)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (writes, runs, took) = self.reference;
        let verdict = match self.failures.as_slice() {
            [] => "CLEAN".to_owned(),
            [Failure { plan: None, .. }] => "FAILED without any fault".to_owned(),
            failures => format!("FAILED in {} of {} plans", failures.len(), self.plans),
        };
        write!(f, "{verdict}: {} plans, {} crashes", self.plans, self.crashes)?;
        if let Some(took) = self.took {
            write!(f, ", {:.2} s", took.as_secs_f64())?;
        }
        writeln!(
            f,
            "; the reference makes {writes} writes in {runs} runs, {:.0} min of virtual time",
            took.as_secs_f64() / 60.0
        )?;
        for failure in self.failures.iter().take(WHOLE) {
            write!(f, "\n{failure}")?;
        }
        list(f, "further failures", self.failures.iter().skip(WHOLE).map(Failure::head))?;
        for Allowed { plans, reason, failed } in &self.allowed {
            let outcome =
                if failed.is_empty() { "nothing failed".to_owned() } else { format!("{} failed", failed.len()) };
            list(f, &format!("allowed: {plans:?} ({reason}): {outcome}"), failed.iter().cloned())?;
            if failed.is_empty() {
                writeln!(f, "\nallowed: {plans:?} ({reason}), and nothing of it failed: take it out")?;
            }
        }
        let fields = |(path, count): &(String, usize)| format!("{path}: {count} fields of the reference");
        list(f, "masked in the final state", self.masked.iter().map(fields))?;
        list(f, "not compared, since two runs without a fault differ there", self.unsettled.iter().cloned())?;
        list(f, "names that are made up anew each time", self.made_up.iter().cloned())?;
        list(f, "played, but the fault's place was not reached", self.not_reached.iter().cloned())?;
        list(f, "not played", self.pruned.iter().map(|(plan, why)| format!("{plan}: {why}")))
    }
}

/// A line that fits the screen.
fn shortened(line: String) -> String {
    const LONGEST: usize = 160;
    if line.chars().count() <= LONGEST { line } else { line.chars().take(LONGEST).chain(['…']).collect() }
}

fn list(f: &mut fmt::Formatter<'_>, head: &str, lines: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    let all = lines.len();
    if all == 0 {
        return Ok(());
    }
    writeln!(f, "\n{head} ({all}):")?;
    for line in lines.take(LISTED) {
        writeln!(f, "  {line}")?;
    }
    if all > LISTED { writeln!(f, "  and {} more", all - LISTED) } else { Ok(()) }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
