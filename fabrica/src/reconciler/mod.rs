//! What a user writes against: reconcilers, their context, what they ask for and what they answer.

mod action;
mod awaited;
mod context;
mod effect;
mod extract;
mod handle;
mod options;
mod ownership;
mod reason;
mod types;

pub use action::{Action, Finalize, IntoFinalize, IntoOutcome};
pub(crate) use awaited::Awaited;
pub use context::Context;
pub(crate) use context::Shared;
#[cfg(feature = "testing")]
pub(crate) use effect::{EffectWitness, witnessed};
pub use extract::{Extract, Need, Needs, State, States};
pub use handle::Handle;
pub(crate) use handle::KindQueue;
pub use options::{Options, Watch};
pub use ownership::Converged;
pub use reason::{Reason, Reasons};
pub use types::{Reconciler, ReconcilerType};
