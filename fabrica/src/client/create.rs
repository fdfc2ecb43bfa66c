//! Creating objects.

use bytes::Bytes;

use super::cached::CachedObject;
use super::envelope;
use super::keys::{self, NewKeys};
use super::kinds::Kind;
use super::lifecycle::{Client, title};
use super::trouble;
use super::write::{ATTEMPTS, written};
use crate::resource::{Metadata, Namespace, Object, ObjectKey, Resource, Timestamp, Uid, unique};
use crate::store::{Guard, Revision, StoreError, Transaction};
use crate::{Error, ErrorKind, Fault, Result};

/// What a generated name ends in: lower-case letters and digits without those that are easily taken for another or form
/// words, as in Kubernetes.
const SUFFIX_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH: usize = 5;

impl Client {
    /// Creates an object of any kind; see [`Client::create`].
    pub(crate) async fn create_object(&self, object: Box<dyn Object>) -> Result<CachedObject> {
        self.create_fenced(object, None).await
    }

    /// Creates an object while the claim of a fence exists.
    pub(super) async fn create_fenced(
        &self,
        mut object: Box<dyn Object>,
        fence: Option<Guard>,
    ) -> Result<CachedObject> {
        let type_ = object.resource_type();
        let kind = self.inner.shared.kinds.of_type(type_)?.clone();
        let is_given = !object.metadata().uid.is_empty();
        Self::prepare(&kind, &mut *object)?;
        if is_given {
            self.check_unclaimed(&kind, object.metadata())?;
        }
        let generated = object.metadata().name.is_empty();
        let mut left = ATTEMPTS;
        loop {
            if generated {
                let metadata = object.metadata_mut();
                metadata.name = metadata.generate_name.clone() + &suffix();
            }
            let uid = object.metadata().uid.clone();
            let value = envelope::of(&*object).map_err(Error::terminal)?;
            let keys = keys::of_new(kind.group_kind(), object.metadata());
            let key = keys.object.clone();
            let (mut txn, guards) = self.creation(&kind, object.metadata(), keys, value.clone())?;
            txn.guards.extend(fence.clone());
            let index = match self.commit(txn, &key, Some(&value)).await {
                Ok(revision) => return Ok(written(&kind, &uid, value, revision, revision)),
                Err(StoreError::Conflict { index, .. }) => index,
                Err(error) => return Err(trouble::writing(title(type_, object.metadata()), &error)),
            };
            left -= 1;
            let again = match guards.get(index) {
                Some(Guarded::Name) => generated,
                // The namespace changed: look again whether it still takes objects.
                Some(Guarded::Namespace) => true,
                Some(Guarded::Uid) | None => false,
            };
            if !again || left == 0 {
                return Err(exists(&kind, object.metadata(), guards.get(index)));
            }
            // The cache may be behind a store that others write to.
            tokio::task::yield_now().await;
        }
    }

    /// A uid that an owner reference still names can't be taken again: what belonged to the old object would belong to
    /// the new one.
    fn check_unclaimed(&self, kind: &Kind, metadata: &Metadata) -> Result<()> {
        let key = ObjectKey { kind: kind.group_kind(), uid: metadata.uid.clone() };
        let Some(child) = self.some_child(&key).filter(|_| self.cached(&key).is_none()) else { return Ok(()) };
        let message = format!(
            "{} was not created: the uid {} still belongs to an owner of {child} that is gone; wait until all that \
             belonged to it is gone too, or use another uid",
            title(kind.type_, metadata),
            metadata.uid
        );
        Err(Error::new(ErrorKind::AlreadyExists, message))
    }

