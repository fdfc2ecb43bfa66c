//! `PATCH` of a recorded event, whose form on the wire is not the one that is stored.

use serde_json::Value;

use super::Call;
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
    let mut left = ATTEMPTS;
    loop {
        let current = call.current(name)?;
        let stored: Value = serde_json::from_slice(&current.json()).unwrap_or_default();
        let patched = form.patched(&stored, |shown| patch.apply_to(shown, BYTES_MAX));
        let mut patched = patched.map_err(|faults| Status::invalid(call.served, name, &faults))?;
        // The version that was read, unless the patch wants a certain one.
        if patched["metadata"]["resourceVersion"].is_null() {
            patched["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"].clone();
        }
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
