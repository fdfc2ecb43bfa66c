//! What a user says about a scenario.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde::Serialize;
use serde_json::Value;

use super::mask::{Mask, Masks};
use super::objects::Objects;
use super::report::Report;
use super::run;
use super::scenario::{Invariant, Outcome, Scenario, StateMaker, Step};
use crate::Result;
use crate::client::Client;
use crate::controller::Builder;
use crate::reconciler::{Reconciler, States};
use crate::resource::Resource;

/// Begins a fault exploration: see [`Explore`].
pub fn explore() -> Explore {
    Explore { scenario: Scenario::default(), masks: Masks::default(), allowed: Vec::new(), strict: false }
}

/// A scenario, to be played once for each thing that can go wrong in it.
///
/// It is played without a fault first: that is the reference. Then it is played again for each write, each declared
/// effect and each change that the watch delivers, and there one thing goes wrong: the process ends, the write is
/// refused, nobody knows whether it was made, the view of the store stands still. Every fault ends, so a reconciler that
/// is right comes to the same final state, and rests there.
///
/// With `#[tokio::test]`:
///
/// ```
/// use fabrica::prelude::*;
/// use fabrica::testing::explore;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1", conditions(Ready), register = false)]
/// # struct Device { metadata: Metadata, spec: Spec, status: Status }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec { speed: u32 }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # #[serde(default)]
/// # struct Status { speed: u32, conditions: Conditions }
///
/// #[reconciler(register = false)]
/// async fn set_speed(device: &mut Device) -> Result<Action> {
///     device.status.speed = device.spec.speed;
///     device.set_ready(true, "Set", "The speed is set");
///     Ok(Action::AwaitChange)
/// }
///
/// # /*
/// #[tokio::test]
/// # */
/// # #[tokio::main(flavor = "current_thread")] async fn main() { the_speed_is_set_whatever_happens().await }
/// async fn the_speed_is_set_whatever_happens() {
///     let device = |speed| Device::new("dev-123", Spec { speed });
///     explore()
///         .reconciler::<set_speed>()
///         .step("create", async move |client| client.apply(device(3)).await)
///         .step("speed up", async move |client| client.apply(device(5)).await)
///         .always("never too fast", |objects| objects.list::<Device>().iter().all(|device| device.status.speed <= 5))
///         .run()
///         .await
///         .assert_clean();
/// }
/// ```
///
/// # What goes wrong
///
/// | plan | what happens | when |
/// |---|---|---|
/// | `crash-before=k`, `crash-after=k` | the process ends around its k-th write of the step, a new one starts from the store | always |
/// | `conflict=k`, `unavailable=k` | the write is refused | always |
/// | `unknown=k` | the write is made, and reported as `Unknown`, however often it is repeated, for 3 s | always |
/// | `effect-crash=j` | the process ends after its j-th [`Context::effect`](crate::reconciler::Context::effect) | always |
/// | `late=Kind:n` | nothing comes through the watch for 3 s, from the n-th change of the kind on | always |
/// | `coalesce=Kind:n` | so, and then it all comes as one difference | always |
/// | `duplicate=Kind:n` | the change comes twice | always |
/// | `reorder=Kind:n` | the change comes after that of another object | always |
/// | `expire=Kind:n` | the watch breaks, and everything is listed again | always |
/// | `travel-back=k` | after a crash, the new process starts from the store as it was at the beginning of the step | [`strict`](Self::strict) |
/// | `stale=Kind:n`, `skip=Kind:n` | the cache of one kind stands still for 3 s, for the program's own writes too, while the others go on; with `skip`, only last states come then | [`strict`](Self::strict) |
///
/// # What is looked at
///
/// The final state, and how often the program created and deleted each object, are those of the reference; nothing is
/// written in 10 min of rest and three resyncs; no more than ten times the writes and runs of the reference were needed;
/// every [`always`](Self::always) holds at every revision; nothing panicked; no child is left without its owner, and no
/// object waits for a finalizer for ever. All but the first two are demanded of the reference too.
///
/// # What it costs
///
/// A few milliseconds a plan: the clock is virtual. Plans are played side by side, on as many threads as there are cores, and
/// reported in one order: a `static` of the program is shared between them, a [`state`](Self::state) is not. Progress is shown on the standard error when it
/// takes more than two seconds. The course of every plan is the same each time, as long as the reconciler draws nothing from
/// outside: no system clock, no random numbers, no order of a `HashMap`.
#[must_use = "nothing is explored before `run`"]
pub struct Explore {
    scenario: Scenario,
    masks: Masks,
    allowed: Vec<(String, String)>,
    strict: bool,
}

impl Explore {
    /// Adds a reconciler and its kind. Without any, and without [`resource`](Self::resource), everything that is linked
    /// into the program is explored.
    pub fn reconciler<R: Reconciler>(mut self) -> Self {
        self.scenario.declared.push(Arc::new(Builder::reconciler::<R>));
        self
    }

