//! The trait that every backend implements.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Entry, Key, Limits, ListPage, Page, Revision, StoreError, Transaction, Watch};

/// Where things are kept: keys with values, changed by transactions, with one history for the whole store.
///
/// Every call sees all transactions that were answered before it began (reads are linearizable).
/// [`conformance`](super::conformance::conformance) checks a backend against all that is promised here.
pub trait Store: Send + Sync + 'static {
    /// Does all operations of a transaction if all its guards hold, else none.
    ///
    /// The answer is the revision at which all of it happened, greater than any before. A transaction that
    /// changes nothing (it puts equal bytes, deletes what is absent, or has no operations) gets no
    /// revision of its own: the answer is then the store's revision, no watch hears of it, and no entry's
    /// `modified` moves. Dropping the future leaves the outcome open.
    ///
    /// # Errors
    ///
    /// What [`Limits::check`] finds comes first. Then guards are checked in order and the first that does
    /// not hold gives [`StoreError::Conflict`] or [`StoreError::Fenced`]. [`StoreError::Unknown`] if the
    /// transaction may have been applied, [`StoreError::Unavailable`] if it certainly was not.
    fn txn(&self, txn: Transaction) -> BoxFuture<'_, Result<Revision, StoreError>>;

    /// Reads one entry, and the revision at which this is what the key holds. With `at_least`, that
    /// revision is not older than the given one.
    ///
    /// # Errors
    ///
    /// [`StoreError::FutureRevision`] if the store has not reached `at_least`; a backend with followers may
    /// wait for a while first. [`StoreError::Unavailable`].
    fn get<'a>(
        &'a self,
        key: &'a Key,
        at_least: Option<Revision>,
    ) -> BoxFuture<'a, Result<(Option<Entry>, Revision), StoreError>>;

    /// Reads the entries whose keys begin with `prefix`, ordered by key. All pages of one list show the
    /// same revision, whatever is written meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError::Expired`] if the store no longer has what the page needs, [`StoreError::Invalid`] for
    /// a limit of 0 or a token of another list, [`StoreError::Unavailable`].
    fn list<'a>(&'a self, prefix: &'a Key, page: Page) -> BoxFuture<'a, Result<ListPage, StoreError>>;

    /// Follows the changes to keys that begin with `prefix`, from the first revision after `after`.
    ///
    /// - Each revision that changed something under the prefix comes as one whole batch, in order, exactly
    ///   once.
    /// - Whatever revision the store reaches, the watch tells of it by a batch or a progress mark before
    ///   long, even if nothing under the prefix changed.
    /// - If it can't continue without a gap, because `after` is older than what the store keeps or because
    ///   the reader fell behind that, the last item is `Expired`. It is never silent about it.
    ///
    /// A reader that does not read costs the store nothing but the bounded history it keeps anyway.
    ///
    /// # Errors
    ///
    /// [`StoreError::FutureRevision`] if the store has not reached `after`, [`StoreError::Unavailable`].
    fn watch<'a>(&'a self, prefix: &'a Key, after: Revision) -> BoxFuture<'a, Result<Watch, StoreError>>;

    /// The store's revision.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    fn revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>>;

    /// The sizes that the store accepts.
    fn limits(&self) -> Limits;
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn txn(&self, txn: Transaction) -> BoxFuture<'_, Result<Revision, StoreError>> {
        (**self).txn(txn)
    }

    fn get<'a>(
        &'a self,
        key: &'a Key,
        at_least: Option<Revision>,
    ) -> BoxFuture<'a, Result<(Option<Entry>, Revision), StoreError>> {
        (**self).get(key, at_least)
    }

    fn list<'a>(&'a self, prefix: &'a Key, page: Page) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        (**self).list(prefix, page)
    }

    fn watch<'a>(&'a self, prefix: &'a Key, after: Revision) -> BoxFuture<'a, Result<Watch, StoreError>> {
        (**self).watch(prefix, after)
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        (**self).revision()
    }

    fn limits(&self) -> Limits {
        (**self).limits()
    }
}
