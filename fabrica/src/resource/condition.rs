//! What is true of an object, as Kubernetes reports it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Resource, Timestamp};

/// Does a condition hold?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It doesn't.
    False,
    /// Nobody can say.
    #[default]
    Unknown,
}

impl From<bool> for ConditionStatus {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl fmt::Display for ConditionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        })
    }
}

/// One observation of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What is observed, as in `Ready`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Does it hold?
    pub status: ConditionStatus,
    /// Why, in one word for programs, as in `DeviceRunning`.
    #[serde(default)]
    pub reason: String,
    /// Why, in a sentence for people.
    #[serde(default)]
    pub message: String,
    /// When `status` last moved.
    pub last_transition_time: Timestamp,
    /// The generation of the spec that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<u64>,
}

/// The conditions of an object: at most one of each type, in the order in which they were first set.
///
/// ```
/// use fabrica::resource::Conditions;
///
/// let mut conditions = Conditions::default();
/// assert!(conditions.set("Ready", true, "Started", "It runs", Some(1)));
/// assert!(!conditions.set("Ready", true, "Started", "It runs", Some(1)), "nothing changed");
/// assert!(conditions.is_true("Ready"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    description = "The conditions of the object: at most one of each type.",
    extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
)]
pub struct Conditions(Vec<Condition>);

impl Conditions {
    /// Sets a condition and says whether anything changed. `lastTransitionTime` moves only if its status does.
    pub fn set(
        &mut self,
        type_: &str,
        status: impl Into<ConditionStatus>,
        reason: impl Into<String>,
        message: impl Into<String>,
        observed_generation: Option<u64>,
    ) -> bool {
        let (status, reason, message) = (status.into(), reason.into(), message.into());
        let Some(condition) = self.0.iter_mut().find(|condition| condition.type_ == type_) else {
            let last_transition_time = Timestamp::now();
            let type_ = type_.to_owned();
            self.0.push(Condition { type_, status, reason, message, last_transition_time, observed_generation });
            return true;
        };
        let last_transition_time =
            if condition.status == status { condition.last_transition_time } else { Timestamp::now() };
        let type_ = std::mem::take(&mut condition.type_);
        let new = Condition { type_, status, reason, message, last_transition_time, observed_generation };
        let old = std::mem::replace(condition, new);
        Condition { type_: condition.type_.clone(), ..old } != *condition
    }

    /// The condition of a type.
    #[must_use]
    pub fn get(&self, type_: &str) -> Option<&Condition> {
        self.0.iter().find(|condition| condition.type_ == type_)
    }

    /// Is the condition of that type there, and `True`?
    #[must_use]
    pub fn is_true(&self, type_: &str) -> bool {
        self.get(type_).is_some_and(|condition| condition.status == ConditionStatus::True)
    }

    /// Removes the condition of a type and says whether there was one.
    pub fn remove(&mut self, type_: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|condition| condition.type_ != type_);
        self.0.len() != before
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Condition> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Conditions {
    type Item = &'a Condition;
    type IntoIter = std::slice::Iter<'a, Condition>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A resource whose status holds conditions: what `conditions(..)` of the derive gives, for any type of condition.
///
/// Setting one stamps the generation of the spec that the object at hand carries.
pub trait Conditioned: Resource {
    /// The object's conditions.
    fn conditions(&self) -> &Conditions;

    /// The object's conditions, to change.
    fn conditions_mut(&mut self) -> &mut Conditions;

    /// Sets a condition and says whether anything changed.
    fn set_condition(
        &mut self,
        type_: &str,
        status: impl Into<ConditionStatus>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> bool {
        let generation = Some(self.metadata().generation).filter(|generation| *generation > 0);
        self.conditions_mut().set(type_, status, reason, message, generation)
    }

    /// The condition of a type.
    fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions().get(type_)
    }

    /// Is the condition of that type there, and `True`?
    fn is_condition_true(&self, type_: &str) -> bool {
        self.conditions().is_true(type_)
    }

    /// Removes the condition of a type and says whether there was one.
    fn remove_condition(&mut self, type_: &str) -> bool {
        self.conditions_mut().remove(type_)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_transition_time_moves_only_with_the_status() {
        let mut conditions = Conditions::default();
        assert!(conditions.set("Ready", false, "Starting", "", Some(1)));
        let first = conditions.get("Ready").unwrap().last_transition_time;
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(conditions.set("Ready", false, "StillStarting", "", Some(2)));
        assert_eq!(conditions.get("Ready").unwrap().last_transition_time, first);
        assert!(conditions.set("Ready", true, "Started", "", Some(2)));
        assert_eq!(conditions.get("Ready").unwrap().last_transition_time, first.plus(Duration::from_secs(5)));
        assert!(!conditions.set("Ready", true, "Started", "", Some(2)));
    }

    #[test]
    fn a_condition_is_removed_once() {
        let mut conditions = Conditions::default();
        conditions.set("Ready", true, "", "", None);
        assert!(conditions.remove("Ready"));
        assert!(!conditions.remove("Ready"));
        assert!(conditions.is_empty());
    }
}