    /// Adds a kind that nothing reconciles.
    pub fn resource<T: Resource>(mut self) -> Self {
        self.scenario.declared.push(Arc::new(Builder::resource::<T>));
        self
    }

    /// An object that exists before the program starts. What follows from it is step 0.
    pub fn given(mut self, object: impl Resource) -> Self {
        self.scenario.given.push(Box::new(object));
        self
    }

    /// Objects that exist before the program starts, in their order.
    pub fn given_all<T: Resource>(self, objects: impl IntoIterator<Item = T>) -> Self {
        objects.into_iter().fold(self, Self::given)
    }

    /// A change of what is desired, made by somebody beside the program, who meets no fault. Then the scenario goes on
    /// until nothing was written for 10 min of virtual time, and until no run is under way.
    ///
    /// The client is not that of the program: it goes on when the program ends.
    pub fn step<T>(
        mut self,
        name: impl Into<String>,
        change: impl AsyncFn(Client) -> Result<T> + Send + Sync + 'static,
    ) -> Self {
        let change = Arc::new(change);
        let change = Box::new(move |client| {
            let change = Arc::clone(&change);
            async move { change(client).await.map(drop) }.boxed_local()
        });
        self.scenario.steps.push(Step { name: name.into(), change });
        self
    }

    /// What must hold of the objects at every revision of the store. It may also panic, as by `assert!`.
    pub fn always(mut self, name: impl Into<String>, holds: impl Fn(&Objects) -> bool + Send + Sync + 'static) -> Self {
        let invariant = Invariant { name: name.into(), holds: Box::new(holds) };
        self.scenario.invariants.push(Arc::new(invariant));
        self
    }

    /// A value for the reconcilers that ask for `State<X>`: a fake of the outside world. It is made anew for each plan, and
    /// kept across the crashes within it.
    pub fn state<X: Clone + Send + Sync + 'static>(mut self, make: impl Fn() -> X + Send + Sync + 'static) -> Self {
        let make = move |states: &mut States| {
            let value = make();
            states.insert(value.clone());
            Arc::new(move |builder: Builder| builder.state(value.clone())) as _
        };
        self.scenario.states.push(StateMaker { make: Box::new(make) });
        self
    }

    /// A value for the reconcilers that ask for `State<X>`, which lives in the memory of the program: a crash loses it, and
    /// each process makes it anew, with what it needs of the outside world: a table of processes, say, on a fake of the
    /// operating system that is a [`state`](Self::state).
    pub fn memory<X: Clone + Send + Sync + 'static>(
        mut self,
        make: impl Fn(&States) -> X + Send + Sync + 'static,
    ) -> Self {
        self.scenario.memory.push(Box::new(move |outside, builder| builder.state(make(outside))));
        self
    }

    /// What of a [`state`](Self::state) belongs to the final state, and must be as in the reference: the processes that run,
    /// the machines that are on.
    pub fn outcome<X: Clone + Send + Sync + 'static, V: Serialize>(
        mut self,
        name: impl Into<String>,
        look: impl Fn(&X) -> V + Send + Sync + 'static,
    ) -> Self {
        let look = move |states: &States| match states.get::<X>() {
            Ok(state) => serde_json::to_value(look(&state)).unwrap_or_else(|error| Value::String(error.to_string())),
            Err(error) => Value::String(error.to_string()),
        };
        self.scenario.outcomes.push(Outcome { name: name.into(), look: Box::new(look) });
        self
    }

    /// A field that is left out of the comparison of final states, with all that is below it: `status.lastSeen`, or of one
    /// kind `Cluster/status.nodes[*].ip`. What is written to it still counts: a field that is written on every run is
    /// found, masked or not.
    ///
    /// What two runs of the reference don't agree on is masked by itself. The report lists all of them.
    pub fn mask(mut self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.masks.user.push((path.clone(), Mask::parse(&path)));
        self
    }

    /// Plans that may fail, and why: `step=2,crash-after=3` for one, `crash-after` for all of a sort, `step=2` for all of a
    /// step. They are played and listed, and are no failures.
    pub fn allow(mut self, reason: impl Into<String>, plans: impl Into<String>) -> Self {
        self.allowed.push((plans.into(), reason.into()));
        self
    }

    /// Adds what no backend of the framework does to a program: a cache that doesn't show what the program itself wrote, or
    /// that goes back in time. What withstands this relies on nothing but the store.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Plays it all. With `FABRICA_PLAN='step=2,crash-after=3'` in the environment only that plan is played, and its whole
    /// trace is printed.
    ///
    /// # Panics
    /// `FABRICA_PLAN` is no plan.
    pub async fn run(self) -> Report {
        let Self { scenario, masks, allowed, strict } = self;
        run::on_own_thread(move || run::explore(&scenario, masks, &allowed, strict)).await
    }
}

impl std::fmt::Debug for Explore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explore").field("strict", &self.strict).finish_non_exhaustive()
    }
}
