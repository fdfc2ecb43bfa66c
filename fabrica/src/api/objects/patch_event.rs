//! `PATCH` of a recorded event, whose form on the wire is not the one that is stored.

use serde_json::Value;

use super::Call;
use super::patch::failed;
use crate::Fault;
use crate::api::event_forms::EventForm;
use crate::api::status::Status;
use crate::client::{CachedObject, Patch};
use crate::resource::{RecordedEvent, Resource};

/// How often the patch is made again because somebody else wrote meanwhile.
const ATTEMPTS: usize = 20;
/// The greatest size of an event, in bytes: it must stay one that the store takes.
const BYTES_MAX: usize = 1 << 20;

/// Applies a patch to the form that its sender sees, and stores what comes of it.
pub(super) async fn patch_event(
    call: &Call<'_>,
    form: EventForm,
    name: &str,
    patch: &Patch,
) -> Result<CachedObject, Status> {
    let client = call.client();
    let title = format!("Event {name:?}");
    let mut left = ATTEMPTS;
    loop {
        let current = call.current(name)?;
        let stored: Value = serde_json::from_slice(&current.json()).unwrap_or_default();
        let mut shown = form.show(&stored);
        patch.apply_to(&mut shown, &title, BYTES_MAX).map_err(|error| failed(call, name, &error))?;
        let patched = form.read(shown).and_then(|patched| same_object(&stored, patched));
        let patched = patched.map_err(|faults| Status::invalid(call.served, name, &faults))?;
        let wants_another = patched["metadata"]["resourceVersion"] != stored["metadata"]["resourceVersion"];
        let read = client.read_object(RecordedEvent::TYPE, patched);
        let (object, _) = read.map_err(|error| call.failed(&error, name))?;
        left -= 1;
        match client.update_object(&*object).await {
            Ok(object) => return Ok(object),
            Err(error) if error.is_conflict() && !wants_another && left > 0 => {}
            Err(error) => return Err(call.failed(&error, name)),
        }
    }
}

/// The patched envelope, if it is still one of the object that was patched. What it doesn't say any more of who that is
/// is put back: the version that was read, unless the patch wants a certain one.
fn same_object(stored: &Value, mut patched: Value) -> Result<Value, Vec<Fault>> {
    let Some(metadata) = patched["metadata"].as_object_mut() else {
        return Err(vec![Fault::new("metadata", "is no object: leave it out of the patch")]);
    };
    let is = |field: &str| stored["metadata"][field].clone();
    let mut faults = Vec::new();
    for field in ["name", "namespace", "uid"] {
        let wanted = metadata.get(field).cloned().unwrap_or_default();
        // Only the name must be there: whoever takes it away means another object.
        if wanted != is(field) && (field == "name" || !is_unset(&wanted)) {
            let message = format!("can't be changed from {} to {wanted}: leave it out of the patch", is(field));
            faults.push(Fault::new(format!("metadata.{field}"), message));
        }
        metadata.insert(field.to_owned(), is(field));
    }
    if metadata.get("resourceVersion").is_none_or(is_unset) {
        metadata.insert("resourceVersion".to_owned(), is("resourceVersion"));
    }
    if faults.is_empty() { Ok(patched) } else { Err(faults) }
}

fn is_unset(value: &Value) -> bool {
    value.is_null() || value == ""
}
