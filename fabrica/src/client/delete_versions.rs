//! Deleting many objects at once.

use super::delete::DeleteOptions;
use super::keys;
use super::lifecycle::Client;
use super::trouble;
use super::write::Target;
use crate::Result;
use crate::resource::{ObjectKey, ResourceVersion};
use crate::store::{Guard, StoreError, Transaction};

/// How many objects go in one transaction: each takes two of the operations that every store takes at once.
const TOGETHER: usize = 50;

impl Client {
    /// Deletes objects that still are of these versions, and lets those alone that are not. How many there were.
    ///
    /// # Errors
    /// What the store answers; some may be deleted by then.
    pub(crate) async fn delete_versions(&self, versions: Vec<(ObjectKey, ResourceVersion)>) -> Result<usize> {
        let mut deleted = 0;
        for part in versions.chunks(TOGETHER) {
            deleted += self.delete_part(part).await?;
        }
        Ok(deleted)
    }

    async fn delete_part(&self, versions: &[(ObjectKey, ResourceVersion)]) -> Result<usize> {
        let targets = versions.iter().filter_map(|(key, version)| {
            let target = self.target(key).ok()?;
            (target.newest.modified().get() == version.get()).then_some((key, target))
        });
        let (together, alone): (Vec<_>, Vec<_>) =
            targets.partition(|(_, target)| target.newest.metadata_ref(&target.uid).finalizers.is_empty());
        let (mut alone, mut deleted): (Vec<_>, usize) = (alone.into_iter().map(|(key, _)| key).collect(), 0);
        if let Some((_, first)) = together.first() {
            let object = keys::object(first.kind.group_kind(), &first.uid);
            let txn = together.iter().fold(Transaction::new(), |txn, (_, target)| removal(txn, target));
            match self.commit(txn, &object, None).await {
                Ok(_) => deleted += together.len(),
                // One of them has just changed: the rest has not.
                Err(StoreError::Conflict { .. } | StoreError::Unknown) => {
                    alone.extend(together.iter().map(|(key, _)| *key));
                }
                Err(error) => return Err(trouble::writing(format_args!("{} objects", together.len()), &error)),
            }
        }
        for key in alone {
            let version = versions.iter().find(|(other, _)| other == key).map(|(_, version)| *version);
            let options = DeleteOptions { resource_version: version, ..DeleteOptions::default() };
            match self.delete_key(key, &options).await {
                Ok(_) => deleted += 1,
                Err(error) if error.is_conflict() || error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(deleted)
    }
}

fn removal(txn: Transaction, target: &Target) -> Transaction {
    let kind = target.kind.group_kind();
    let object = keys::object(kind, &target.uid);
    let metadata = target.newest.metadata_ref(&target.uid);
    let txn = txn.when(Guard::Modified(object.clone(), target.newest.modified())).delete(object);
    if metadata.name.is_empty() { txn } else { txn.delete(keys::name(kind, &metadata.namespace, &metadata.name)) }
}
