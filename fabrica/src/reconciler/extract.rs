//! What a reconciler asks for besides its object.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;

use super::Context;
use crate::{Error, ErrorKind, Result};

/// A parameter that a reconciler can ask for: `&Context`, [`State<X>`], or a type of your own.
///
/// ```
/// use fabrica::prelude::*;
///
/// /// The rack that an object stands in, from its context.
/// struct RackName(String);
///
/// impl Extract<'_> for RackName {
///     fn extract(ctx: &Context) -> Result<Self> {
///         Ok(Self(ctx.key().uid.split('-').next().unwrap_or_default().to_owned()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something a reconciler can ask for",
    label = "not an extractor",
    note = "to share a value of this type with reconcilers, write `State<{Self}>` and register it with `.state(..)`",
    note = "otherwise a reconciler can ask for `&Context` and for types that implement `Extract`"
)]
pub trait Extract<'a>: Sized {
    /// Says what must have been registered for this to work; checked before anything runs.
    fn needs(needs: &mut Needs) {
        let _ = needs;
    }

    /// Makes the value for one run.
    ///
    /// # Errors
    /// The value can't be had; the run fails with that error, as if the reconciler had returned it.
    fn extract(ctx: &'a Context) -> Result<Self>;
}

impl<'a> Extract<'a> for &'a Context {
    fn extract(ctx: &'a Context) -> Result<Self> {
        Ok(ctx)
    }
}

/// A value that was registered with `.state(..)`, cloned for each run: wrap what is large in an `Arc`.
///
/// ```
/// use std::sync::Arc;
/// use fabrica::prelude::*;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1")]
/// # struct Device { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec {}
///
/// struct Ipmi;
///
/// #[reconciler]
/// async fn power(device: &mut Device, State(ipmi): State<Arc<Ipmi>>) -> Result<Action> {
///     let _ = (device, ipmi);
///     Ok(Action::AwaitChange)
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let controller = Controller::empty().reconciler::<power>().state(Arc::new(Ipmi)).build().await?;
/// # controller.stop().await }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct State<X>(pub X);

impl<X> Deref for State<X> {
    type Target = X;

    fn deref(&self) -> &X {
        &self.0
    }
}

impl<'a, X: Clone + Send + Sync + 'static> Extract<'a> for State<X> {
    fn needs(needs: &mut Needs) {
        needs.state::<X>();
    }

    fn extract(ctx: &'a Context) -> Result<Self> {
        ctx.state::<X>().map(State)
    }
}

/// What the reconcilers of a program ask to have been registered.
#[derive(Debug, Default)]
pub struct Needs(Vec<Need>);

/// One value that must have been registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The value's type.
    pub type_id: TypeId,
    /// The value's type, to read.
    pub type_name: &'static str,
}

impl Needs {
    /// A value of type `X` must have been registered with `.state(..)`.
    pub fn state<X: 'static>(&mut self) {
        self.0.push(Need { type_id: TypeId::of::<X>(), type_name: type_name::<X>() });
    }

    /// Everything asked for.
    pub fn iter(&self) -> impl Iterator<Item = &Need> {
        self.0.iter()
    }
}

/// The values that were registered: one of each type.
#[derive(Default)]
pub struct States(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl States {
    /// Adds a value. A second one of the same type replaces the first.
    pub fn insert<X: Clone + Send + Sync + 'static>(&mut self, value: X) {
        self.0.insert(TypeId::of::<X>(), Box::new(value));
    }

    /// A copy of the value of type `X`.
    ///
    /// # Errors
    /// None was registered.
    pub fn get<X: Clone + Send + Sync + 'static>(&self) -> Result<X> {
        let value = self.0.get(&TypeId::of::<X>()).and_then(|value| value.downcast_ref::<X>());
        value.cloned().ok_or_else(|| {
            let message = format!("no value of type `{}` was registered: add `.state(..)`", type_name::<X>());
            Error::new(ErrorKind::Startup, message)
        })
    }

    /// Was what is needed registered?
    #[must_use]
    pub fn meets(&self, need: &Need) -> bool {
        self.0.contains_key(&need.type_id)
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "States({})", self.0.len())
    }
}
