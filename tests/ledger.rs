//! What a store acknowledged, and the verdict on what it holds after it was cut off.
//!
//! Writers make transactions that follow from a seed, their number and a sequence number alone, one after the other.
//! Each transaction marks its sequence number under its writer's own key, so what a store holds tells exactly which of
//! the transactions that were under way when it was cut off took place, and at which revision.

use std::collections::BTreeMap;

use fabrica::store::{Batch, Change, Entry, Guard, Key, Op, Revision, Transaction};

use crate::random::Random;

/// How many keys all writers share.
const SHARED: u64 = 24;

/// One transaction of one writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The writer.
    pub writer: u64,
    /// Counts the writer's transactions, from 1.
    pub sequence: u64,
}

impl Attempt {
    /// The writer's own key, where its last sequence number stands.
    #[must_use]
    pub fn mark(self) -> Key {
        format!("/writers/{}", self.writer).into()
    }

    /// What the attempt is to do: marks its sequence number, and creates, overwrites and deletes a few shared keys.
    #[must_use]
    pub fn transaction(self, seed: u64) -> Transaction {
        let Self { writer, sequence } = self;
        let mut random = Random::new(seed ^ (writer << 48) ^ (sequence << 16));
        let mut txn = Transaction::new().put(self.mark(), sequence.to_string());
        let first = random.below(SHARED);
        // Neighbours, so that no key comes twice.
        for place in first..first + random.below(5) {
            let key = format!("/shared/{}", place % SHARED);
            if random.percent(25) {
                txn = txn.delete(key);
                continue;
            }
            // Mostly small; now and then one that takes several pages.
            let most = if random.percent(5) { 20_000 } else { 1_500 };
            let mut filling = vec![0; usize::try_from(random.below(most)).unwrap_or(0)];
            random.fill(&mut filling);
            let mut value = format!("{writer}.{sequence}.").into_bytes();
            value.extend(filling);
            txn = txn.put(key, value);
        }
        txn
    }
}

/// What is known of one writer.
#[derive(Clone, Copy, Debug, Default)]
struct Writer {
    /// The last sequence number that took place.
    last: u64,
    /// The revision of that; 0 before the first.
    revision: Revision,
    /// The attempt after it certainly did not take place.
    refused: bool,
}

/// Everything that a store answered, and what it must therefore hold.
#[derive(Clone, Debug)]
pub struct Ledger {
    seed: u64,
    /// What the store held when it was last judged.
    entries: BTreeMap<Key, Entry>,
    /// The revision at that time.
    revision: Revision,
    /// What was acknowledged since.
    acknowledged: BTreeMap<Revision, Attempt>,
    writers: BTreeMap<u64, Writer>,
}

