//! What an update, an apply and a patch have in common: another version of metadata and spec.

use bytes::Bytes;

use super::envelope;
use super::finalizers::added_while_deleting;
use super::lifecycle::Client;
use super::status::{encode, same_json, undecodable};
use super::write::{Step, Target};
use crate::resource::{Metadata, Namespace, Object, ObjectKey, ResourceType, Uid, check_metadata};
use crate::{Error, ErrorKind, Fault, Result};

impl Client {
    /// The key of an object that is given by its uid or, without one, by its name.
    pub(super) fn resolve(&self, type_: &ResourceType, metadata: &Metadata) -> Result<ObjectKey> {
        let kind = self.inner.shared.kinds.of_type(type_)?;
        let cache = kind.cache.read();
        let found = if metadata.uid.is_empty() {
            cache.by_name(namespace_of(type_, &metadata.namespace), &metadata.name).map(|(uid, _)| uid.clone())
        } else {
            cache.get(&metadata.uid).map(|_| metadata.uid.clone())
        };
        let key = found.map(|uid| ObjectKey { kind: kind.group_kind(), uid });
        key.ok_or_else(|| {
            let what = super::lifecycle::title(type_, metadata);
            Error::new(ErrorKind::NotFound, format!("{what} was not found: create it first, or check its name"))
        })
    }
}

impl Client {
    /// The key of an object that is there to be updated. Where its name is given, it is known by that; another uid is a
    /// conflict then.
    pub(super) fn resolve_named(&self, type_: &ResourceType, metadata: &Metadata) -> Result<ObjectKey> {
        let named = Metadata { uid: Uid::default(), ..metadata.clone() };
        match self.resolve(type_, &named) {
            // An object that was given another name is still there by its uid.
            Err(error) if error.is_not_found() => self.resolve(type_, metadata),
            found => found,
        }
    }
}

impl Target {
    /// The step that gives the newest version other metadata and the spec of `object`. The status stays.
    ///
    /// Of `metadata` counts what a user may change; a name or namespace that is given must be the right one.
    pub(super) fn replacement(&self, object: &dyn Object, metadata: Metadata) -> Result<Step> {
        let (type_, newest) = (self.kind.type_, &self.newest);
        let old = newest.metadata(&self.uid);
        let mut faults = Vec::new();
        fixed("metadata.name", &metadata.name, &old.name, &mut faults);
        fixed("metadata.namespace", &metadata.namespace, &old.namespace, &mut faults);
        let before = newest.object();
        let spec = encode(|out| object.encode_spec(out))?;
        // Compared as the type writes it, not as it is stored: a new version of the program that knows one field more
        // makes no new generation of every object.
        let same_spec = match before {
            Some(before) => same_json(&spec, &encode(|out| before.encode_spec(out))?),
            None => false,
        };
        let Metadata { labels, annotations, finalizers, owner_references, .. } = metadata;
        let mut new = Metadata { labels, annotations, finalizers, owner_references, ..old.clone() };
        faults.extend(check_metadata(&new, type_.namespaced));
        // What an older program let in is not this write's fault: whoever waits for a finalizer must get it off.
        if !same_spec {
            faults.extend(self.kind.spec_faults(object)?);
        }
        if old.is_deleting() {
            let added = new.finalizers.iter().filter(|finalizer| !old.finalizers.contains(finalizer));
            faults.extend(added.map(|finalizer| added_while_deleting(finalizer)));
        }
        if !faults.is_empty() {
            return Err(Error::invalid(self.title(), faults));
        }
        let is_last = new.is_deleting() && new.finalizers.is_empty();
        if same_spec && new == old && !is_last {
            return Ok(Step::Keep);
        }
        if !same_spec {
            // Generation moves with the spec and with nothing else.
            new.generation += 1;
        }
        let value = if before.is_none() {
            mended(object, new)?
        } else if same_spec {
            envelope::with_metadata(&newest.raw, &new).ok_or_else(undecodable)?
        } else {
            envelope::with_metadata_and_spec(&newest.raw, &new, &spec).ok_or_else(undecodable)?
        };
        Ok(if is_last { Step::DeleteAs(value) } else { Step::Put(value) })
    }
}

/// The namespace that is meant.
pub(crate) fn namespace_of<'a>(type_: &ResourceType, namespace: &'a str) -> &'a str {
    if type_.namespaced && namespace.is_empty() { Namespace::DEFAULT } else { namespace }
}

fn fixed(path: &str, given: &str, is: &str, faults: &mut Vec<Fault>) {
    if !given.is_empty() && given != is {
        faults.push(Fault::new(path, format!("can't be changed from `{is}` to `{given}`: create another object")));
    }
}

/// An object that can't be decoded is written anew, as a whole.
fn mended(object: &dyn Object, metadata: Metadata) -> Result<Bytes> {
    let mut object = object.clone_boxed();
    *object.metadata_mut() = metadata;
    envelope::of(&*object).map_err(Error::terminal)
}
