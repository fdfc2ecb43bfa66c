//! JSON patches (RFC 6902), applied as Kubernetes does.

use std::slice;

use json_patch::{PatchErrorKind, PatchOperation};
use serde_json::Value;

use crate::{Fault, FaultReason};

/// How many operations a patch may have, as in Kubernetes.
const OPERATIONS_MAX: usize = 10_000;
/// How much the copies and moves of a patch may take all together, counted in the greatest values of the store. With the
/// 1 MiB of most stores that is what Kubernetes allows.
const COPIES_MAX: usize = 3;
/// How deep values may nest: JSON that nests deeper can't be read again.
const DEPTH_MAX: usize = 127;

/// Why a patch was not applied.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is no patch, which is a fault of the wrong type, or one that can't be applied.
    Fault(Fault),
    /// It asks for more than is allowed.
    TooLarge(String),
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::Fault(Fault::new("", message))
    }

    /// What is given is no patch at all.
    pub(super) fn no_patch(message: impl Into<String>) -> Self {
        Self::Fault(Fault::new("", message).because(FaultReason::TypeInvalid))
    }
}

/// Applies a list of operations to a document, one after the other. After a refusal the document is of no use.
///
/// `max_bytes` is the greatest value of the store. What comes of the patch may be greater than that, but not by more than
/// the patch itself and what may be copied.
pub(super) fn apply(document: &mut Value, patch: &Value, max_bytes: usize) -> Result<(), Refusal> {
    let operations = read(patch)?;
    let mut copied = 0;
    for (index, operation) in operations.iter().enumerate() {
        if is_absent(document, operation) {
            continue;
        }
        let refused = |why: &str| Refusal::new(format!("{} can't be done: {why}", titled(index, operation)));
        let placed = match operation {
            PatchOperation::Add(add) => Some(Extent::of(&add.value)),
            PatchOperation::Replace(replace) => Some(Extent::of(&replace.value)),
            PatchOperation::Copy(copy) => document.pointer(copy.from.as_str()).map(Extent::of),
            PatchOperation::Move(move_) => document.pointer(move_.from.as_str()).map(Extent::of),
            PatchOperation::Remove(_) | PatchOperation::Test(_) => None,
        };
        if let Some(Extent { bytes, depth }) = placed {
            if operation.path().tokens().count() + depth > DEPTH_MAX {
                return Err(refused(&format!("the object would nest deeper than {DEPTH_MAX} levels")));
            }
            if matches!(operation, PatchOperation::Copy(_) | PatchOperation::Move(_)) {
                copied += bytes;
                if copied > COPIES_MAX * max_bytes {
                    let message = format!(
                        "{} is too much: the copies and moves of one patch may take {} bytes; write the values out, or \
                         patch in several steps",
                        titled(index, operation),
                        COPIES_MAX * max_bytes
                    );
                    return Err(Refusal::TooLarge(message));
                }
            }
        }
        // One operation at a time changes nothing that would have to be undone: the document is given up if it fails.
        let done = json_patch::patch_unsafe(document, slice::from_ref(operation));
        done.map_err(|error| refused(&why(operation, &error.kind)))?;
    }
    Ok(())
}

fn read(patch: &Value) -> Result<json_patch::Patch, Refusal> {
    if let Some(count) = patch.as_array().map(Vec::len).filter(|count| *count > OPERATIONS_MAX) {
        let message =
            format!("its JSON patch has {count} operations, but may have {OPERATIONS_MAX}: patch in several steps");
        return Err(Refusal::TooLarge(message));
    }
    serde_path_to_error::deserialize(patch).map_err(|error| {
        Refusal::no_patch(format!(
            "what is given is no JSON patch, a list of operations like \
            {{\"op\": \"remove\", \"path\": \"/spec/a\"}}: {error}"
        ))
    })
}

/// Does the operation test that a member is null that is not there? In Kubernetes that holds.
fn is_absent(document: &Value, operation: &PatchOperation) -> bool {
    let PatchOperation::Test(test) = operation else { return false };
    let path = test.path.as_str();
    let parent = path.rsplit_once('/').and_then(|(parent, _)| document.pointer(parent));
    test.value.is_null() && parent.is_some_and(Value::is_object) && document.pointer(path).is_none()
}

