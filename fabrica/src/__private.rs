//! What generated code names. Not for people: it changes without notice.

pub use ::core;
pub use ::core::convert::Into;
pub use ::core::default::Default;
pub use ::core::future::Future;
pub use ::core::marker::Send;
pub use ::core::option::Option;
pub use ::core::primitive::{bool, str};
pub use ::core::time::Duration;
pub use ::inventory;
pub use ::std;
pub use ::std::string::String;
pub use ::std::sync::Arc;

use futures_util::future::BoxFuture;

pub use crate::client::Client;
pub use crate::reconciler::{
    Action, Context, Extract, Finalize, IntoFinalize, IntoOutcome, Needs, Options, Reconciler, ReconcilerType, State,
    Watch,
};
pub use crate::registry::{RegisteredReconciler, RegisteredResource};
pub use crate::resource::{
    Column, Condition, ConditionStatus, Conditioned, Conditions, Metadata, NoStatus, Resource, ResourceType,
};
pub use crate::{Error, Result};

/// A field that must be of one type: that type alone implements it.
///
/// Generated code goes through it where the user wrote a type, so that a wrong one is one error there.
#[diagnostic::on_unimplemented(message = "a resource needs a `{T}` here, not a `{Self}`", label = "must be `{T}`")]
pub trait Is<T>: Sized {
    fn get(&self) -> &T;
    fn get_mut(&mut self) -> &mut T;
    fn make(value: T) -> Self;
}

impl<T> Is<T> for T {
    fn get(&self) -> &T {
        self
    }

    fn get_mut(&mut self) -> &mut T {
        self
    }

    fn make(value: T) -> Self {
        value
    }
}

/// A new object of a kind: what the `new` of each resource does.
pub fn new<T: Resource>(name: impl Into<String>, spec: T::Spec) -> T {
    T::from_parts(Metadata::named(name), spec, T::Status::default())
}

/// What a resource submits.
#[must_use]
pub const fn register_resource<T: Resource>() -> RegisteredResource {
    RegisteredResource(T::TYPE)
}

/// What a reconciler submits.
#[must_use]
pub const fn register_reconciler<R: Reconciler>() -> RegisteredReconciler {
    RegisteredReconciler(R::TYPE)
}

/// What `finalize = ..` may name.
pub trait Finalizer<'a, T: 'a> {
    fn run(self, object: &'a mut T, ctx: &'a Context) -> BoxFuture<'a, Result<Finalize>>;
}

impl<'a, T: 'a, F, Run> Finalizer<'a, T> for F
where
    F: FnOnce(&'a mut T, &'a Context) -> Run,
    Run: Future<Output: IntoFinalize> + Send + 'a,
{
    fn run(self, object: &'a mut T, ctx: &'a Context) -> BoxFuture<'a, Result<Finalize>> {
        let run = self(object, ctx);
        Box::pin(async move { run.await.into_finalize() })
    }
}

/// Calls the function of `finalize = ..`. That it answers with a type that does not depend on the function's keeps a
/// wrong one from being two errors.
pub fn finalize_with<'a, T, F: Finalizer<'a, T>>(
    finalize: F,
    object: &'a mut T,
    ctx: &'a Context,
) -> BoxFuture<'a, Result<Finalize>> {
    finalize.run(object, ctx)
}
