//! Which plans there are: one for each place of the reference where something can go wrong.

use super::plan::{Fault, Plan, ViewFault, WriteFault};
use super::world::Counts;

/// The plans of a scenario, and those that would show nothing new, each with the reason.
#[derive(Default)]
pub(super) struct Plans {
    pub(super) plans: Vec<Plan>,
    pub(super) pruned: Vec<(Plan, String)>,
}

impl Plans {
    /// From what each step of the reference did. With `strict`, also what no backend does.
    pub(super) fn of(steps: &[Counts], strict: bool, has_outside: bool) -> Self {
        let mut plans = Self::default();
        for (step, counts) in steps.iter().enumerate() {
            plans.of_writes(step, counts, strict, has_outside);
            let effects = 1..=counts.effects.len();
            plans.plans.extend(effects.map(|place| Plan { step, fault: Fault::EffectCrash(place) }));
            plans.of_changes(step, counts, strict);
        }
        plans
    }

    fn of_writes(&mut self, step: usize, counts: &Counts, strict: bool, has_outside: bool) {
        for (index, write) in counts.writes.iter().enumerate() {
            let strictly = strict.then_some(WriteFault::TravelBack);
            for fault in WriteFault::DEFAULT.into_iter().chain(strictly) {
                let plan = Plan { step, fault: Fault::Write(fault, index + 1) };
                let before = index.checked_sub(1).map(|before| &counts.writes[before]);
                let is_same_run = before.is_some_and(|before| write.run.is_some() && before.run == write.run);
                if fault == WriteFault::CrashBefore && is_same_run && !write.after_effect && !has_outside {
                    self.pruned.push((plan, format!("the same as step={step},crash-after={index}")));
                } else {
                    self.plans.push(plan);
                }
            }
        }
    }

    fn of_changes(&mut self, step: usize, counts: &Counts, strict: bool) {
        let mut places = std::collections::BTreeMap::<&str, usize>::new();
        for (index, (kind, key)) in counts.changes.iter().enumerate() {
            let short = kind.rsplit_once('/').map_or(kind.as_str(), |(_, short)| short);
            let place = places.entry(kind).or_default();
            *place += 1;
            // The built-in kinds have an empty group.
            if kind.starts_with('/') {
                continue;
            }
            let later = &counts.changes[index + 1..];
            let another_follows = later.iter().any(|(_, other)| other != key);
            let same_follows = later.iter().any(|(_, other)| other == key);
            let strictly = [ViewFault::Stale, ViewFault::Skip].into_iter().filter(|_| strict);
            let always =
                [ViewFault::Late, ViewFault::Coalesce, ViewFault::Duplicate, ViewFault::Reorder, ViewFault::Expire];
            for fault in always.into_iter().chain(strictly) {
                let plan = Plan { step, fault: Fault::View(fault, short.to_owned(), *place) };
                let why = match fault {
                    ViewFault::Coalesce if later.is_empty() => {
                        format!("the same as step={step},expire={short}:{place}")
                    }
                    ViewFault::Reorder if !another_follows => {
                        "no change of another object follows in this step".to_owned()
                    }
                    ViewFault::Skip if !same_follows => format!("the same as step={step},stale={short}:{place}"),
                    _ => {
                        self.plans.push(plan);
                        continue;
                    }
                };
                self.pruned.push((plan, why));
            }
        }
    }
}
