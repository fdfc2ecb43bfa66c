//! Putting whole objects into a store, as they were in another.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::Value;

use super::keys;
use super::trouble;
use crate::resource::{Metadata, check_metadata, is_dns_subdomain};
use crate::store::{Entry, Guard, Key, Limits, Revision, Store, StoreError, Transaction};
use crate::{Error, ErrorKind, Fault, Result};

/// One object to import.
#[derive(Clone, Debug)]
pub struct ImportDocument {
    /// Where it stands, for messages: a file and a line, as a rule.
    pub place: String,
    /// The whole object.
    pub object: Value,
}

impl ImportDocument {
    /// An object, and where it stands.
    pub fn new(place: impl Into<String>, object: Value) -> Self {
        Self { place: place.into(), object }
    }
}

/// How [`import`] goes about objects that are there.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    overwrite: bool,
}

impl ImportOptions {
    /// Objects that are there, and are not the same, become what the documents say. By default they are refused.
    #[must_use]
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }
}

/// What [`import`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// How many objects were not there before.
    pub created: usize,
    /// How many were there and were otherwise.
    pub overwritten: usize,
    /// How many were there already, just as the documents say.
    pub unchanged: usize,
    /// The store's revision afterwards.
    pub revision: Revision,
}

/// Puts whole objects into a store, as [`export`](super::export::export) handed them out: with their uids, generations,
/// timestamps, finalizers and owner references, and with their status. Only their versions are the store's own.
///
/// Everything is checked before anything is written. The writes are transactions of up to 50 objects each: if the store
/// fails between two, or the process is killed, do the same again; what is there already is left alone.
///
/// Versions that the other store has handed out mean nothing to this one: an embedded store that takes the place of another is
/// best opened with `EmbeddedOptions::revision_at_least`.
///
/// No program should be at work on the store: its reconcilers would act on the first objects before the last are there.
///
/// # Errors
/// `Invalid` with every fault of every document, its path beginning with the document's place: it is no whole object; two
/// are of one uid or of one name; the store has another object of that name or, without
/// [`overwrite`](ImportOptions::overwrite), the same object otherwise; it is too large. What the store answers.
pub async fn import(store: &dyn Store, documents: Vec<ImportDocument>, options: ImportOptions) -> Result<Imported> {
    let (objects, mut faults) = read(documents, store.limits());
    let mut imported = Imported::default();
    let mut steps = Vec::new();
    for object in objects {
        match plan(store, &object, options).await? {
            Ok(Step::Keep) => imported.unchanged += 1,
            Ok(Step::Write(step)) => {
                *if step.replaces { &mut imported.overwritten } else { &mut imported.created } += 1;
                steps.push(step.txn);
            }
            Err(message) => faults.push(Fault::new(object.place, message)),
        }
    }
    if !faults.is_empty() {
        return Err(Error::invalid("what is to be imported", faults));
    }
    write(store, steps).await?;
    imported.revision =
        store.revision().await.map_err(|error| trouble::reading("the revision of the store", &error))?;
    Ok(imported)
}

/// One object as it is to stand in the store.
struct Object {
    place: String,
    title: String,
    key: Key,
    name: Key,
    uid: String,
    json: Bytes,
}

/// The objects that are right, and the faults of the others.
fn read(documents: Vec<ImportDocument>, limits: Limits) -> (Vec<Object>, Vec<Fault>) {
    let (mut objects, mut faults) = (Vec::new(), Vec::new());
    let mut places = BTreeMap::<Key, String>::new();
    for ImportDocument { place, object } in documents {
        let object = match Object::read(place.clone(), object, limits) {
            Ok(object) => object,
            Err(found) => {
                faults.extend(found.into_iter().map(|fault| within(&place, fault)));
                continue;
            }
        };
        let mut twice = None;
        for (key, what) in [(&object.key, "uid"), (&object.name, "name")] {
            match places.entry(key.clone()) {
                Slot::Vacant(slot) => drop(slot.insert(place.clone())),
                Slot::Occupied(first) => {
                    let message =
                        format!("is that of the {} in {}, too; keep one of the two", object.title, first.get());
                    twice.get_or_insert(within(&place, Fault::new(format!("metadata.{what}"), message)));
                }
            }
        }
        match twice {
            Some(fault) => faults.push(fault),
            None => objects.push(object),
        }
    }
    (objects, faults)
}

