//! Patches.

use serde_json::Value;

use super::cached::CachedObject;
use super::envelope;
use super::lifecycle::Client;
use super::status::{encode, no_status, put_status};
use super::trouble;
use super::write::{ATTEMPTS, Done, Step, Target};
use crate::resource::{Object, ObjectKey};
use crate::{Error, Fault, Result};

/// A change to an object's envelope, as JSON.
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
    /// A JSON patch (RFC 6902): a list of operations, done in order, all or none.
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
const FIXED: [(&str, &str); 8] = [
    ("/apiVersion", "apiVersion"),
    ("/kind", "kind"),
    ("/metadata/name", "metadata.name"),
    ("/metadata/namespace", "metadata.namespace"),
    ("/metadata/uid", "metadata.uid"),
    ("/metadata/generation", "metadata.generation"),
    ("/metadata/creationTimestamp", "metadata.creationTimestamp"),
    ("/metadata/deletionTimestamp", "metadata.deletionTimestamp"),
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
        // Somebody else's write in between doesn't matter: the patch says what to change, and is made again.
        let mut left_out = Vec::new();
        let plan = &mut |target: &Target| {
            let patched = Patched::new(target, patch, part)?;
            left_out.clone_from(&patched.unknown);
            patched.step(target, part, unknown)
        };
        match self.carry_out(target, ATTEMPTS, plan).await? {
            Done::Kept(object) | Done::Put { object, .. } | Done::Deleted(object) => Ok((object, left_out)),
            Done::Gone => Err(trouble::not_found(key)),
        }
    }
}

fn decode(target: &Target, envelope: &Value) -> Result<Box<dyn Object>> {
    target.kind.decode_checked(envelope).map_err(|faults| Error::invalid(target.title(), faults))
}

/// An envelope before and after a patch.
struct Patched {
    before: Value,
    after: Value,
    /// What the patch added that the kind doesn't know; it is in `after` no more.
    unknown: Vec<Fault>,
}

impl Patched {
    fn new(target: &Target, patch: &Patch, part: Part) -> Result<Self> {
        let invalid = |fault| Error::invalid(target.title(), vec![fault]);
        let before = envelope::value(&target.newest).map_err(invalid)?;
        let mut after = before.clone();
        apply(&mut after, patch).map_err(invalid)?;
        // A patch that names a version wants that one.
        let version = |envelope: &Value| envelope.pointer("/metadata/resourceVersion").cloned();
        if version(&after).is_some_and(|wanted| Some(wanted) != version(&before)) {
            return Err(trouble::conflict(target.title()));
        }
        if part == Part::Status {
            let status = after.get_mut("status").map(Value::take);
            after.clone_from(&before);
            set_status(&mut after, status);
        } else if target.kind.type_.has_status {
            set_status(&mut after, before.get("status").cloned());
        }
        let mut unknown = target.kind.prune(&mut after)?;
        if !unknown.is_empty() {
            // What an older program has left behind is not this patch's fault.
            let left = target.kind.prune(&mut before.clone())?;
            unknown.retain(|fault| !left.contains(fault));
        }
        Ok(Self { before, after, unknown })
    }

    /// The step that carries it out.
    fn step(self, target: &Target, part: Part, unknown: UnknownFields) -> Result<Step> {
        let Self { before, after, unknown: faults } = self;
        match unknown {
            #[cfg(feature = "api")]
            UnknownFields::Refuse if !faults.is_empty() => return Err(Error::invalid(target.title(), faults)),
            _ => {}
        }
        if part == Part::Status {
            let object = decode(target, &after)?;
            return put_status(target, &encode(|out| object.encode_status(out))?);
        }
        let faults: Vec<Fault> = FIXED
            .iter()
            .filter(|(pointer, _)| after.pointer(pointer) != before.pointer(pointer))
            .map(|(_, path)| Fault::new(*path, "can't be changed: leave it out of the patch"))
            .collect();
        if !faults.is_empty() {
            return Err(Error::invalid(target.title(), faults));
        }
        let object = decode(target, &after)?;
        let metadata = object.metadata().clone();
        target.replacement(&*object, metadata)
    }
}

fn set_status(envelope: &mut Value, status: Option<Value>) {
    let Some(envelope) = envelope.as_object_mut() else { return };
    match status {
        Some(status) => envelope.insert("status".to_owned(), status),
        None => envelope.remove("status"),
    };
}

fn apply(envelope: &mut Value, patch: &Patch) -> Result<(), Fault> {
    match patch {
        Patch::Merge(patch) if patch.is_object() => json_patch::merge(envelope, patch),
        Patch::Merge(_) => {
            return Err(Fault::new("", "a merge patch of an object is an object, as in {\"spec\": {}}"));
        }
        Patch::Json(patch) => {
            let operations: json_patch::Patch = serde_json::from_value(patch.clone())
                .map_err(|error| Fault::new("", format!("it is no JSON patch, a list of operations: {error}")))?;
            for (index, operation) in operations.iter().enumerate() {
                if is_absent(envelope, operation) {
                    continue;
                }
                json_patch::patch(envelope, std::slice::from_ref(operation)).map_err(|error| {
                    let why = error.to_string().replacen("'/0'", &format!("'/{index}'"), 1);
                    Fault::new("", format!("the JSON patch can't be applied: {why}"))
                })?;
            }
        }
    }
    if envelope.is_object() { Ok(()) } else { Err(Fault::new("", "the patch leaves no object")) }
}

/// Does the operation test that a member is null that is not there? As in Kubernetes, that holds.
fn is_absent(envelope: &Value, operation: &json_patch::PatchOperation) -> bool {
    let json_patch::PatchOperation::Test(test) = operation else { return false };
    let path = test.path.as_str();
    let parent = path.rsplit_once('/').and_then(|(parent, _)| envelope.pointer(parent));
    test.value.is_null() && parent.is_some_and(Value::is_object) && envelope.pointer(path).is_none()
}
