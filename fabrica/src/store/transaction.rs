//! What a caller asks a store to do: guards, and operations that happen if all of them hold.

use bytes::Bytes;

use super::{Entry, Key, Revision, StoreError};

/// A condition on one key that must hold for a transaction to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The key has no entry.
    Absent(Key),
    /// The key has an entry, last changed at this revision.
    Modified(Key, Revision),
    /// The key has an entry, created at this revision. This is the fence of a claim: it fails with
    /// [`StoreError::Fenced`], which tells the caller to stop rather than to read and try again.
    Created(Key, Revision),
}

impl Guard {
    /// The key that the guard looks at.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Absent(key) | Self::Modified(key, _) | Self::Created(key, _) => key,
        }
    }

    /// Whether the guard holds while its key has the entry `current`.
    #[must_use]
    pub fn holds(&self, current: Option<&Entry>) -> bool {
        match self {
            Self::Absent(_) => current.is_none(),
            Self::Modified(_, revision) => current.is_some_and(|e| e.modified == *revision),
            Self::Created(_, revision) => current.is_some_and(|e| e.created == *revision),
        }
    }

    /// The error of a transaction whose guard at `index` is this one, and does not hold.
    #[must_use]
    pub fn refusal(&self, index: usize, current: Option<Entry>) -> StoreError {
        match self {
            Self::Absent(_) | Self::Modified(..) => StoreError::Conflict { index, current },
            Self::Created(key, token) => StoreError::Fenced { index, key: key.clone(), token: *token },
        }
    }
}

/// One change that a transaction makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Keeps the value under the key, whether or not there was one before.
    Put(Key, Bytes),
    /// Removes the key. Removing what is absent changes nothing.
    Delete(Key),
}

impl Op {
    /// The key that the operation changes.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(key, _) | Self::Delete(key) => key,
        }
    }
}

/// Guards and operations: if every guard holds, all operations happen at one revision, else none does.
///
/// ```
/// use fabrica::store::{Guard, Transaction};
///
/// let create = Transaction::new()
///     .when(Guard::Absent("/devices/dev-123".into()))
///     .put("/devices/dev-123", "{}")
///     .delete("/invitations/dev-123");
/// assert_eq!(create.ops.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Checked in this order, before any operation.
    pub guards: Vec<Guard>,
    /// Done together. At most one for each key.
    pub ops: Vec<Op>,
}

impl Transaction {
    /// A transaction that does nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a guard.
    #[must_use]
    pub fn when(mut self, guard: Guard) -> Self {
        self.guards.push(guard);
        self
    }

    /// Adds [`Op::Put`].
    #[must_use]
    pub fn put(mut self, key: impl Into<Key>, value: impl Into<Bytes>) -> Self {
        self.ops.push(Op::Put(key.into(), value.into()));
        self
    }

    /// Adds [`Op::Delete`].
    #[must_use]
    pub fn delete(mut self, key: impl Into<Key>) -> Self {
        self.ops.push(Op::Delete(key.into()));
        self
    }
}

/// The sizes that a store accepts.
///
/// The default is what every backend of Fabrica can keep. A backend calls [`Limits::check`] before it
/// looks at anything else, so a program that runs on one runs on all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The greatest size of a value in bytes. Default: 1 MiB.
    pub max_value_bytes: usize,
    /// The greatest size of a key in bytes. Default: 2 KiB.
    pub max_key_bytes: usize,
    /// The greatest number of operations, and also of guards, in one transaction. Default: 100.
    pub max_ops: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_value_bytes: 1 << 20, max_key_bytes: 2 << 10, max_ops: 100 }
    }
}

impl Limits {
    /// Checks all that can be known of a transaction without looking into the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooManyOps`], [`StoreError::TooLarge`] for a key or value, and
    /// [`StoreError::Invalid`] for an empty key or two operations on one key.
    pub fn check(&self, txn: &Transaction) -> Result<(), StoreError> {
        let count = txn.ops.len().max(txn.guards.len());
        if count > self.max_ops {
            return Err(StoreError::TooManyOps { count, limit: self.max_ops });
        }
        for key in txn.guards.iter().map(Guard::key) {
            self.check_key(key)?;
        }
        for op in &txn.ops {
            self.check_key(op.key())?;
            if let Op::Put(key, value) = op
                && value.len() > self.max_value_bytes
            {
                return Err(StoreError::TooLarge { key: key.clone(), bytes: value.len(), limit: self.max_value_bytes });
            }
        }
        match repeated_key(&txn.ops) {
            Some(key) => {
                Err(StoreError::Invalid(format!("two operations on the key {key}: keep the one that is meant")))
            }
            None => Ok(()),
        }
    }

    fn check_key(&self, key: &Key) -> Result<(), StoreError> {
        let bytes = key.as_bytes().len();
        if bytes == 0 {
            return Err(StoreError::Invalid("an empty key: give every guard and operation a key".into()));
        }
        if bytes > self.max_key_bytes {
            return Err(StoreError::TooLarge { key: key.clone(), bytes, limit: self.max_key_bytes });
        }
        Ok(())
    }
}

fn repeated_key(ops: &[Op]) -> Option<&Key> {
    if ops.len() < 2 {
        return None;
    }
    let mut keys: Vec<&Key> = ops.iter().map(Op::key).collect();
    keys.sort_unstable();
    keys.windows(2).find(|w| w[0] == w[1]).map(|w| w[0])
}