fn within(place: &str, fault: Fault) -> Fault {
    let path = if fault.path.is_empty() { place.to_owned() } else { format!("{place}: {}", fault.path) };
    Fault { path, ..fault }
}

impl Object {
    fn read(place: String, mut object: Value, limits: Limits) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let (group, kind) = kind(&object, &mut faults);
        let metadata = metadata(&object, &mut faults);
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
        }
        if !object.get("spec").is_some_and(Value::is_object) {
            faults.push(Fault::new("spec", "is missing: a whole object has one, if only `{}`"));
        }
        if object.get("status").is_some_and(|status| !status.is_object() && !status.is_null()) {
            faults.push(Fault::new("status", "is no object"));
        }
        let (Some(metadata), true) = (metadata, faults.is_empty()) else { return Err(faults) };
        let slash = if metadata.namespace.is_empty() { "" } else { "/" };
        let read = Self {
            place,
            title: format!("{kind} {}{slash}{}", metadata.namespace, metadata.name),
            key: keys::foreign_object(&group, &kind, &metadata.uid),
            name: keys::foreign_name(&group, &kind, &metadata.namespace, &metadata.name),
            uid: metadata.uid.to_string(),
            // What was parsed from JSON or YAML is JSON again.
            json: object.to_string().into(),
        };
        let txn = Transaction::new().put(read.key.clone(), read.json.clone()).put(read.name.clone(), read.uid.clone());
        limits.check(&txn).map_err(|error| vec![Fault::new("", error.to_string())])?;
        Ok(read)
    }
}

/// Group and kind. They are parts of the object's key: what could be taken for another part is refused.
fn kind(object: &Value, faults: &mut Vec<Fault>) -> (String, String) {
    let text = |path: &str| object.get(path).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !(group.is_empty() && !api_version.contains('/') || is_dns_subdomain(group)) || !is_word(version) {
        let message = format!("`{api_version}` is no group and version, as in `example.io/v1`");
        faults.push(Fault::new("apiVersion", message));
    }
    if !is_word(kind) {
        faults.push(Fault::new("kind", format!("`{kind}` is no kind, as in `Device`")));
    }
    (group.to_owned(), kind.to_owned())
}

fn metadata(object: &Value, faults: &mut Vec<Fault>) -> Option<Metadata> {
    let Some(metadata) = object.get("metadata") else {
        faults.push(Fault::new("metadata", "is missing"));
        return None;
    };
    let metadata: Metadata = match serde_path_to_error::deserialize(metadata) {
        Ok(metadata) => metadata,
        Err(error) => {
            faults.push(Fault::new(format!("metadata.{}", error.path()), error.inner().to_string()));
            return None;
        }
    };
    faults.extend(check_metadata(&metadata, !metadata.namespace.is_empty()));
    if metadata.name.is_empty() && !metadata.generate_name.is_empty() {
        faults.push(Fault::new("metadata.name", "is missing: a whole object has one"));
    }
    if metadata.uid.is_empty() {
        let message = "is missing: a whole object has one; what has none yet is a manifest, which `run --apply` takes";
        faults.push(Fault::new("metadata.uid", message));
    }
    Some(metadata)
}

enum Step {
    Keep,
    Write(Writing),
}

struct Writing {
    txn: Transaction,
    replaces: bool,
}

