//! The reference: the scenario without a fault, played twice to find what differs by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use super::course::{Course, Seed, play};
use super::finding::{Finding, Flaw};
use super::mask::Masks;
use super::names::prefixes;
use super::scenario::Scenario;
use super::state::{State, left_behind};
use super::world::Budget;
use crate::Result;

/// What a program may do without a fault: far more than any scenario needs.
const BUDGET: Budget = Budget { writes: 2_000, runs: 200_000 };
/// What every run of the scenario is drawn from, but for the second reference.
const SEED: Seed = Seed { names: 1, delay: Duration::ZERO };
/// Other uids and generated names, at another time.
const OTHER_SEED: Seed = Seed { names: 2, delay: Duration::from_millis(4_027_013) };

/// What every other run of the scenario is compared with.
pub(super) struct Reference {
    pub(super) course: Course,
    pub(super) state: State,
    pub(super) masks: Masks,
    /// The prefixes of names that user code makes up.
    pub(super) prefixes: BTreeSet<(String, String)>,
    /// What is wrong without any fault.
    pub(super) findings: Vec<Finding>,
}

impl Reference {
    pub(super) fn play(scenario: &Scenario, mut masks: Masks) -> Result<Self> {
        let course = play(scenario, None, BUDGET, SEED)?;
        let mut findings = course.seen.findings.clone();
        findings.extend(left_behind(&course));
        if !findings.is_empty() {
            let state = State::of(&course, &BTreeSet::new());
            return Ok(Self { course, state, masks, prefixes: BTreeSet::new(), findings });
        }
        let other = play(scenario, None, BUDGET, OTHER_SEED)?;
        let made_up = prefixes(&State::all_names(&course), &State::all_names(&other));
        let is_same = made_up.is_some();
        let prefixes = made_up.unwrap_or_default();
        let (state, other) = (State::of(&course, &prefixes), State::of(&other, &prefixes));
        match state.unsettled(&other, &masks) {
            Some(found) if is_same => masks.found = found,
            _ => {
                let mut lines =
                    vec!["two runs without a fault do not end alike: make the reconciler repeatable".to_owned()];
                lines.extend(other.compare(&state, &masks, true).into_iter().flat_map(|finding| finding.lines));
                findings.push(Finding { flaw: Flaw::Scenario, lines });
            }
        }
        Ok(Self { course, state, masks, prefixes, findings })
    }

    /// What a run with a fault may do.
    pub(super) fn budget(&self) -> Budget {
        let seen = &self.course.seen;
        Budget { writes: 10 * seen.writes + 100, runs: 10 * seen.runs + 1_000 }
    }

    /// The seed of every run with a fault: up to the fault it is the reference.
    pub(super) fn seed() -> Seed {
        SEED
    }
}
