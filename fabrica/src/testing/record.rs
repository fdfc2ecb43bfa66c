//! What a test sees of what happened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::client::{CachedObject, ObjectChange};
use crate::event::Event;
use crate::resource::ObjectKey;

/// What a write did to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteKind {
    /// It came to be.
    Created,
    /// Its spec or its metadata changed: labels, finalizers, owner references.
    Updated,
    /// Its status changed, and nothing else.
    Status,
    /// Its deletion was asked for, and it waits for its finalizers.
    Deleting,
    /// It is gone.
    Deleted,
}

/// A write that reached the store.
///
/// It is shown as what was done to which object, `created Device dev-123`, and is equal to that text:
///
/// ```
/// use fabrica::prelude::*;
/// use fabrica::testing::{Harness, WriteKind};
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1", register = false)]
/// # struct Device { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec {}
///
/// Harness::run(Controller::empty().resource::<Device>(), async |h| {
///     h.apply(Device::new("dev-123", Spec::default())).await?;
///     let writes = h.writes();
///     assert_eq!(writes, ["created Device dev-123"]);
///     assert_eq!((writes[0].kind, writes[0].by.is_none()), (WriteKind::Created, true));
///     Ok(())
/// })?;
/// # Ok::<(), fabrica::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Write {
    /// When, since the harness was started.
    pub at: Duration,
    /// What was done.
    pub kind: WriteKind,
    /// To which object.
    pub key: ObjectKey,
    /// What the object is called: `Device dev-123`, or `Device lab/dev-123` in a namespace.
    pub object: Arc<str>,
    /// The object whose run did it; `None` for the test itself, and for whatever else is no run.
    pub by: Option<Arc<str>>,
}

impl Write {
    pub(super) fn new(at: Duration, change: &ObjectChange, object: Arc<str>, by: Option<Arc<str>>) -> Self {
        Self { at, kind: WriteKind::of(change), key: change.key.clone(), object, by }
    }
}

impl WriteKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Status => "status",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }

    fn of(change: &ObjectChange) -> Self {
        let (old, new) = match (&change.old, &change.new) {
            (None, _) => return Self::Created,
            (_, None) => return Self::Deleted,
            (Some(old), Some(new)) => (old, new),
        };
        let is_deleting = |object: &CachedObject| object.metadata(&change.key.uid).is_deleting();
        if is_deleting(new) && !is_deleting(old) {
            Self::Deleting
        } else if but_for_status(old) == but_for_status(new) {
            Self::Status
        } else {
            Self::Updated
        }
    }
}

/// What stands in the store, but for the status.
fn but_for_status(object: &CachedObject) -> Value {
    let mut value = serde_json::from_slice(&object.raw).unwrap_or(Value::Null);
    if let Some(object) = value.as_object_mut() {
        object.remove("status");
    }
    value
}

impl fmt::Display for WriteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.object)
    }
}

/// As it is shown: what a failed assertion prints.
impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl PartialEq<&str> for Write {
    fn eq(&self, other: &&str) -> bool {
        other.split_once(' ').is_some_and(|(kind, object)| kind == self.kind.as_str() && object == &*self.object)
    }
}

/// A run of a reconciler, be it `reconcile` or `finalize`.
///
/// ```
/// use fabrica::prelude::*;
/// use fabrica::testing::Harness;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1", register = false)]
/// # struct Device { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec {}
///
/// #[reconciler(register = false)]
/// async fn check(device: &mut Device) -> Result<Action> {
///     Err(Error::terminal(format!("{} does not answer", device.name())))
/// }
///
/// Harness::run(Controller::empty().reconciler::<check>(), async |h| {
///     h.apply(Device::new("dev-123", Spec::default())).await?;
///     h.settle().await?;
///     let run = h.runs().remove(0);
///     assert_eq!(run.to_string(), "Device dev-123: changed at 2");
///     assert_eq!(run.error.as_deref(), Some("dev-123 does not answer"));
///     Ok(())
/// })?;
/// # Ok::<(), fabrica::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// When it began, since the harness was started.
    pub at: Duration,
    /// The object that it was for.
    pub key: ObjectKey,
    /// What the object is called: `Device dev-123`.
    pub object: Arc<str>,
    /// Why it was run, as [`Context::reasons`](crate::reconciler::Context::reasons) has it.
    pub reasons: String,
    /// How many runs before it have failed.
    pub attempt: u32,
    /// Is it over?
    pub is_over: bool,
    /// How it failed, if it did.
    pub error: Option<String>,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.reasons)
    }
}

/// One line of the story.
pub(super) enum Record {
    Run(Run),
    /// The run with this number failed; what it said stands there.
    Failed {
        at: Duration,
        object: Arc<str>,
        error: String,
    },
    Write(Write),
    Event {
        at: Duration,
        event: Arc<Event>,
    },
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, what) = match self {
            Self::Run(run) => (run.at, "run"),
            Self::Failed { at, .. } => (*at, "failed"),
            Self::Write(write) => (write.at, "write"),
            Self::Event { at, .. } => (*at, "event"),
        };
        // Without a formatter's own padding: a duration counts its digits differently.
        let at = format!("{:.3}s", at.as_secs_f64());
        write!(f, "{at:>12}  {what:<7}")?;
        match self {
            Self::Run(run) => write!(f, "{}, because: {}", run.object, run.reasons),
            Self::Failed { object, error, .. } => write!(f, "{object}: {error}"),
            Self::Write(write) => match &write.by {
                Some(by) => write!(f, "{write}, by {by}"),
                None => write!(f, "{write}"),
            },
            Self::Event { event, .. } => {
                write!(f, "{} {}", event.event_type(), event.subject().unwrap_or_default())
            }
        }
    }
}
