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
            // Others, which changed nothing after it, may look as if they had made it. The maker is one that did what
            // was seen, be its own answer lost, and after which the others indeed changed nothing.
            let seen_to = |record: &Record| {
                seen.is_some_and(|seen| values(seen) == values(&effect(&state, &record.txn, revision)))
            };
            let explains_others = |maker: usize| {
                let mut after = state.clone();
                apply(&mut after, &effect(&state, &answered[maker].txn, revision));
                let mut others = answered.iter().enumerate().filter(|(other, _)| *other != maker);
                others.all(|(_, record)| changes_nothing(&after, &record.txn, revision))
            };
            let maker = (0..answered.len())
                .filter(|i| made(&answered[*i]))
                .max_by_key(|i| (seen_to(answered[*i]), explains_others(*i)))
                .filter(|i| seen_to(answered[*i]) || !self.lost.iter().any(|record| made(record) && seen_to(record)));
            let changes = if let Some(i) = maker {
                effect(&state, &answered.swap_remove(i).txn, revision)
            } else {
                self.unclaimed(revision, &state, &mut answered, seen)
            };
            apply(&mut state, &changes);
            self.truth.changes.insert(revision, changes.into_iter().map(|c| (c.key.clone(), c)).collect());
            self.truth.states.insert(revision, state.clone());
        }
        for record in answered {
            if !changes_nothing(&state, &record.txn, revision) {
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
        // One with more guards could have happened in fewer places.
        let lost = (0..self.lost.len()).filter(|i| fits(&self.lost[*i]) && holds(state, &self.lost[*i].txn));
        if let Some(i) = lost.max_by_key(|i| self.lost[*i].txn.guards.len()) {
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

/// Whether a transaction is accepted, and has nothing to do.
fn changes_nothing(state: &State, txn: &Transaction, revision: Revision) -> bool {
    holds(state, txn) && effect(state, txn, revision).is_empty()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Guard;

    fn record(txn: Transaction, floor: u64, answer: Result<u64, StoreError>) -> Record {
        Record { txn, floor: Revision::new(floor), answer: answer.map(Revision::new) }
    }

    /// Whether records are found to be as it was: these transactions, one a revision.
    fn is_explained(truth: &[&Transaction], records: &[Record]) -> bool {
        let (mut state, mut witness) = (State::new(), BTreeMap::new());
        for (revision, txn) in (1..).map(Revision::new).zip(truth) {
            let changes = effect(&state, txn, revision);
            apply(&mut state, &changes);
            witness.insert(revision, changes);
        }
        let (found, violations) = replay(Revision::default(), records, &witness);
        violations.is_empty() && found.states.into_values().next_back() == Some(state)
    }

    #[test]
    fn who_deletes_what_is_gone_is_not_taken_for_who_deleted_it() {
        let put = Transaction::new().put("/a", "1");
        let delete = Transaction::new().delete("/a");
        let guarded = delete.clone().when(Guard::Modified("/a".into(), Revision::new(1)));
        let mut records =
            [record(put.clone(), 0, Ok(1)), record(delete.clone(), 1, Ok(2)), record(guarded.clone(), 1, Ok(2))];
        assert!(is_explained(&[&put, &guarded], &records));
        records.swap(1, 2);
        assert!(is_explained(&[&put, &guarded], &records));
    }

    #[test]
    fn who_changed_nothing_is_not_taken_for_whose_answer_was_lost() {
        let (put, delete) = (Transaction::new().put("/a", "1").put("/b", "1"), Transaction::new().delete("/a"));
        let both = Transaction::new().delete("/a").delete("/b");
        let records = [
            record(put.clone(), 0, Ok(1)),
            record(delete, 1, Ok(2)),
            record(both.clone(), 1, Err(StoreError::Unknown)),
        ];
        assert!(is_explained(&[&put, &both], &records));
    }

    #[test]
    fn the_lost_one_that_fits_in_fewer_places_is_taken_first() {
        let put = Transaction::new().put("/a", "1");
        let delete = Transaction::new().delete("/a");
        let guarded = delete.clone().when(Guard::Modified("/a".into(), Revision::new(1)));
        let records = [
            record(put.clone(), 0, Ok(1)),
            record(delete.clone(), 0, Err(StoreError::Unknown)),
            record(guarded.clone(), 1, Err(StoreError::Unknown)),
            record(put.clone(), 2, Ok(3)),
        ];
        assert!(is_explained(&[&put, &guarded, &put, &delete], &records));
    }
}
