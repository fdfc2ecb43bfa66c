//! What a run must not touch: spec and metadata belong to others.

use serde_json::Value;

use crate::resource::{EncodeError, Object};
use crate::{Error, Result};

/// Fails terminally, naming the path, if a run has left the spec or the metadata changed.
pub(super) fn check_untouched(before: &dyn Object, after: &dyn Object) -> Result<()> {
    let path = if before.metadata() == after.metadata() {
        spec_difference(before, after)?
    } else {
        metadata_difference(before, after)?
    };
    let Some(path) = path else { return Ok(()) };
    let message = format!(
        "the reconcile of {} changed `{path}` in its object, which belongs to others: change the status, or write through `ctx.client()`",
        before.key()
    );
    Err(Error::terminal(message))
}

/// The text is compared first: it is equal nearly always, and costs no tree of values.
fn spec_difference(before: &dyn Object, after: &dyn Object) -> Result<Option<String>, EncodeError> {
    let (mut was, mut is) = (Vec::with_capacity(1024), Vec::with_capacity(1024));
    before.encode_spec(&mut was)?;
    after.encode_spec(&mut is)?;
    if was == is {
        return Ok(None);
    }
    let value = |json: &[u8]| serde_json::from_slice(json).unwrap_or(Value::Null);
    Ok(difference("spec", &value(&was), &value(&is)))
}

fn metadata_difference(before: &dyn Object, after: &dyn Object) -> Result<Option<String>, EncodeError> {
    let metadata = |object: &dyn Object| object.to_value().map(|mut value| value["metadata"].take());
    Ok(difference("metadata", &metadata(before)?, &metadata(after)?))
}

/// The path of the first difference.
fn difference(path: &str, before: &Value, after: &Value) -> Option<String> {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
            keys.into_iter().find_map(|key| {
                let get = |object: &serde_json::Map<String, Value>| object.get(key).cloned().unwrap_or(Value::Null);
                difference(&format!("{path}.{key}"), &get(before), &get(after))
            })
        }
        (before, after) => (before != after).then(|| path.to_owned()),
    }
}
