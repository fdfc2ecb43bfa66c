//! Writing objects that belong to another.

use super::cached::CachedObject;
use super::delete::{DeleteOptions, deletion};
use super::keys;
use super::lifecycle::{Client, title};
use super::update::Applied;
use super::write::{ATTEMPTS, Step, Target};
use crate::resource::{Metadata, Object, ObjectKey, OwnerReference, ResourceType, Uid};
use crate::store::{Guard, Revision};
use crate::{Error, ErrorKind, Fault, Result};

/// How often it is looked again at a name that somebody else took or freed just now.
const LOOKS: usize = 10;

/// An object that others are to belong to, as of when it was read.
pub(crate) struct Owner {
    key: ObjectKey,
    created: Revision,
    type_: &'static ResourceType,
    metadata: Metadata,
}

/// What became of a child.
pub(crate) enum Owned {
    /// It is as given now.
    Done(Applied, CachedObject),
    /// Its name is still taken by an object on its way out, or its uid by one that is gone and something of which is not.
    Going {
        /// Who is in the way.
        key: ObjectKey,
        /// The revision that made the version that was looked at.
        seen: Revision,
        /// What it is called in messages.
        title: String,
    },
}

impl Owner {
    /// `None` if what the cache holds can't be decoded.
    pub(crate) fn new(cached: &CachedObject) -> Option<Self> {
        let object = cached.object()?;
        let (key, type_, metadata) = (object.key(), object.resource_type(), object.metadata().clone());
        Some(Self { key, created: cached.created, type_, metadata })
    }

    fn title(&self) -> String {
        title(self.type_, &self.metadata)
    }

    /// Holds while the owner exists. Not for another object that took its uid.
    pub(super) fn fence(&self) -> Guard {
        Guard::Created(keys::object(self.key.kind, &self.key.uid), self.created)
    }

    /// Makes an object this owner's: its one controller, in the owner's namespace.
    ///
    /// # Errors
    /// `Invalid` if the object can't be this owner's, since their namespaces don't fit.
    pub(crate) fn adopt(&self, child: &mut dyn Object) -> Result<()> {
        let type_ = child.resource_type();
        let what = title(type_, child.metadata());
        let (metadata, ours) = (child.metadata_mut(), &self.metadata.namespace);
        let fault = match (self.type_.namespaced, type_.namespaced) {
            (true, false) => {
                let message = format!(
                    "can't name {}, which lives in the namespace {ours}: only a cluster-wide object can own a \
                     cluster-wide one",
                    self.title()
                );
                Some(Fault::new("metadata.ownerReferences", message))
            }
            (true, true) if metadata.namespace.is_empty() => {
                metadata.namespace.clone_from(ours);
                None
            }
            (true, true) if metadata.namespace != *ours => {
                let message = format!(
                    "can't be `{}`: its owner {} lives in `{ours}`; leave it out",
                    metadata.namespace,
                    self.title()
                );
                Some(Fault::new("metadata.namespace", message))
            }
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(Error::invalid(what, vec![fault]));
        }
        metadata.owner_references.retain(|reference| !reference.is_to(&self.key));
        metadata.owner_references.push(OwnerReference {
            api_version: self.type_.api_version.to_owned(),
            kind: self.type_.kind.to_owned(),
            name: self.metadata.name.clone(),
            uid: self.key.uid.clone(),
            controller: true,
            block_owner_deletion: true,
        });
        Ok(())
    }

