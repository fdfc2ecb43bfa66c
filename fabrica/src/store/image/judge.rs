//! What becomes of a transaction.

use crate::store::{Change, Entry, Key, Op, Revision, StoreError, Transaction};

/// What a transaction changes at `revision`, given what the keys hold now; nothing if it changes nothing.
///
/// Its limits must have been checked: no key is changed twice.
pub(in crate::store) fn judge(
    txn: &Transaction,
    revision: Revision,
    current: impl Fn(&Key) -> Option<Entry>,
) -> Result<Vec<Change>, StoreError> {
    for (index, guard) in txn.guards.iter().enumerate() {
        let current = current(guard.key());
        if !guard.holds(current.as_ref()) {
            return Err(guard.refusal(index, current));
        }
    }
    Ok(txn.ops.iter().filter_map(|op| change(op, revision, &current)).collect())
}

fn change(op: &Op, revision: Revision, current: impl Fn(&Key) -> Option<Entry>) -> Option<Change> {
    let previous = current(op.key());
    match (op, previous) {
        (Op::Delete(_), None) => None,
        (Op::Delete(_), Some(previous)) => {
            Some(Change { key: previous.key.clone(), entry: None, previous: Some(previous) })
        }
        (Op::Put(_, value), Some(previous)) if previous.value == *value => None,
        // The key that is there already is shared, not kept once more.
        (Op::Put(_, value), Some(previous)) => {
            let (key, created) = (previous.key.clone(), previous.created);
            let entry = Entry { key: key.clone(), value: value.clone(), created, modified: revision };
            Some(Change { key, entry: Some(entry), previous: Some(previous) })
        }
        (Op::Put(key, value), None) => {
            let entry = Entry { key: key.clone(), value: value.clone(), created: revision, modified: revision };
            Some(Change { key: key.clone(), entry: Some(entry), previous: None })
        }
    }
}
