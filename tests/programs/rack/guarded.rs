//! A reconciler that ends the process if it runs twice at once for one object.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use fabrica::prelude::*;
use fabrica::reconciler::{Needs, Options, Reconciler, ReconcilerType};
use parking_lot::Mutex;

/// Another reconciler, watched over.
pub struct Guarded<R>(PhantomData<R>);

impl<R: Reconciler> Reconciler for Guarded<R> {
    type Resource = R::Resource;

    const NAME: &'static str = R::NAME;
    const HAS_FINALIZE: bool = R::HAS_FINALIZE;
    const TYPE: &'static ReconcilerType = &ReconcilerType::of::<Self>();

    fn options() -> Options {
        R::options()
    }

    fn needs(needs: &mut Needs) {
        R::needs(needs);
    }

    async fn reconcile(object: &mut R::Resource, ctx: &Context) -> Result<Action> {
        let _run = Run::begin(ctx);
        R::reconcile(object, ctx).await
    }

    async fn finalize(object: &mut R::Resource, ctx: &Context) -> Result<Finalize> {
        let _run = Run::begin(ctx);
        R::finalize(object, ctx).await
    }
}

/// The objects that are reconciled now.
static RUNNING: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A run, from its begin to its end or its being cut short.
struct Run(String);

impl Run {
    fn begin(ctx: &Context) -> Self {
        let key = ctx.key().to_string();
        if !RUNNING.lock().insert(key.clone()) {
            eprintln!("{key} is reconciled twice at once");
            std::process::exit(3);
        }
        Self(key)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        RUNNING.lock().remove(&self.0);
    }
}
