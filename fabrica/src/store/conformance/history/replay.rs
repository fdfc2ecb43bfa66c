//! Putting what the writers were answered into the order of the revisions.
//!
//! Every success says its revision, so the order is known, and one pass tells whether each answer fits.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::State;
use crate::store::conformance::bench::outline;
use crate::store::{Change, Entry, Key, Op, Revision, StoreError, Transaction};

/// A transaction and its answer.
pub(super) struct Record {
    pub(super) txn: Transaction,
    /// The greatest revision that anyone had been answered before it began.
    pub(super) floor: Revision,
    pub(super) answer: Result<Revision, StoreError>,
}

/// What doesn't fit.
pub(super) enum Violation {
    /// The order of the revisions does not explain an answer.
    Order(String),
    /// A transaction was reported as not applied, but was.
    Denied(String),
}

/// What happened, as far as the answers and the witness tell.
pub(super) struct Truth {
    pub(super) states: BTreeMap<Revision, State>,
    pub(super) changes: BTreeMap<Revision, BTreeMap<Key, Change>>,
}

impl Truth {
    /// The state as of a revision.
    pub(super) fn at(&self, revision: Revision) -> State {
        self.states.range(..=revision).next_back().map(|(_, state)| state.clone()).unwrap_or_default()
    }
}

/// Replays the records of a store that was empty at `base`. The witness is what a watch of everything saw;
/// it tells which of the transactions with an unknown outcome happened, and when.
pub(super) fn replay(
    base: Revision,
    records: &[Record],
    witness: &BTreeMap<Revision, Vec<Change>>,
) -> (Truth, Vec<Violation>) {
    let mut replay = Replay {
        truth: Truth { states: BTreeMap::from([(base, State::new())]), changes: BTreeMap::new() },
        lost: records.iter().filter(|record| record.answer == Err(StoreError::Unknown)).collect(),
        records,
        violations: Vec::new(),
    };
    let mut answered: BTreeMap<Revision, Vec<&Record>> = witness.keys().map(|r| (*r, Vec::new())).collect();
    for record in records {
        if let Ok(revision) = record.answer {
            answered.entry(revision).or_default().push(record);
        }
    }
    for (revision, records) in answered {
        replay.step(base, revision, records, witness.get(&revision).map(Vec::as_slice));
    }
    for record in records {
        replay.check_answer(record);
    }
    (replay.truth, replay.violations)
}

struct Replay<'a> {
    truth: Truth,
    records: &'a [Record],
    /// Unknown outcomes that are not explained yet.
    lost: Vec<&'a Record>,
    violations: Vec<Violation>,
}

impl<'a> Replay<'a> {
    /// One of those who were answered this revision made it; the others changed nothing after it.
    fn step(&mut self, base: Revision, revision: Revision, mut answered: Vec<&'a Record>, seen: Option<&[Change]>) {
        let mut state = self.truth.at(revision);
        if revision > base {
            let made = |record: &&Record| {
                record.floor < revision
                    && holds(&state, &record.txn)
                    && !effect(&state, &record.txn, revision).is_empty()
            };
            let changes = if let Some(i) = answered.iter().position(made) {
                effect(&state, &answered.swap_remove(i).txn, revision)
            } else {
                self.unclaimed(revision, &state, &mut answered, seen)
            };
            apply(&mut state, &changes);
            self.truth.changes.insert(revision, changes.into_iter().map(|c| (c.key.clone(), c)).collect());
            self.truth.states.insert(revision, state.clone());
        }
        for record in answered {
            if !holds(&state, &record.txn) || !effect(&state, &record.txn, revision).is_empty() {
                self.violations.push(Violation::Order(format!(
                    "a transaction with {} was answered revision {revision}, but did not happen there",
                    outline(&record.txn)
                )));
            }
        }
    }

