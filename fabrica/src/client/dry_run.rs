//! Writes that are only tried.

use super::lifecycle::Client;
use crate::store::{Guard, Revision, StoreError, Transaction};

impl Client {
    /// A client whose writes never reach the store: each is checked and answered as it would be, and nothing is written.
    ///
    /// What it answers has the version that is there, and none if it would be new.
    #[cfg(feature = "api")]
    pub(crate) fn dry_run(&self) -> Self {
        Self { dry_run: true, ..self.clone() }
    }

    /// What the store would answer to a transaction, and the revision of what its first guard is about.
    pub(super) async fn rehearse(&self, txn: &Transaction) -> Result<Revision, StoreError> {
        let store = &self.inner.store;
        store.limits().check(txn)?;
        for (index, guard) in txn.guards.iter().enumerate() {
            let (current, _) = store.get(guard.key(), None).await?;
            if !guard.holds(current.as_ref()) {
                return Err(guard.refusal(index, current));
            }
        }
        Ok(match txn.guards.first() {
            Some(Guard::Modified(_, revision)) => *revision,
            _ => Revision::ZERO,
        })
    }
}
