//! Judging transactions that will be committed together.

use hashbrown::HashMap;

use super::waiting::Answer;
use crate::store::image::{Image, judge};
use crate::store::{Batch, Entry, Key, Revision, Transaction};

/// Transactions that become one commit. Each sees the effects of those before it, which nobody else sees yet.
pub(super) struct Group<'a> {
    image: &'a Image,
    ahead: HashMap<Key, Option<Entry>>,
    revision: Revision,
    pub(super) batches: Vec<Batch>,
    /// What each caller hears once the batches are on the disk. A refusal waits for that too: it may rest on one.
    pub(super) answers: Vec<Answer>,
}

impl<'a> Group<'a> {
    pub(super) fn over(image: &'a Image) -> Self {
        let revision = image.revision();
        Self { image, ahead: HashMap::new(), revision, batches: Vec::new(), answers: Vec::new() }
    }

    pub(super) fn add(&mut self, txn: &Transaction) {
        let next = self.revision.next();
        let current = |key: &Key| {
            self.ahead.get(key).map_or_else(|| self.image.entry(key), |entry: &Option<Entry>| entry.clone())
        };
        let answer = judge(txn, next, current).map(|changes| {
            if !changes.is_empty() {
                for change in &changes {
                    self.ahead.insert(change.key.clone(), change.entry.clone());
                }
                self.revision = next;
                self.batches.push(Batch { revision: next, changes: changes.into() });
            }
            self.revision
        });
        self.answers.push(answer);
    }
}