    /// The changes of a revision that no success explains.
    fn unclaimed(
        &mut self,
        revision: Revision,
        state: &State,
        answered: &mut Vec<&'a Record>,
        seen: Option<&[Change]>,
    ) -> Vec<Change> {
        let fits = |record: &&Record| {
            let changes = effect(state, &record.txn, revision);
            let explains = seen.is_none_or(|seen| values(seen) == values(&changes));
            record.floor < revision && !changes.is_empty() && explains
        };
        if let Some(i) = self.lost.iter().position(|record| fits(record) && holds(state, &record.txn)) {
            return effect(state, &self.lost.swap_remove(i).txn, revision);
        }
        if let Some(i) = answered.iter().position(fits) {
            let txn = &answered.swap_remove(i).txn;
            self.violations.push(Violation::Order(format!(
                "a transaction with {} was accepted at revision {revision}, though a guard did not hold",
                outline(txn)
            )));
            return effect(state, txn, revision);
        }
        let denied = self.records.iter().filter(|record| record.answer.is_err()).find(fits);
        self.violations.push(match denied {
            Some(Record { txn, answer: Err(error), .. }) => Violation::Denied(format!(
                "a transaction with {} happened at revision {revision}, yet was answered: {error}",
                outline(txn)
            )),
            _ => Violation::Order(format!("no transaction explains revision {revision}")),
        });
        seen.map(<[Change]>::to_vec).unwrap_or_default()
    }

    fn check_answer(&mut self, record: &Record) {
        let fits = match &record.answer {
            Ok(revision) => *revision >= record.floor,
            Err(StoreError::Conflict { index, current }) => self.was_refusable(record, *index, Some(current)),
            Err(StoreError::Fenced { index, .. }) => self.was_refusable(record, *index, None),
            Err(_) => true,
        };
        if !fits {
            self.violations.push(Violation::Order(format!(
                "a transaction with {} that began after revision {} was answered {:?}",
                outline(&record.txn),
                record.floor,
                record.answer
            )));
        }
    }

    /// Whether the guard at `index` was the first to fail in some state since the transaction began.
    fn was_refusable(&self, record: &Record, index: usize, current: Option<&Option<Entry>>) -> bool {
        let Some(guard) = record.txn.guards.get(index) else { return false };
        let before = &record.txn.guards[..index];
        let start = self.truth.states.range(..=record.floor).next_back();
        let since = self.truth.states.range(record.floor.next()..);
        start.into_iter().chain(since).any(|(_, state)| {
            let entry = state.get(guard.key());
            before.iter().all(|guard| guard.holds(state.get(guard.key())))
                && !guard.holds(entry)
                && current.is_none_or(|current| current.as_ref() == entry)
        })
    }
}

fn holds(state: &State, txn: &Transaction) -> bool {
    txn.guards.iter().all(|guard| guard.holds(state.get(guard.key())))
}

/// What the operations of a transaction would change.
fn effect(state: &State, txn: &Transaction, revision: Revision) -> Vec<Change> {
    let change = |op: &Op| {
        let previous = state.get(op.key()).cloned();
        let entry = match op {
            Op::Delete(_) => None,
            Op::Put(key, value) => Some(Entry {
                key: key.clone(),
                value: value.clone(),
                created: previous.as_ref().map_or(revision, |entry| entry.created),
                modified: revision,
            }),
        };
        let same = previous.as_ref().map(|e| &e.value) == entry.as_ref().map(|e| &e.value);
        (!same).then(|| Change { key: op.key().clone(), entry, previous })
    };
    txn.ops.iter().filter_map(change).collect()
}

fn apply(state: &mut State, changes: &[Change]) {
    for change in changes {
        match &change.entry {
            Some(entry) => state.insert(change.key.clone(), entry.clone()),
            None => state.remove(&change.key),
        };
    }
}

fn values(changes: &[Change]) -> BTreeMap<&Key, Option<&Bytes>> {
    changes.iter().map(|change| (&change.key, change.entry.as_ref().map(|entry| &entry.value))).collect()
}
