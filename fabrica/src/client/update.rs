//! Updating, and applying.

use super::cached::CachedObject;
use super::lifecycle::{Client, title};
use super::own::Owner;
use super::preconditions::Preconditions;
use super::trouble;
use super::write::{ATTEMPTS, Done, Target};
use crate::resource::{Metadata, Object, OwnerReference};
use crate::{Error, Fault, Result};

/// How often an apply looks again at an object that is neither there nor can be created.
const LOOKS: usize = 10;

/// What an apply did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Applied {
    /// The object was created.
    Created,
    /// The object was changed.
    Configured,
    /// The object was as it should be; nothing was written.
    Unchanged,
}

impl Client {
    /// Updates an object of any kind; see [`Client::update`].
    pub(crate) async fn update_object(&self, object: &dyn Object) -> Result<CachedObject> {
        let (type_, metadata) = (object.resource_type(), object.metadata());
        let key = self.resolve_named(type_, metadata)?;
        let target = self.target(&key)?;
        Preconditions { uid: Some(&metadata.uid), ..Preconditions::default() }.check(&target)?;
        if metadata.resource_version.is_unset() {
            let message = "must be specified for an update: read the object, change what was read and update that; or \
                           apply it";
            return Err(Error::invalid(target.title(), vec![Fault::new("metadata.resourceVersion", message)]));
        }
        let plan = &mut |target: &Target| {
            Preconditions { version: metadata.resource_version, ..Preconditions::default() }.check(target)?;
            target.replacement(object, metadata.clone())
        };
        // One attempt: a conflict is the caller's to resolve.
        match self.carry_out(target, 1, plan).await? {
            Done::Kept(object) | Done::Put { object, .. } | Done::Deleted(object) => Ok(object),
            Done::Gone => Err(trouble::not_found(&key)),
        }
    }

    /// Applies an object of any kind; see [`Client::apply`].
    pub(crate) async fn apply_object(&self, object: &dyn Object) -> Result<(Applied, CachedObject)> {
        self.converge(object, None).await
    }

    /// Creates an object, or makes the existing one as given. The object of an owner is looked up by its name alone,
    /// must be free for that owner, and is written only while the owner exists.
    pub(super) async fn converge(&self, object: &dyn Object, owner: Option<&Owner>) -> Result<(Applied, CachedObject)> {
        let (type_, metadata) = (object.resource_type(), object.metadata());
        if metadata.name.is_empty() {
            let message = "is required: what is applied again must be found again";
            return Err(Error::invalid(title(type_, metadata), vec![Fault::new("metadata.name", message)]));
        }
        let mut looks = LOOKS;
        loop {
            looks -= 1;
            let found = match owner {
                Some(_) => self.find(type_, &metadata.namespace, &metadata.name),
                None => self.resolve(type_, metadata),
            };
            match found {
                Ok(key) => {
                    let plan = &mut |target: &Target| {
                        if let Some(owner) = owner {
                            owner.check_free(target, metadata)?;
                        }
                        let merged = merged(target.newest.metadata(&target.uid), metadata);
                        target.replacement(object, merged)
                    };
                    let mut target = self.target(&key)?;
                    target.guards.extend(owner.map(Owner::fence));
                    match self.carry_out(target, ATTEMPTS, plan).await? {
                        Done::Kept(object) => return Ok((Applied::Unchanged, object)),
                        Done::Put { object, .. } | Done::Deleted(object) => return Ok((Applied::Configured, object)),
                        Done::Gone if looks == 0 => return Err(trouble::not_found(&key)),
                        Done::Gone => {}
                    }
                }
                Err(error) if error.is_not_found() => {
                    let mut object = object.clone_boxed();
                    object.metadata_mut().resource_version = crate::resource::ResourceVersion::UNSET;
                    match self.create_fenced(object, owner.map(Owner::fence)).await {
                        Ok(object) => return Ok((Applied::Created, object)),
                        Err(error) if !error.is_already_exists() || looks == 0 => return Err(error),
                        Err(_) => {}
                    }
                }
                Err(error) => return Err(error),
            }
            // Somebody created or deleted it just now: go on when the cache shows that.
            self.catch_up(title(type_, metadata)).await?;
        }
    }
}

/// What is there with what is given on top: what others added stays.
fn merged(mut old: Metadata, given: &Metadata) -> Metadata {
    old.name.clone_from(&given.name);
    old.namespace.clone_from(&given.namespace);
    old.labels.extend(given.labels.clone());
    old.annotations.extend(given.annotations.clone());
    for finalizer in &given.finalizers {
        if !old.finalizers.contains(finalizer) {
            old.finalizers.push(finalizer.clone());
        }
    }
    let others = |reference: &OwnerReference| given.owner_references.iter().all(|new| !new.is_same_owner(reference));
    if given.owner_references.iter().any(|new| !old.owner_references.contains(new)) {
        old.owner_references.retain(others);
        old.owner_references.extend(given.owner_references.clone());
    }
    old
}
