//! Why a store did not do what it was asked.

use std::fmt;

use super::{Entry, Key, Revision};

/// Why a store did not do what it was asked.
///
/// After every error but [`Unknown`](Self::Unknown) it is certain that nothing was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// A guard did not hold.
    Conflict {
        /// The place of the first guard that did not hold.
        index: usize,
        /// What that guard's key holds instead.
        current: Option<Entry>,
    },
    /// A [`Guard::Created`](super::Guard::Created) did not hold: the claim belongs to someone else, or to
    /// nobody.
    Fenced {
        /// The place of the first guard that did not hold.
        index: usize,
        /// The key of the claim.
        key: Key,
        /// The creation revision that the claim was expected to have.
        token: Revision,
    },
    /// The transaction may or may not have been applied, now or a little later.
    Unknown,
    /// The store could not be asked. The text says why.
    Unavailable(String),
    /// A key or a value is larger than [`Limits`](super::Limits) allow.
    TooLarge {
        /// The key, or the key of the value.
        key: Key,
        /// The size.
        bytes: usize,
        /// The greatest size.
        limit: usize,
    },
    /// A transaction has more operations or guards than [`Limits`](super::Limits) allow.
    TooManyOps {
        /// How many it has.
        count: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The store no longer keeps what the revision of a page token needs.
    Expired {
        /// The oldest revision that can still be asked for.
        oldest: Revision,
    },
    /// A revision that the store has not reached.
    FutureRevision {
        /// The revision that was asked for.
        asked: Revision,
        /// The revision of the store.
        current: Revision,
    },
    /// The request makes no sense. The text says what is wrong with it.
    Invalid(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { index, current: Some(entry) } => write!(
                f,
                "guard {index} does not hold: {} was last changed at revision {}; read it and try again",
                entry.key, entry.modified
            ),
            Self::Conflict { index, current: None } => {
                write!(f, "guard {index} does not hold: its key has no entry; read it and try again")
            }
            Self::Fenced { index, key, token } => write!(
                f,
                "guard {index} does not hold: the claim {key} created at revision {token} was lost; \
                 stop all work that was done under it"
            ),
            Self::Unknown => {
                f.write_str("it is unknown whether the transaction was applied; read its keys before trying again")
            }
            Self::Unavailable(reason) => {
                write!(f, "the store is not available: {reason}; try again later")
            }
            Self::TooLarge { key, bytes, limit } => {
                write!(f, "the key or value of {key} has {bytes} bytes; make it {limit} bytes or less")
            }
            Self::TooManyOps { count, limit } => {
                write!(f, "the transaction has {count} operations or guards; split it into ones of {limit} or less")
            }
            Self::Expired { oldest } => write!(
                f,
                "the page token is too old: the store keeps history from revision {oldest}; list again \
                 from the first page"
            ),
            Self::FutureRevision { asked, current } => write!(
                f,
                "revision {asked} does not exist: the store is at revision {current}; ask for one that \
                 this store handed out"
            ),
            Self::Invalid(reason) => write!(f, "invalid request: {reason}"),
        }
    }
}

impl std::error::Error for StoreError {}
