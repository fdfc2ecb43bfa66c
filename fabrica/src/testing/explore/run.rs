//! The exploration itself: the reference, then every plan.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::course::play;
use super::finding::{Finding, Flaw};
use super::mask::Masks;
use super::plan::Plan;
use super::plans::Plans;
use super::progress::Progress;
use super::reference::Reference;
use super::report::{Failure, Report};
use super::scenario::Scenario;
use super::state::{State, left_behind};

/// The one plan to play.
const PLAN: &str = "FABRICA_PLAN";

/// Runs something on a thread of its own, which may have a runtime of its own, and waits for it.
///
/// What it prints, and its panics, are those of the caller.
pub(super) async fn on_own_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, answer) = tokio::sync::oneshot::channel();
    let log = tracing::dispatcher::get_default(Clone::clone);
    let thread = thread::Builder::new().name("explore".to_owned()).spawn(move || {
        let answer = tracing::dispatcher::with_default(&log, work);
        // Whoever does not wait any more wants no answer.
        let _ = done.send(answer);
    });
    let thread = thread.unwrap_or_else(|error| panic!("a thread can't be started: {error}"));
    match answer.await {
        Ok(answer) => answer,
        Err(_) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("the thread sends its answer last"),
        },
    }
}

pub(super) fn explore(scenario: &Scenario, masks: Masks, allowed: &[(String, String)], strict: bool) -> Report {
    let only = std::env::var(PLAN).ok().filter(|plan| !plan.is_empty());
    let only: Option<Plan> = only.map(|plan| plan.parse().unwrap_or_else(|error| panic!("{PLAN}: {error}")));
    let started = Instant::now();
    let reference = quietly(only.is_none(), || Reference::play(scenario, masks));
    let reference = match reference {
        Ok(reference) => reference,
        Err(error) => return Report::of_nothing(format!("the scenario can't be played: {error}")),
    };
    let mut report = Report::new(&reference, allowed);
    if !reference.findings.is_empty() {
        report.fail_reference(&reference);
        return report;
    }
    let plans = match &only {
        Some(plan) => Plans { plans: vec![plan.clone()], pruned: Vec::new() },
        None => Plans::of(&reference.course.seen.steps, strict, !scenario.states.is_empty()),
    };
    report.pruned(&plans.pruned);
    let mut progress = Progress::new(plans.plans.len(), started);
    let play =
        |plan: &Plan| quietly(only.is_none(), || play(scenario, Some(plan), reference.budget(), Reference::seed()));
    side_by_side(&plans.plans, play, |plan, course| {
        progress.next();
        let course = match course {
            Ok(course) => course,
            Err(error) => {
                report.fail(
                    plan,
                    Failure::of(plan, vec![Finding { flaw: Flaw::Scenario, lines: vec![error.to_string()] }]),
                );
                return;
            }
        };
        if only.is_some() {
            eprint!("{}", course.seen.trace.table());
        }
        let mut findings = course.seen.findings.clone();
        let state = State::of(&course, &reference.prefixes);
        findings.extend(left_behind(&course));
        // What was cut short is not compared: it did not come to an end.
        if !findings.iter().any(|finding| matches!(finding.flaw, Flaw::Scenario | Flaw::Budget | Flaw::NoRest)) {
            let wishes = reference.course.seen.steps.get(plan.step).map_or(0, |counts| counts.wishes);
            let with_summary = wishes < 2 || !plan.fault.hides_states();
            findings.extend(state.compare(&reference.state, &reference.masks, with_summary));
        }
        if !findings.is_empty() {
            findings.sort_by_key(|finding| finding.flaw);
            report.fail(plan, Failure::new(plan, findings, &course, &state, &reference));
        }
        report.played(plan, course.seen);
    });
    report.finish(reference, started.elapsed());
    report
}

/// With `silent`, without what the program logs: the trace tells of it, if it is of interest.
fn quietly<T>(silent: bool, work: impl FnOnce() -> T) -> T {
    if silent { tracing::dispatcher::with_default(&tracing::Dispatch::none(), work) } else { work() }
}

/// Does the work for each of the items, on as many threads as there are cores. What comes of it is taken in the order of
/// the items, whoever is done first.
fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync, mut take: impl FnMut(&T, R)) {
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    let next = AtomicUsize::new(0);
    let log = tracing::dispatcher::get_default(Clone::clone);
    thread::scope(|scope| {
        let (done, results) = mpsc::channel();
        for _ in 0..workers {
            let (done, next, work, log) = (done.clone(), &next, &work, &log);
            scope.spawn(move || {
                tracing::dispatcher::with_default(log, || {
                    while let number = next.fetch_add(1, Ordering::Relaxed)
                        && let Some(item) = items.get(number)
                        && done.send((number, work(item))).is_ok()
                    {}
                });
            });
        }
        // So that the results end with the workers.
        drop(done);
        let (mut waiting, mut taken) = (BTreeMap::new(), 0);
        for (number, result) in results {
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&taken) {
                take(&items[taken], result);
                taken += 1;
            }
        }
    });
}