/// What is to be done for one object; or why it can't be.
async fn plan(store: &dyn Store, object: &Object, options: ImportOptions) -> Result<Result<Step, String>> {
    let get = async |key| {
        let read = store.get(key, None).await;
        read.map(|(entry, _)| entry).map_err(|error| trouble::reading(&object.title, &error))
    };
    let (there, name) = (get(&object.key).await?, get(&object.name).await?);
    let Object { title, uid, .. } = object;
    if let Some(other) = name.as_ref().filter(|entry| entry.value != uid.as_bytes()) {
        let other = String::from_utf8_lossy(&other.value);
        let message = format!("the store has another {title}, with the uid {other}: delete it, or leave this one out");
        return Ok(Err(message));
    }
    let Some(there) = there else { return Ok(Ok(Step::Write(object.creation(name.as_ref())))) };
    if is_same(&there.value, &object.json) && name.is_some() {
        return Ok(Ok(Step::Keep));
    }
    if !options.overwrite {
        let message = format!("the store has the {title} otherwise (uid {uid}): overwrite it, or leave this one out");
        return Ok(Err(message));
    }
    Ok(Ok(Step::Write(object.replacement(&there, name.as_ref()))))
}

impl Object {
    fn put(&self, txn: Transaction, name: Option<&Entry>) -> Transaction {
        let guard = match name {
            Some(name) => Guard::Modified(self.name.clone(), name.modified),
            None => Guard::Absent(self.name.clone()),
        };
        txn.when(guard).put(self.key.clone(), self.json.clone()).put(self.name.clone(), self.uid.clone())
    }

    fn creation(&self, name: Option<&Entry>) -> Writing {
        let txn = Transaction::new().when(Guard::Absent(self.key.clone()));
        Writing { txn: self.put(txn, name), replaces: false }
    }

    fn replacement(&self, there: &Entry, name: Option<&Entry>) -> Writing {
        let mut txn = Transaction::new().when(Guard::Modified(self.key.clone(), there.modified));
        if let Some(old) = name_of(&there.value, &self.key).filter(|old| *old != self.name) {
            txn = txn.delete(old);
        }
        Writing { txn: self.put(txn, name), replaces: true }
    }
}

/// The key of the name that an object in the store has.
fn name_of(json: &[u8], key: &Key) -> Option<Key> {
    let metadata = super::envelope::metadata(json)?;
    let (kind, _) = keys::split_object(key)?;
    let (group, kind) = kind.rsplit_once('/')?;
    Some(keys::foreign_name(group, kind, &metadata.namespace, &metadata.name))
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    let parse = |json| serde_json::from_slice::<Value>(json).ok();
    one == other || parse(one).is_some_and(|one| Some(one) == parse(other))
}

/// Does all of it, as much in one transaction as the store takes.
async fn write(store: &dyn Store, steps: Vec<Transaction>) -> Result<()> {
    let limit = store.limits().max_ops;
    let mut batch = Transaction::new();
    let mut keys = BTreeSet::new();
    for step in steps {
        // A name that one object gives up another may take: that is two operations on one key.
        let fits = batch.ops.len().max(batch.guards.len()) + step.ops.len().max(step.guards.len()) <= limit;
        if !fits || step.ops.iter().any(|op| keys.contains(op.key())) {
            commit(store, std::mem::take(&mut batch)).await?;
            keys.clear();
        }
        keys.extend(step.ops.iter().map(|op| op.key().clone()));
        batch.guards.extend(step.guards);
        batch.ops.extend(step.ops);
    }
    commit(store, batch).await
}

async fn commit(store: &dyn Store, batch: Transaction) -> Result<()> {
    let count = batch.ops.len();
    match store.txn(batch).await {
        Ok(_) => Ok(()),
        Err(StoreError::Conflict { .. }) => {
            let message =
                "the store was written to meanwhile: stop the program that works on it, and do the same again";
            Err(Error::new(ErrorKind::Conflict, message))
        }
        Err(error) => {
            let what = format!("{count} entries (do the same again; what is there already is left alone)");
            Err(trouble::writing(what, &error))
        }
    }
}