    /// Checks what the user gave, and fills in what the user doesn't give.
    fn prepare(kind: &Kind, object: &mut dyn Object) -> Result<()> {
        let type_ = kind.type_;
        let mut faults = kind.faults(object)?;
        if !object.metadata().resource_version.is_unset() {
            faults.push(Fault::new("metadata.resourceVersion", "must not be given for a new object: leave it out"));
        }
        if !faults.is_empty() {
            return Err(Error::invalid(title(type_, object.metadata()), faults));
        }
        let metadata = object.metadata_mut();
        if type_.namespaced && metadata.namespace.is_empty() {
            Namespace::DEFAULT.clone_into(&mut metadata.namespace);
        }
        if metadata.uid.is_empty() {
            metadata.uid = Uid::new_random();
        }
        if type_.is_same_type(Namespace::TYPE)
            && !metadata.finalizers.iter().any(|f| f == Namespace::CONTENTS_FINALIZER)
        {
            metadata.finalizers.push(Namespace::CONTENTS_FINALIZER.to_owned());
        }
        metadata.generation = 1;
        metadata.creation_timestamp = Some(Timestamp::now());
        metadata.deletion_timestamp = None;
        Ok(())
    }

    /// The transaction that creates an object, and what its guards stand for.
    fn creation(
        &self,
        kind: &Kind,
        metadata: &Metadata,
        keys: NewKeys,
        value: Bytes,
    ) -> Result<(Transaction, Vec<Guarded>)> {
        let NewKeys { object, name, uid } = keys;
        let mut txn = Transaction::new().when(Guard::Absent(object.clone())).when(Guard::Absent(name.clone()));
        let mut guards = vec![Guarded::Uid, Guarded::Name];
        if kind.type_.namespaced {
            // Nothing may be created in a namespace once its deletion has begun: that is a change of the namespace.
            let (key, modified) = self.open_namespace(kind, metadata)?;
            txn = txn.when(Guard::Modified(keys::object(key.kind, &key.uid), modified));
            guards.push(Guarded::Namespace);
        }
        Ok((txn.put(object, value).put(name, uid), guards))
    }

    fn open_namespace(&self, kind: &Kind, metadata: &Metadata) -> Result<(ObjectKey, Revision)> {
        let namespaces = self.kind(Namespace::TYPE.group_kind())?;
        let cache = namespaces.cache.read();
        let what = title(kind.type_, metadata);
        let name = &metadata.namespace;
        let Some((uid, namespace)) = cache.by_name("", name) else {
            let message = format!("{what} was not created: there is no namespace {name}; create it first");
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        if namespace.metadata(uid).is_deleting() {
            let message =
                format!("can't be `{name}`: that namespace is being deleted; use another, or wait until it is gone");
            return Err(Error::invalid(what, vec![Fault::new("metadata.namespace", message)]));
        }
        Ok((ObjectKey { kind: namespaces.group_kind(), uid: uid.clone() }, namespace.modified()))
    }
}

/// What a guard of a creation stands for.
enum Guarded {
    Uid,
    Name,
    Namespace,
}

fn exists(kind: &Kind, metadata: &Metadata, guarded: Option<&Guarded>) -> Error {
    let what = title(kind.type_, metadata);
    let Metadata { uid, .. } = metadata;
    match guarded {
        Some(Guarded::Uid) => {
            let message = format!(
                "{what} was not created: a {} with the uid {uid} exists already; update it, or use another uid",
                kind.type_.kind
            );
            Error::new(ErrorKind::AlreadyExists, message)
        }
        Some(Guarded::Name) => {
            let message = format!("{what} exists already; update or apply it, or use another name");
            Error::new(ErrorKind::AlreadyExists, message)
        }
        Some(Guarded::Namespace) | None => trouble::conflict(what),
    }
}

/// Random enough that names seldom meet; if they do, another is tried.
fn suffix() -> String {
    let mut bits = unique().as_u64_pair().1;
    let mut suffix = String::with_capacity(SUFFIX_LENGTH);
    for _ in 0..SUFFIX_LENGTH {
        let letters = SUFFIX_LETTERS.len() as u64;
        // The remainder is smaller than the number of letters.
        let index = usize::try_from(bits % letters).unwrap_or_default();
        suffix.push(char::from(SUFFIX_LETTERS[index]));
        bits /= letters;
    }
    suffix
}
