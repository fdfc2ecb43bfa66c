//! What happened: events in the form of `CloudEvents` 1.0, patterns over their types, and the bus that carries them.

mod attribute;
mod builder;
mod bus;
mod cloud_event;
mod index;
mod json;
mod names;
mod pattern;
mod subscription;
mod tap;

pub use attribute::Attribute;
pub use builder::EventBuilder;
pub use bus::{BusError, DEFAULT_BUFFER, EventBus};
pub use cloud_event::{About, Event};
pub use names::{DEFAULT_PREFIX, Lifecycle, condition_type, lifecycle_type};
pub use pattern::{Pattern, PatternError};
pub use subscription::{Delivery, Subscription};
pub use tap::TapGuard;
