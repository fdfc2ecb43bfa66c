//! Patches.

use serde::Deserialize as _;
use serde_json::Value;

use super::cached::CachedObject;
use super::envelope;
use super::lifecycle::Client;
use super::operations::{self, Refusal};
use super::preconditions::Preconditions;
use super::status::{encode, no_status, put_status};
use super::trouble;
use super::write::{ATTEMPTS, Done, Step, Target, written};
use crate::resource::{Object, ObjectKey, ResourceVersion};
use crate::{Error, ErrorKind, Fault, Result};

/// A change to an object's envelope, as JSON.
///
/// Of the metadata it may change labels, annotations, finalizers and owner references. A `uid` or `resourceVersion` that
/// comes of it is what the object must have; the name, the namespace and the kind can't be changed; whatever else the
/// metadata hold stays as it is, without a word.
///
/// ```
/// use fabrica::client::Patch;
/// use serde_json::json;
///
/// let merge = Patch::Merge(json!({ "metadata": { "labels": { "rack": "r1", "old": null } } }));
/// let json = Patch::Json(json!([{ "op": "add", "path": "/metadata/labels/rack", "value": "r1" }]));
/// assert_ne!(merge, json);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// A JSON merge patch (RFC 7396): what is given is set, null removes, arrays are replaced.
    Merge(Value),
    /// A JSON patch (RFC 6902): a list of operations, done in order, all or none. As in Kubernetes, a member that is not
    /// there passes a `test` for null. It has at most 10,000 operations, and its copies and moves take no more than
    /// three times the greatest value of the store.
    Json(Value),
}

/// The part of an object that a patch is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Metadata and spec; changes of the status are left out.
    Main,
    /// The status; all other changes are left out.
    Status,
}

/// What is done about fields that the kind doesn't know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownFields {
    /// They are refused.
    #[cfg(feature = "api")]
    Refuse,
    /// They are left out.
    Prune,
}

/// What no patch may change: where it stands, and what it is called in a fault.
const FIXED: [(&str, &str); 4] = [
    ("/apiVersion", "apiVersion"),
    ("/kind", "kind"),
    ("/metadata/name", "metadata.name"),
    ("/metadata/namespace", "metadata.namespace"),
];

/// What stays in the metadata, whatever a patch says: tools send back what they read.
const KEPT: [&str; 10] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generateName",
    "generation",
    "managedFields",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
];

impl Client {
    /// Patches an object of any kind, and says which fields that the kind doesn't know were left out; see
    /// [`Client::patch`] and [`Client::patch_status`].
    pub(crate) async fn patch_part(
        &self,
        key: &ObjectKey,
        patch: &Patch,
        part: Part,
        unknown: UnknownFields,
    ) -> Result<(CachedObject, Vec<Fault>)> {
        let target = self.target(key)?;
        if part == Part::Status && !target.kind.type_.has_status {
            return Err(no_status(target.title()));
        }
        let max_bytes = self.inner.store.limits().max_value_bytes;
        // Somebody else's write in between doesn't matter: the patch says what to change, and is made again.
        let (kind, mut left_out, mut last) = (target.kind.clone(), Vec::new(), None);
        let plan = &mut |target: &Target| {
            let patched = Patched::new(target, patch, part, max_bytes)?;
            left_out.clone_from(&patched.unknown);
            if target.newest.is_deleting() {
                last = serde_json::to_vec(&patched.after).ok();
            }
            patched.step(target, part, unknown)
        };
        match self.carry_out(target, ATTEMPTS, plan).await? {
            Done::Kept(object) | Done::Put { object, .. } => Ok((object, left_out)),
            // As the patch left it: without the finalizers that held it.
            Done::Deleted(object) => {
                let (created, modified) = (object.created, object.modified());
                let patched = last.map(|json| written(&kind, &key.uid, json.into(), created, modified));
                Ok((patched.unwrap_or(object), left_out))
            }
            Done::Gone => Err(trouble::not_found(key)),
        }
    }
}

#[cfg(feature = "api")]
impl Patch {
    /// Carries it out on a document that is no envelope of a kind's.
    ///
    /// # Errors
    /// `Invalid` if it is no patch, or one that can't be applied; `TooLarge` if it asks for more than is allowed. `title`
    /// is what the document is called in messages.
    pub(crate) fn apply_to(&self, document: &mut Value, title: &str, max_bytes: usize) -> Result<()> {
        apply(document, self, max_bytes).map_err(|refusal| refused(refusal, title))
    }
}

fn refused(refusal: Refusal, title: &str) -> Error {
    match refusal {
        Refusal::Fault(fault) => Error::invalid(title, vec![fault]),
        Refusal::TooLarge(message) => Error::new(ErrorKind::TooLarge, format!("{title} was not patched: {message}")),
    }
}