/// What an operation is called in messages.
fn titled(index: usize, operation: &PatchOperation) -> String {
    let (op, path) = match operation {
        PatchOperation::Add(add) => ("add", &add.path),
        PatchOperation::Remove(remove) => ("remove", &remove.path),
        PatchOperation::Replace(replace) => ("replace", &replace.path),
        PatchOperation::Move(move_) => ("move", &move_.path),
        PatchOperation::Copy(copy) => ("copy", &copy.path),
        PatchOperation::Test(test) => ("test", &test.path),
    };
    format!("operation {index} of the JSON patch, `{op}` at `{path}`,")
}

fn why(operation: &PatchOperation, kind: &PatchErrorKind) -> String {
    let from = match operation {
        PatchOperation::Move(move_) => move_.from.as_str(),
        PatchOperation::Copy(copy) => copy.from.as_str(),
        _ => "",
    };
    match (kind, operation) {
        (PatchErrorKind::TestFailed, _) => "the value there is another one".to_owned(),
        (PatchErrorKind::InvalidFromPointer, _) => format!("there is nothing at its `from`, `{from}`"),
        (PatchErrorKind::CannotMoveInsideItself, _) => format!("`{from}` can't be moved into itself"),
        (_, PatchOperation::Remove(_) | PatchOperation::Replace(_) | PatchOperation::Test(_)) => {
            "there is nothing at that path".to_owned()
        }
        _ => "there is no object or list that it could be put into, or no such place in it".to_owned(),
    }
}

/// How much a value takes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Extent {
    /// As JSON without white space and escapes, or a little less.
    bytes: usize,
    /// How many lists and objects are inside each other.
    depth: usize,
}

