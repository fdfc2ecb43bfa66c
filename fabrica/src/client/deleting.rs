//! The condition that says why an object is still there after its deletion was asked for.

use serde_json::Value;

use super::cached::CachedObject;
use super::envelope::StatusSlot;
use super::lifecycle::Client;
use super::observer::ObjectChange;
use super::status::{encode, undecodable};
use super::write::{ATTEMPTS, Done, Step, Target};
use crate::resource::{Conditions, ObjectKey};
use crate::{Error, Result};

/// The condition's type.
pub(crate) const CONDITION: &str = "Deleting";

impl Client {
    /// Says in the condition `Deleting` why the object is still there, if its kind has conditions. Writes nothing if it
    /// says so already.
    ///
    /// # Errors
    /// What the store answers, conflicts excepted.
    pub(crate) async fn explain_deletion(&self, key: &ObjectKey, reason: &str, message: &str) -> Result<()> {
        let plan = &mut |target: &Target| explained(target, reason, message);
        match self.carry_out(self.target(key)?, ATTEMPTS, plan).await? {
            Done::Kept(_) | Done::Put { .. } | Done::Deleted(_) | Done::Gone => Ok(()),
        }
    }
}

fn explained(target: &Target, reason: &str, message: &str) -> Result<Step> {
    let newest = &target.newest;
    let Some(object) = newest.object().filter(|object| object.metadata().is_deleting()) else { return Ok(Step::Keep) };
    let slot = StatusSlot::of(&newest.raw).ok_or_else(undecodable)?;
    // Only a kind whose status always writes `conditions` has them.
    let written = encode(|out| object.encode_status(out))?;
    let has_conditions = |status: &Value| status.get("conditions").is_some_and(Value::is_array);
    let Some(written) = serde_json::from_slice(&written).ok().filter(has_conditions) else { return Ok(Step::Keep) };
    let stored = slot.status().and_then(|status| serde_json::from_str(status).ok()).filter(has_conditions);
    let mut status: Value = stored.unwrap_or(written);
    let Ok(mut conditions) = serde_json::from_value::<Conditions>(status["conditions"].clone()) else {
        return Ok(Step::Keep);
    };
    if !conditions.set(CONDITION, true, reason, message, Some(object.metadata().generation)) {
        return Ok(Step::Keep);
    }
    status["conditions"] = serde_json::to_value(conditions).map_err(Error::terminal)?;
    slot.with(status.to_string().as_bytes()).map(Step::Put).ok_or_else(undecodable)
}

impl ObjectChange {
    /// Does it say no more than why the object is still there? That is for people, and no news to its reconciler.
    pub(crate) fn only_explains_deletion(&self) -> bool {
        let (Some(old), Some(new)) = (&self.old, &self.new) else { return false };
        !self.relisted && old.is_deleting() && new.is_deleting() && without_condition(old) == without_condition(new)
    }
}

fn without_condition(object: &CachedObject) -> Option<Value> {
    let mut envelope: Value = serde_json::from_slice(&object.raw).ok()?;
    if let Some(conditions) = envelope.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
        conditions.retain(|condition| condition["type"] != CONDITION);
    }
    Some(envelope)
}
