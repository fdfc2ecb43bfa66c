//! Writes that are only tried.

use super::lifecycle::Client;
use crate::store::{Guard, Revision, StoreError, Transaction};

impl Client {
    /// A client that only tries: each of its writes is checked against what there is and answered as if it were done,
    /// errors included, but nothing is written. So nobody sees anything of it, and no event comes of it.
    ///
    /// An object that it answers has the `resourceVersion` of the version that is there, and none if it would be new.
    /// Each write stands alone: a later one doesn't see what an earlier one tried. What it reads is what the client reads
    /// that it was made from; a clone only tries, too.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use fabrica::client::{Client, ClientSettings};
    /// # use fabrica::event::EventBus;
    /// # use fabrica::store::MemoryStore;
    /// use fabrica::resource::Namespace;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> fabrica::Result<()> {
    /// # let store = Arc::new(MemoryStore::new());
    /// # let client = Client::start(store, vec![], EventBus::new(), ClientSettings::default()).await?;
    /// let tried = client.dry_run().create(Namespace::new("lab")).await?;
    /// assert!(tried.metadata.resource_version.is_unset());
    /// assert!(client.get_by_name::<Namespace>("", "lab").await.is_err());
    /// assert!(client.dry_run().create(Namespace::new("Not a name")).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn dry_run(&self) -> Self {
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