impl Ledger {
    /// The ledger of a new store, whose writers use this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            entries: BTreeMap::new(),
            revision: Revision::default(),
            acknowledged: BTreeMap::new(),
            writers: BTreeMap::new(),
        }
    }

    /// Tells of a writer whose transactions others make.
    pub fn expect(&mut self, writer: u64) {
        self.writers.entry(writer).or_default();
    }

    /// The newest revision that the store must have.
    #[must_use]
    pub fn newest(&self) -> Revision {
        self.acknowledged.last_key_value().map_or(self.revision, |(revision, _)| *revision)
    }

    /// How many transactions were acknowledged since the last verdict.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// The writer's next attempt, and its transaction: guarded by what the writer knows of its own last one.
    #[must_use]
    pub fn next(&mut self, writer: u64) -> (Attempt, Transaction) {
        let known = self.writers.entry(writer).or_default();
        known.refused = false;
        let attempt = Attempt { writer, sequence: known.last + 1 };
        let guard = match known.last {
            0 => Guard::Absent(attempt.mark()),
            _ => Guard::Modified(attempt.mark(), known.revision),
        };
        (attempt, attempt.transaction(self.seed).when(guard))
    }

    /// The store answered that the attempt took place; `floor` was the newest revision when it was made.
    ///
    /// # Errors
    ///
    /// What is wrong with this answer.
    pub fn acknowledge(&mut self, attempt: Attempt, revision: Revision, floor: Revision) -> Result<(), String> {
        let last = self.writers.get(&attempt.writer).map_or(0, |known| known.last);
        if attempt.sequence != last + 1 {
            return Err(format!("{attempt:?} was answered, and the writer's last one before it was {last}"));
        }
        if revision <= floor || revision <= self.revision {
            return Err(format!("{attempt:?} was answered with revision {revision}, after {floor} was answered"));
        }
        if let Some(other) = self.acknowledged.insert(revision, attempt) {
            return Err(format!("{attempt:?} and {other:?} were both answered with revision {revision}"));
        }
        self.writers.insert(attempt.writer, Writer { last: attempt.sequence, revision, refused: false });
        Ok(())
    }

    /// The store answered that the attempt certainly did not take place.
    pub fn refuse(&mut self, attempt: Attempt) {
        self.writers.entry(attempt.writer).or_default().refused = true;
    }

    /// Compares with what the store holds now that it was opened again: every acknowledged transaction took place
    /// wholly, of the others each wholly or not at all, and nothing else did. Goes on from there, and answers what took
    /// place since the last verdict.
    ///
    /// # Errors
    ///
    /// What was lost, halved or made up.
    pub fn judge(&mut self, revision: Revision, entries: Vec<Entry>) -> Result<Vec<Batch>, String> {
        let found: BTreeMap<Key, Entry> = entries.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
        self.find_survivors(&found)?;
        if revision < self.newest() {
            return Err(format!("the revision went back to {revision}, after {} was reached", self.newest()));
        }
        let mut expected = std::mem::take(&mut self.entries);
        let mut history = Vec::new();
        for (number, (at, attempt)) in (self.revision.get() + 1..).zip(std::mem::take(&mut self.acknowledged)) {
            if at.get() != number {
                return Err(format!("no transaction took place at revision {number}; the next is {attempt:?} at {at}"));
            }
            history.push(Batch { revision: at, changes: apply(&mut expected, attempt.transaction(self.seed).ops, at) });
        }
        compare(&expected, &found)?;
        (self.entries, self.revision) = (found, revision);
        Ok(history)
    }

    /// Those that took place although nobody was told.
    fn find_survivors(&mut self, found: &BTreeMap<Key, Entry>) -> Result<(), String> {
        let unheard_of = |key: &Key| !self.writers.keys().any(|&writer| Attempt { writer, sequence: 0 }.mark() == *key);
        if let Some(key) = found.keys().find(|key| key.starts_with(&"/writers/".into()) && unheard_of(key)) {
            return Err(format!("{key} exists, and there is no such writer"));
        }
        for (&writer, known) in &mut self.writers {
            let unheard = Attempt { writer, sequence: known.last + 1 };
            let mark = found.get(&unheard.mark());
            let text = mark.map_or("0".into(), |entry| String::from_utf8_lossy(&entry.value).into_owned());
            match (mark, text.parse()) {
                (_, Ok(sequence)) if sequence == known.last => {}
                (Some(entry), Ok(sequence)) if sequence == unheard.sequence && !known.refused => {
                    if let Some(other) = self.acknowledged.insert(entry.modified, unheard) {
                        return Err(format!("{other:?} and {unheard:?} took place at revision {}", entry.modified));
                    }
                    *known = Writer { last: sequence, revision: entry.modified, refused: false };
                }
                _ => {
                    let refused = if known.refused { ", and the next was refused" } else { "" };
                    return Err(format!(
                        "writer {writer} was told that its transactions up to {} took place (the last at revision {})\
                         {refused}; the store holds {text}",
                        known.last, known.revision,
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Does the operations at a revision.
fn apply(entries: &mut BTreeMap<Key, Entry>, ops: Vec<Op>, at: Revision) -> std::sync::Arc<[Change]> {
    let change = |op| {
        let (key, entry) = match op {
            Op::Put(key, value) => {
                let created = entries.get(&key).map_or(at, |entry| entry.created);
                (key.clone(), Some(Entry { key, value, created, modified: at }))
            }
            Op::Delete(key) => (key, None),
        };
        let previous = match &entry {
            Some(entry) => entries.insert(key.clone(), entry.clone()),
            None => entries.remove(&key),
        };
        (entry.is_some() || previous.is_some()).then_some(Change { key, entry, previous })
    };
    ops.into_iter().filter_map(change).collect()
}

fn compare(expected: &BTreeMap<Key, Entry>, found: &BTreeMap<Key, Entry>) -> Result<(), String> {
    let show = |entry: Option<&Entry>| {
        entry.map_or("nothing".into(), |entry| {
            let value = String::from_utf8_lossy(&entry.value[..entry.value.len().min(12)]).into_owned();
            format!(
                "{} bytes {value:?}… created at {}, modified at {}",
                entry.value.len(),
                entry.created,
                entry.modified
            )
        })
    };
    for key in expected.keys().chain(found.keys()) {
        let (wanted, is) = (expected.get(key), found.get(key));
        if wanted != is {
            return Err(format!("{key} must hold {}, and holds {}", show(wanted), show(is)));
        }
    }
    Ok(())
}