impl Extent {
    fn of(value: &Value) -> Self {
        let outer = |inner: &mut dyn Iterator<Item = (usize, &Value)>| {
            let empty = Self { bytes: 2, depth: 1 };
            inner.fold(empty, |sum, (name, value)| {
                let Self { bytes, depth } = Self::of(value);
                Self { bytes: sum.bytes + name + 1 + bytes, depth: sum.depth.max(depth + 1) }
            })
        };
        match value {
            Value::Null | Value::Bool(_) => Self { bytes: 4, depth: 0 },
            Value::Number(_) => Self { bytes: 1, depth: 0 },
            Value::String(text) => Self { bytes: text.len() + 2, depth: 0 },
            Value::Array(elements) => outer(&mut elements.iter().map(|element| (0, element))),
            Value::Object(fields) => outer(&mut fields.iter().map(|(name, value)| (name.len() + 3, value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MAX: usize = 1 << 20;

    #[allow(clippy::needless_pass_by_value)] // made on the spot
    fn applied(document: Value, patch: Value) -> Result<Value, Refusal> {
        let mut document = document;
        apply(&mut document, &patch, MAX).map(|()| document)
    }

    fn fault(document: Value, patch: Value) -> Fault {
        match applied(document, patch) {
            Err(Refusal::Fault(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::Null, |inner, _| json!([inner]))
    }

    #[test]
    fn what_is_not_there_is_null_to_a_test() {
        let document = json!({ "metadata": { "name": "a", "labels": null, "list": [] } });
        for path in ["/metadata/finalizers", "/metadata/labels", "/spec"] {
            let patch = json!([
                { "op": "test", "path": path, "value": null },
                { "op": "add", "path": "/metadata/finalizers", "value": ["x.io/f"] },
            ]);
            assert_eq!(
                applied(document.clone(), patch).unwrap()["metadata"]["finalizers"],
                json!(["x.io/f"]),
                "{path}"
            );
        }
        for (path, value) in [
            ("/metadata/finalizers", json!([])),
            ("/metadata/name", json!(null)),
            ("/spec/a", json!(null)),
            ("/metadata/list/0", json!(null)),
        ] {
            fault(document.clone(), json!([{ "op": "test", "path": path, "value": value }]));
        }
    }

    #[test]
    fn an_operation_that_can_not_be_done_is_named_by_index_op_and_path() {
        for (operation, why) in [
            (json!({ "op": "remove", "path": "/spec/rack" }), "nothing at that path"),
            (json!({ "op": "replace", "path": "/spec/rack", "value": 1 }), "nothing at that path"),
            (json!({ "op": "test", "path": "/spec/watts", "value": 8 }), "another"),
            (json!({ "op": "test", "path": "/spec/rack", "value": 8 }), "nothing at that path"),
            (json!({ "op": "add", "path": "/spec/ports/9/name", "value": 8 }), "no object or list"),
            (json!({ "op": "add", "path": "/spec/ports/9", "value": 8 }), "no such place"),
            (json!({ "op": "remove", "path": "/spec/ports/-" }), "nothing at that path"),
            (json!({ "op": "copy", "path": "/spec/b", "from": "/spec/rack" }), "`from`, `/spec/rack`"),
            (json!({ "op": "move", "path": "/spec/ports/0", "from": "/spec/ports" }), "into itself"),
        ] {
            let (op, path) = (operation["op"].as_str().unwrap(), operation["path"].as_str().unwrap());
            let operations = json!([{ "op": "test", "path": "/spec/watts", "value": 7 }, operation]);
            let fault = fault(json!({ "spec": { "watts": 7, "ports": [] } }), operations);
            let message = &fault.message;
            assert!(message.starts_with(&format!("operation 1 of the JSON patch, `{op}` at `{path}`")), "{message}");
            assert!(message.contains(why), "{message}");
            assert_eq!(fault.reason, FaultReason::Invalid);
        }
    }

    #[test]
    fn what_is_no_patch_is_told_from_one_that_can_not_be_done() {
        for (patch, named) in [
            (json!({ "op": "remove", "path": "/a" }), "a list"),
            (json!([{ "op": "remove" }]), "[0]"),
            (json!([{ "op": "test", "path": "/a", "value": 1 }, { "op": "erase", "path": "/a" }]), "[1]"),
            (json!([{ "op": "add", "path": "a", "value": 1 }]), "[0]"),
            (json!("x"), "a list"),
        ] {
            let fault = fault(json!({ "a": 1 }), patch);
            assert_eq!(fault.reason, FaultReason::TypeInvalid, "{fault}");
            assert!(fault.message.contains("no JSON patch") && fault.message.contains(named), "{fault}");
        }
    }

    #[test]
    fn a_patch_has_no_more_than_ten_thousand_operations() {
        let patch = |count| json!(vec![json!({ "op": "test", "path": "/a", "value": 1 }); count]);
        applied(json!({ "a": 1 }), patch(10_000)).unwrap();
        assert!(matches!(applied(json!({ "a": 1 }), patch(10_001)), Err(Refusal::TooLarge(_))));
    }

    #[test]
    fn copies_are_bounded_before_they_fill_the_memory() {
        // Each doubles what is there.
        let doubling: Vec<_> = (0..40).map(|n| json!({ "op": "copy", "from": "", "path": format!("/c{n}") })).collect();
        let document = json!({ "a": "x".repeat(1000) });
        let Err(Refusal::TooLarge(message)) = applied(document, json!(doubling)) else { panic!() };
        assert!(message.contains("operation 1") && message.contains("3145728"), "{message}");
        // A few are fine.
        let copies: Vec<_> = (0..2).map(|n| json!({ "op": "copy", "from": "/a", "path": format!("/c{n}") })).collect();
        applied(json!({ "a": "x".repeat(MAX) }), json!(copies)).unwrap();
    }

    #[test]
    fn an_object_nests_no_deeper_than_it_can_be_read_again() {
        let path = |depth| "/0".repeat(depth);
        let grown = |document: Value, path: String, value: Value| {
            applied(document, json!([{ "op": "add", "path": path, "value": value }]))
        };
        let deepest = grown(nested(100), path(27), nested(100)).unwrap();
        let json = serde_json::to_vec(&deepest).unwrap();
        assert!(serde_json::from_slice::<Value>(&json).is_ok(), "what is allowed can be read");
        let deeper = serde_json::to_vec(&json!([deepest])).unwrap();
        assert!(serde_json::from_slice::<Value>(&deeper).is_err(), "and no level more could be");
        let Err(Refusal::Fault(refused)) = grown(nested(100), path(28), nested(100)) else { panic!() };
        assert!(refused.message.contains("deeper than 127"), "{refused}");
        // Nor do copies and moves make it so.
        for op in ["copy", "move"] {
            let document = json!({ "a": nested(80), "b": nested(80) });
            let operations = json!([{ "op": op, "from": "/a", "path": format!("/b{}", path(60)) }]);
            assert!(fault(document, operations).message.contains("deeper"));
        }
    }
}
