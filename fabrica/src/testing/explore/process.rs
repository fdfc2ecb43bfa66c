//! One process of the program under test: a controller on the store as this process sees it, until it ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::time::Instant;

use super::finding::Flaw;
use super::gate::Gate;
use super::scenario::{Outside, Scenario};
use super::trace::What;
use super::world::{RUN, World};
use crate::client::title_of;
use crate::controller::{Around, Controller};
use crate::queue::Next;
use crate::reconciler::{EffectWitness, Reason, Reasons, witnessed};
use crate::resource::Object;
use crate::store::{MemoryStore, Revision};
use crate::{ErrorKind, Result};

/// How often one run may be looked at without the clock moving, before it is one that waits by asking again and again.
const POLLS: u32 = 100_000;

/// The controller, from its start to its end.
pub(super) struct Process {
    controller: Controller,
    gate: Arc<Gate>,
}

impl Process {
    /// Starts the program on a store; with `past`, on a list that shows the store as it was then.
    pub(super) async fn start(
        scenario: &Scenario,
        outside: &Outside,
        store: &MemoryStore,
        world: &Arc<World>,
        past: Option<Revision>,
    ) -> Result<Self> {
        let gate = Arc::new(Gate::of_process(store.clone(), Arc::clone(world), past));
        let witness = Arc::new(Witness { world: Arc::clone(world), gate: Arc::clone(&gate) });
        let builder = scenario.builder(outside).shared_store(Arc::clone(&gate) as _).around(witness);
        let controller = builder.build().await?;
        world.listen(controller.bus());
        controller.start().await?;
        Ok(Self { controller, gate })
    }

    /// Is there nothing that waits for a run, is in one, or is being collected, and shows the cache everything?
    pub(super) async fn is_quiet(&self, store: &MemoryStore) -> bool {
        let latest = crate::store::Store::revision(store).await.unwrap_or_default();
        self.controller.pending() == 0 && !self.controller.is_collecting() && self.controller.client().seen() >= latest
    }

    /// Has every object reconciled once more.
    pub(super) fn reconcile_all(&self) {
        let (client, handle) = (self.controller.client(), self.controller.handle());
        for kind in client.kinds().iter().map(|kind| kind.group_kind()) {
            let Some(queue) = handle.queue(kind) else { continue };
            for key in client.keys(kind) {
                queue.add(key, Reason::Resync.into());
            }
        }
    }
}

/// The process ends: nothing of it runs on.
impl Drop for Process {
    fn drop(&mut self) {
        self.gate.end();
    }
}

/// Stands around every run of a process.
struct Witness {
    world: Arc<World>,
    gate: Arc<Gate>,
}

impl Around for Witness {
    fn around<'a>(
        &'a self,
        object: &dyn Object,
        reasons: &Reasons,
        attempt: u32,
        run: BoxFuture<'a, Result<Next>>,
    ) -> BoxFuture<'a, Result<Next>> {
        let key = object.key();
        // The built-in kinds look after themselves: that is no news to a test.
        if key.kind.is_built_in() {
            return Watched { witness: self, run, polls: 0, at: Instant::now(), title: key.to_string() }.boxed();
        }
        let title = title_of(key.kind.kind, &object.metadata().namespace, object.metadata());
        let number = self.world.began(title.clone(), reasons.to_string(), attempt);
        let effects = Arc::new(Effects { world: Arc::clone(&self.world), gate: Arc::clone(&self.gate) });
        let run = RUN.scope(number, witnessed(effects, run)).boxed();
        let run = Watched { witness: self, run, polls: 0, at: Instant::now(), title: title.clone() };
        async move {
            let answer = run.await;
            if let Err(error) = &answer {
                if *error.kind() == ErrorKind::Panicked {
                    self.world.find(Flaw::Panic, format!("{title}: {error}"));
                }
                self.world.record(What::Failed { number, error: error.to_string() });
            }
            answer
        }
        .boxed()
    }
}

/// A run that stands still when its process has ended, and that is given up if it never waits.
struct Watched<'a> {
    witness: &'a Witness,
    run: BoxFuture<'a, Result<Next>>,
    polls: u32,
    at: Instant,
    title: String,
}

impl Future for Watched<'_> {
    type Output = Result<Next>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.witness.gate.has_ended() {
            return Poll::Pending;
        }
        let now = Instant::now();
        self.polls = if now == self.at { self.polls + 1 } else { 0 };
        self.at = now;
        if self.polls == POLLS {
            let text = format!("the run of {} yields again and again: wait for what it waits for", self.title);
            self.witness.world.give_up(Flaw::Budget, text);
        }
        self.run.as_mut().poll(cx)
    }
}

/// Is told of the effects of one process.
struct Effects {
    world: Arc<World>,
    gate: Arc<Gate>,
}

impl EffectWitness for Effects {
    fn done(&self, name: &str) -> BoxFuture<'static, ()> {
        let ends = self.world.effect(name);
        let gate = Arc::clone(&self.gate);
        async move {
            if ends {
                gate.crash::<()>().await;
            }
        }
        .boxed()
    }
}
