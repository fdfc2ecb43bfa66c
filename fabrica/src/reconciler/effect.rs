//! What a run does outside the store: said, so that a test knows where it could be cut short.

use tracing::debug;

use super::Context;

impl Context {
    /// Does something outside the store (switches a machine on, starts a process, calls an API), and says what it is
    /// called. The answer is the effect's own.
    ///
    /// An effect can't be undone by a crash, nor be part of a transaction: a process that ends between the effect and the
    /// write that records it does the effect again. So it happens at least once, and should be made so that a second time
    /// changes nothing. `fabrica::testing::explore` ends the process after each declared effect to see whether that
    /// holds; otherwise a name costs a line in the log at the level `debug`.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// # #[derive(Clone, Debug, Resource)]
    /// # #[resource(group = "example.io", version = "v1", register = false)]
    /// # struct Device { metadata: Metadata, spec: Spec }
    /// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    /// # struct Spec {}
    /// # #[derive(Clone)]
    /// # struct Bmc;
    /// # impl Bmc { async fn power_on(&self, _: &str) -> Result<()> { Ok(()) } }
    ///
    /// #[reconciler(register = false)]
    /// async fn power(device: &mut Device, ctx: &Context, State(bmc): State<Bmc>) -> Result<Action> {
    ///     ctx.effect("power-on", || bmc.power_on(device.name())).await?;
    ///     Ok(Action::AwaitChange)
    /// }
    /// ```
    pub async fn effect<F: Future>(&self, name: &str, effect: impl FnOnce() -> F) -> F::Output {
        debug!(object = %self.key(), effect = name, "The effect {name} of {} begins", self.key());
        let answer = effect().await;
        #[cfg(feature = "testing")]
        witness::effect(name).await;
        answer
    }
}

#[cfg(feature = "testing")]
pub(crate) use witness::{EffectWitness, witnessed};

/// Who is told of effects while a run is being tested.
#[cfg(feature = "testing")]
mod witness {
    use std::sync::Arc;

    use futures_util::future::BoxFuture;

    /// Is told of each effect that a run has done.
    pub(crate) trait EffectWitness: Send + Sync + 'static {
        /// The effect is done; the run goes on when the answer is there.
        fn done(&self, name: &str) -> BoxFuture<'static, ()>;
    }

    tokio::task_local! {
        static WITNESS: Arc<dyn EffectWitness>;
    }

    /// A run whose effects a witness is told of.
    pub(crate) fn witnessed<F: Future>(witness: Arc<dyn EffectWitness>, run: F) -> impl Future<Output = F::Output> {
        WITNESS.scope(witness, run)
    }

    pub(super) async fn effect(name: &str) {
        if let Ok(done) = WITNESS.try_with(|witness| witness.done(name)) {
            done.await;
        }
    }
}