fn decode(target: &Target, envelope: &Value) -> Result<Box<dyn Object>> {
    target.kind.decode_checked(envelope).map_err(|faults| Error::invalid(target.title(), faults))
}

/// An envelope after a patch.
struct Patched {
    after: Value,
    /// What the patch added that the kind doesn't know; it is in `after` no more.
    unknown: Vec<Fault>,
}

impl Patched {
    fn new(target: &Target, patch: &Patch, part: Part, max_bytes: usize) -> Result<Self> {
        let invalid = |faults| Error::invalid(target.title(), faults);
        let before = envelope::value(&target.newest).map_err(|fault| invalid(vec![fault]))?;
        let mut after = before.clone();
        apply(&mut after, patch, max_bytes).map_err(|refusal| refused(refusal, &target.title()))?;
        preconditions(&after).map_err(|fault| invalid(vec![fault]))?.check(target)?;
        if part == Part::Status {
            let status = after.get_mut("status").map(Value::take);
            after.clone_from(&before);
            set_status(&mut after, status);
        } else {
            let faults = changed(&before, &after);
            if !faults.is_empty() {
                return Err(invalid(faults));
            }
            keep(&before, &mut after);
            if target.kind.type_.has_status {
                set_status(&mut after, before.get("status").cloned());
            }
        }
        let mut unknown = target.kind.prune(&mut after)?;
        if !unknown.is_empty() {
            // What an older program has left behind is not this patch's fault.
            let mut before = before;
            let left = target.kind.prune(&mut before)?;
            unknown.retain(|fault| !left.contains(fault));
        }
        Ok(Self { after, unknown })
    }

    /// The step that carries it out.
    fn step(self, target: &Target, part: Part, unknown: UnknownFields) -> Result<Step> {
        match unknown {
            #[cfg(feature = "api")]
            UnknownFields::Refuse if !self.unknown.is_empty() => {
                return Err(Error::invalid(target.title(), self.unknown));
            }
            _ => {}
        }
        let object = decode(target, &self.after)?;
        match part {
            Part::Main => target.replacement(&*object, object.metadata().clone()),
            Part::Status => put_status(target, &encode(|out| object.encode_status(out))?),
        }
    }
}

/// What an envelope says of the object that it is meant for.
fn preconditions(envelope: &Value) -> Result<Preconditions<'_>, Fault> {
    let version = match envelope.pointer("/metadata/resourceVersion") {
        None | Some(Value::Null) => ResourceVersion::UNSET,
        Some(version) => ResourceVersion::deserialize(version)
            .map_err(|error| Fault::new("metadata.resourceVersion", error.to_string()))?,
    };
    Ok(Preconditions { uid: envelope.pointer("/metadata/uid").and_then(Value::as_str), version })
}

fn changed(before: &Value, after: &Value) -> Vec<Fault> {
    let text = |envelope: &Value, pointer| match envelope.pointer(pointer) {
        None | Some(Value::Null) => Value::from(""),
        Some(value) => value.clone(),
    };
    let mut faults = Vec::new();
    for (pointer, path) in FIXED {
        let (is, wanted) = (text(before, pointer), text(after, pointer));
        // A namespace that is not given is the one that it has.
        if is != wanted && !(path == "metadata.namespace" && wanted == "") {
            let message = format!("can't be changed from {is} to {wanted}: leave it out of the patch");
            faults.push(Fault::new(path, message));
        }
    }
    faults
}

/// Puts back what stays in the metadata.
fn keep(before: &Value, after: &mut Value) {
    let metadata = after.get_mut("metadata").and_then(Value::as_object_mut);
    let (Some(metadata), Some(before)) = (metadata, before.get("metadata")) else { return };
    for field in KEPT {
        match before.get(field) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.remove(field),
        };
    }
    // A null is how Go writes what is not set.
    metadata.retain(|_, value| !value.is_null());
}

fn set_status(envelope: &mut Value, status: Option<Value>) {
    let Some(envelope) = envelope.as_object_mut() else { return };
    match status {
        Some(status) => envelope.insert("status".to_owned(), status),
        None => envelope.remove("status"),
    };
}

fn apply(envelope: &mut Value, patch: &Patch, max_bytes: usize) -> Result<(), Refusal> {
    match patch {
        Patch::Merge(patch) if patch.is_object() => json_patch::merge(envelope, patch),
        Patch::Merge(_) => {
            return Err(Refusal::no_patch("a merge patch of an object is an object, as in {\"spec\": {}}"));
        }
        Patch::Json(patch) => operations::apply(envelope, patch, max_bytes)?,
    }
    if envelope.is_object() { Ok(()) } else { Err(Refusal::new("the patch leaves no object")) }
}