    /// Can the object that is there become what is given, as this owner's?
    pub(super) fn check_free(&self, target: &Target, given: &Metadata) -> Result<()> {
        let metadata = target.newest.metadata(&target.uid);
        if let Some(other) = metadata.controller().filter(|other| !other.is_to(&self.key)) {
            let message = format!(
                "{} belongs to {} {} (uid {}), not to {}: give it another name, or delete it first",
                target.title(),
                other.kind,
                other.name,
                other.uid,
                self.title()
            );
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        if metadata.is_deleting() {
            return Err(going(&target.title()));
        }
        if !given.uid.is_empty() && given.uid != target.uid {
            let message =
                format!("can't be `{}`: the object of that name has the uid `{}`; leave it out", given.uid, target.uid);
            return Err(Error::invalid(target.title(), vec![Fault::new("metadata.uid", message)]));
        }
        Ok(())
    }
}

impl Client {
    /// Creates an object that was [adopted](Owner::adopt), or makes the existing one of its name as given.
    pub(crate) async fn own_object(&self, owner: &Owner, child: &dyn Object) -> Result<Owned> {
        let what = title(child.resource_type(), child.metadata());
        let mut looks = LOOKS;
        self.check_alive(owner, &what)?;
        loop {
            let error = match self.converge(child, Some(owner)).await {
                Ok((applied, child)) => return Ok(Owned::Done(applied, child)),
                Err(error) => error,
            };
            if error.is_already_exists()
                && let Some((key, cached)) = self.claims(child)
            {
                return Ok(Owned::Going { key, seen: cached.modified(), title: what });
            }
            looks -= 1;
            if error.kind() != &ErrorKind::Conflict || looks == 0 {
                return Err(error);
            }
            // If the fence did not hold, the store knows that the owner is gone before the cache does.
            self.catch_up(&what).await?;
            self.check_alive(owner, &what)?;
            let found = self.find(child.resource_type(), &child.metadata().namespace, &child.metadata().name);
            let found = found.ok().and_then(|key| Some((self.cached(&key)?, key)));
            // What was in the way may be gone by now, or another object be there: that is another try.
            let Some((cached, key)) = found else { continue };
            let metadata = cached.metadata_ref(&key.uid);
            if self.is_going(&metadata, owner) {
                return Ok(Owned::Going { seen: cached.modified(), key, title: what });
            }
            if metadata.controller().is_some_and(|other| !other.is_to(&owner.key)) {
                return Err(error);
            }
        }
    }

    /// Deletes an object while this owner controls it; says whether it still did.
    ///
    /// # Errors
    /// As for [`Client::delete`].
    pub(crate) async fn delete_owned(&self, owner: &Owner, key: &ObjectKey) -> Result<bool> {
        let options = DeleteOptions::default();
        let mut is_owned = true;
        let plan = &mut |target: &Target| {
            let metadata = target.newest.metadata(&target.uid);
            is_owned = metadata.controller().is_some_and(|controller| controller.is_to(&owner.key));
            if is_owned { deletion(target, &options) } else { Ok(Step::Keep) }
        };
        self.carry_out(self.target(key)?, ATTEMPTS, plan).await?;
        Ok(is_owned)
    }

    /// Something that belonged to an object of the same uid, which is gone.
    fn claims(&self, child: &dyn Object) -> Option<(ObjectKey, CachedObject)> {
        let before = child.key();
        let left = self.some_child(&before).filter(|_| self.cached(&before).is_none())?;
        Some((left.clone(), self.cached(&left)?))
    }

    /// Is an object on its way out, or about to be taken there, since its controller is gone?
    fn is_going(&self, metadata: &Metadata, owner: &Owner) -> bool {
        let is_gone = |other: &OwnerReference| {
            !other.is_to(&owner.key) && self.owner_key(other).is_some_and(|key| self.cached(&key).is_none())
        };
        metadata.is_deleting() || metadata.controller().is_some_and(is_gone)
    }

    /// No child is made for an owner that is going, or gone.
    pub(crate) fn check_alive(&self, owner: &Owner, child: &str) -> Result<()> {
        let now = self.cached(&owner.key).filter(|now| now.created == owner.created);
        let Some(now) = now else {
            let message = format!("{child} was not written: its owner {} is gone", owner.title());
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        if now.metadata(&owner.key.uid).is_deleting() {
            let message = format!("{child} was not written: its owner {} is being deleted", owner.title());
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        Ok(())
    }
}

fn going(what: &str) -> Error {
    let message = format!("{what} is still on its way out: it can be created again when it is gone");
    Error::new(ErrorKind::Conflict, message)
}

impl Owned {
    /// Who the child is, or who is in its way.
    pub(crate) fn uid(&self) -> Uid {
        match self {
            // What was just written can be read.
            Self::Done(_, child) => child.object().map(|child| child.metadata().uid.clone()).unwrap_or_default(),
            Self::Going { key, .. } => key.uid.clone(),
        }
    }

    /// The child, for who needs it now.
    ///
    /// # Errors
    /// `Conflict` if it is being deleted.
    pub(crate) fn into_child(self) -> Result<CachedObject> {
        match self {
            Self::Done(_, child) => Ok(child),
            Self::Going { title, .. } => Err(going(&title)),
        }
    }
}
