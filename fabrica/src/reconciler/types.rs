//! Reconcilers, with and without their types.

use std::fmt;
use std::panic::Location;

use futures_util::future::BoxFuture;

use super::{Action, Context, Finalize, Needs, Options};
use crate::resource::{Namespace, Object, Resource, ResourceType};
use crate::{Error, ErrorKind, Result};

/// What brings the objects of one kind to their desired state. Write it with `#[reconciler]`.
///
/// It is called for an object at its newest, never twice at once for the same one, and again after each change, failure
/// or wish of its own. It must lead to the same end however often it runs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a reconciler",
    label = "not a reconciler",
    note = "put `#[reconciler]` on an `async fn(&mut Resource, ..) -> Result<Action>` or on an impl block with `reconcile`"
)]
pub trait Reconciler: 'static {
    /// The kind that it reconciles.
    type Resource: Resource;

    /// What logs, metrics and errors call it.
    const NAME: &'static str;
    /// Has it a `finalize`, which runs before an object goes?
    const HAS_FINALIZE: bool;
    /// The same without the type.
    const TYPE: &'static ReconcilerType;

    /// How it is run.
    fn options() -> Options;

    /// What it asks to have been registered.
    fn needs(needs: &mut Needs);

    /// One run.
    fn reconcile<'a>(
        object: &'a mut Self::Resource,
        ctx: &'a Context,
    ) -> impl Future<Output = Result<Action>> + Send + 'a;

    /// One run for an object that is to go.
    fn finalize<'a>(
        object: &'a mut Self::Resource,
        ctx: &'a Context,
    ) -> impl Future<Output = Result<Finalize>> + Send + 'a {
        let _ = (object, ctx);
        async { Ok(Finalize::Done) }
    }
}

/// A run as the controller calls it.
type Run<Answer> = for<'a> fn(&'a mut dyn Object, &'a Context) -> BoxFuture<'a, Result<Answer>>;

/// A reconciler without its type. One stands in [`Reconciler::TYPE`] of each.
#[derive(Clone, Copy)]
pub struct ReconcilerType {
    /// What logs, metrics and errors call it.
    pub name: &'static str,
    /// The kind that it reconciles.
    pub resource: &'static ResourceType,
    /// Has it a `finalize`?
    pub has_finalize: bool,
    /// The Rust type's path.
    pub type_name: fn() -> &'static str,
    /// Where it is declared.
    pub location: &'static Location<'static>,
    options: fn() -> Options,
    needs: fn(&mut Needs),
    reconcile: Run<Action>,
    finalize: Run<Finalize>,
}

impl ReconcilerType {
    /// The description of a reconciler; the caller's place is remembered as the place of its declaration.
    #[must_use]
    #[track_caller]
    pub const fn of<R: Reconciler>() -> Self {
        Self {
            name: R::NAME,
            resource: R::Resource::TYPE,
            has_finalize: R::HAS_FINALIZE,
            type_name: std::any::type_name::<R>,
            location: Location::caller(),
            options: R::options,
            needs: R::needs,
            reconcile: |object, ctx| match object.downcast_mut::<R::Resource>() {
                Some(object) => Box::pin(R::reconcile(object, ctx)),
                None => Box::pin(async { Err(wrong_kind::<R>()) }),
            },
            finalize: |object, ctx| match object.downcast_mut::<R::Resource>() {
                Some(object) => Box::pin(R::finalize(object, ctx)),
                None => Box::pin(async { Err(wrong_kind::<R>()) }),
            },
        }
    }

    /// How it is run.
    #[must_use]
    pub fn options(&self) -> Options {
        (self.options)()
    }

    /// What it asks to have been registered.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        (self.needs)(&mut needs);
        needs
    }

    /// One run.
    pub fn reconcile<'a>(&self, object: &'a mut dyn Object, ctx: &'a Context) -> BoxFuture<'a, Result<Action>> {
        (self.reconcile)(object, ctx)
    }

    /// One run for an object that is to go.
    pub fn finalize<'a>(&self, object: &'a mut dyn Object, ctx: &'a Context) -> BoxFuture<'a, Result<Finalize>> {
        (self.finalize)(object, ctx)
    }

    /// The finalizer that stands on an object while its `finalize` has not said done: `device.example.io/finalizer`.
    #[must_use]
    pub fn finalizer(&self) -> String {
        let ResourceType { singular, group, .. } = self.resource;
        // The only built-in kind with a reconciler is the namespace, which is born with this.
        if self.resource.is_built_in() {
            Namespace::CONTENTS_FINALIZER.to_owned()
        } else {
            format!("{singular}.{group}/finalizer")
        }
    }
}

fn wrong_kind<R: Reconciler>() -> Error {
    Error::new(
        ErrorKind::Other,
        format!("reconciler `{}` was called for an object that is no {}", R::NAME, R::Resource::KIND),
    )
}

impl fmt::Debug for ReconcilerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReconcilerType({} for {} at {})", self.name, self.resource.group_kind(), self.location)
    }
}
