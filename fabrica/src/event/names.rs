//! What the framework's own events are called.

/// The start of the framework's own event types, unless the program sets another.
pub const DEFAULT_PREFIX: &str = "io.fabrica";

/// What happened to an object as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifecycle {
    /// It came to be.
    Created,
    /// Some part of it changed.
    Updated,
    /// It is gone.
    Deleted,
}

impl Lifecycle {
    /// The last segment of the event's type.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// The type of the event that says what happened to an object of a kind, as in `io.fabrica.device.created`.
#[must_use]
pub fn lifecycle_type(prefix: &str, kind: &str, action: Lifecycle) -> String {
    format!("{prefix}.{}.{}", kind.to_lowercase(), action.as_str())
}

/// The type of the event that says that a condition changed, as in `io.fabrica.condition.ready`.
#[must_use]
pub fn condition_type(prefix: &str, condition: &str) -> String {
    format!("{prefix}.condition.{}", condition.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framework_s_events_are_named_by_prefix_kind_and_action() {
        assert_eq!(lifecycle_type(DEFAULT_PREFIX, "Device", Lifecycle::Created), "io.fabrica.device.created");
        assert_eq!(lifecycle_type("org.acme", "RackTemplate", Lifecycle::Updated), "org.acme.racktemplate.updated");
        assert_eq!(lifecycle_type(DEFAULT_PREFIX, "Device", Lifecycle::Deleted), "io.fabrica.device.deleted");
        assert_eq!(condition_type(DEFAULT_PREFIX, "Ready"), "io.fabrica.condition.ready");
    }
}
