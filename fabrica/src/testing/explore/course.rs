//! One run of the scenario, from the given objects to the rest after the last step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::finding::Flaw;
use super::gate::Gate;
use super::objects::Objects;
use super::plan::Plan;
use super::process::Process;
use super::scenario::{Invariant, Outside, Scenario};
use super::trace::What;
use super::world::{Budget, Seen, World};
use super::write::kind_of;
use crate::Result;
use crate::client::{Client, ClientSettings, ObjectChange, Observer};
use crate::event::EventBus;
use crate::resource::{ResourceType, Timestamp, seeded};
use crate::store::{Entry, MemoryStore, Page, Revision, Store as _};
use crate::testing::clock;

/// How long nothing must have been written before a step counts as done.
const REST: Duration = Duration::from_secs(600);
/// How long a step may take.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);
/// How often everything is reconciled again in the end.
const RESYNCS: usize = 3;
/// The tick of the clock.
const TICK: Duration = Duration::from_millis(1);

/// What makes one run of the scenario differ from another, besides a fault.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed {
    /// What uids and generated names are drawn from.
    pub(super) names: u64,
    /// How late it begins.
    pub(super) delay: Duration,
}

/// What one run of the scenario came to.
#[derive(Default)]
pub(super) struct Course {
    pub(super) seen: Seen,
    /// The objects when each step was done, and nothing was reconciled again yet; those of the last are the final state.
    pub(super) rests: Vec<Rest>,
    /// Every object that ever was, as it was created.
    pub(super) created: Vec<(String, Value)>,
}

/// What there was at the end of a step.
#[derive(Default)]
pub(super) struct Rest {
    /// The objects, with their kinds.
    pub(super) objects: Vec<(String, Value)>,
    /// What the outside world came to.
    pub(super) outside: Vec<(String, Value)>,
}

/// There is nothing more to be learnt.
struct GivenUp;

/// Plays a scenario on a thread of its own that has no runtime.
pub(super) fn play(scenario: &Scenario, plan: Option<&Plan>, budget: Budget, seed: Seed) -> Result<Course> {
    seeded::start(seed.names);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let course = runtime.block_on(async {
        clock::pause().await?;
        let _ = Timestamp::now();
        tokio::time::sleep(seed.delay).await;
        Box::pin(act(scenario, plan, budget)).await
    });
    // A blocking call of user code may not have come to its end.
    runtime.shutdown_background();
    course
}

async fn act(scenario: &Scenario, plan: Option<&Plan>, budget: Budget) -> Result<Course> {
    let world = Arc::new(World::new(plan.cloned(), budget));
    let (store, outside) = (MemoryStore::new(), scenario.outside());
    let types = scenario.builder(&outside).registry().resources().to_vec();
    let gate = Arc::new(Gate::of_user(store.clone(), Arc::clone(&world)));
    let user = Client::start(gate, types.clone(), EventBus::new(), ClientSettings::default()).await?;
    let created = Arc::new(Mutex::new(Vec::new()));
    user.observe(Arc::new(Onlooker {
        world: Arc::clone(&world),
        objects: Objects::new(user.clone()),
        invariants: Mutex::new(scenario.invariants.clone()),
        created: Arc::clone(&created),
    }));
    for object in &scenario.given {
        user.create_object(object.clone_boxed()).await?;
    }
    let (process, began, rests) = Default::default();
    let mut stage = Stage { scenario, outside, store, world, user, process, processes: 0, began, rests, types };
    // What went wrong stands in the findings.
    let _ = stage.all().await;
    Ok(stage.finish(&created))
}

struct Stage<'a> {
    scenario: &'a Scenario,
    outside: Outside,
    store: MemoryStore,
    world: Arc<World>,
    user: Client,
    process: Option<Process>,
    processes: usize,
    /// The store's revision when the step began.
    began: Revision,
    rests: Vec<Rest>,
    types: Vec<&'static ResourceType>,
}

impl Stage<'_> {
    async fn all(&mut self) -> Result<(), GivenUp> {
        self.world.begin_step("step 0: start");
        self.start().await?;
        self.rest().await?;
        for (number, step) in (1..).zip(&self.scenario.steps) {
            self.began = self.store.revision().await.unwrap_or_default();
            self.world.begin_step(&format!("step {number}: {}", step.name));
            let change = (step.change)(self.user.clone());
            if let Err(error) = self.drive(change).await? {
                self.world.give_up(Flaw::Scenario, format!("the step {:?} failed: {error}", step.name));
                return Err(GivenUp);
            }
            self.rest().await?;
        }
        self.world.begin_idle();
        for _ in 0..RESYNCS {
            if let Some(process) = &self.process {
                process.reconcile_all();
            }
            self.settle(TICK).await?;
        }
        self.settle(REST).await
    }

    /// A process of the program starts: the first, or one in place of one that ended.
    async fn start(&mut self) -> Result<(), GivenUp> {
        self.process = None;
        self.processes += 1;
        self.world.record(What::Started { process: self.processes });
        let past = self.world.travels_back().then_some(self.began);
        let process = Process::start(self.scenario, &self.outside, &self.store, &self.world, past);
        match process.await {
            Ok(process) => {
                self.process = Some(process);
                Ok(())
            }
            Err(error) => {
                self.world.give_up(Flaw::Scenario, format!("the program does not start: {error}"));
                Err(GivenUp)
            }
        }
    }

    /// Waits for something, while processes come and go.
    async fn drive<T>(&mut self, something: impl Future<Output = T>) -> Result<T, GivenUp> {
        let world = Arc::clone(&self.world);
        tokio::pin!(something);
        loop {
            tokio::select! {
                biased;
                () = world.given_up() => return Err(GivenUp),
                () = world.crashed() => self.start().await?,
                done = &mut something => return Ok(done),
            }
        }
    }

    /// Waits until nothing was written for a while and nothing is under way.
    async fn rest(&mut self) -> Result<(), GivenUp> {
        let begin = Instant::now();
        loop {
            let rested = self.world.last_write().max(begin) + REST;
            if Instant::now() < rested {
                self.drive(sleep_until(rested)).await?;
            } else if self.is_quiet().await {
                let rest = self.look().await;
                self.rests.push(rest);
                return Ok(());
            } else {
                self.drive(tokio::time::sleep(Duration::from_secs(1))).await?;
            }
            if begin.elapsed() > PATIENCE {
                let text = format!("it is not at rest after {} h: something is written at least every {} min", 24, 10);
                self.world.give_up(Flaw::NoRest, text);
                return Err(GivenUp);
            }
        }
    }

    /// Lets some time pass, and more until nothing is under way.
    async fn settle(&mut self, time: Duration) -> Result<(), GivenUp> {
        let begin = Instant::now();
        self.drive(tokio::time::sleep(time)).await?;
        while !self.is_quiet().await {
            self.drive(tokio::time::sleep(Duration::from_secs(1))).await?;
            if begin.elapsed() > PATIENCE {
                self.world.give_up(Flaw::NoRest, "a run does not come to its end within 24 h");
                return Err(GivenUp);
            }
        }
        Ok(())
    }

    async fn is_quiet(&self) -> bool {
        match &self.process {
            Some(process) => process.is_quiet(&self.store).await,
            None => true,
        }
    }

    /// All objects of the store, and what is looked at outside it.
    async fn look(&self) -> Rest {
        let list = self.store.list(&"o/".into(), Page::all()).await;
        let entries = list.map(|list| list.entries).unwrap_or_default();
        let objects = entries.iter().filter_map(|entry| self.object(entry)).collect();
        let (outcomes, states) = (&self.scenario.outcomes, &self.outside.states);
        let outside = outcomes.iter().map(|outcome| (outcome.name.clone(), (outcome.look)(states))).collect();
        Rest { objects, outside }
    }

    /// An object as its type reads it: a field that is absent is there, with its default.
    fn object(&self, entry: &Entry) -> Option<(String, Value)> {
        let full = kind_of(&entry.key)?;
        let (group, kind) = full.rsplit_once('/')?;
        let type_ = self.types.iter().find(|type_| (type_.group, type_.kind) == (group, kind));
        let decoded = type_.and_then(|type_| type_.decode(&entry.value).ok()?.to_value().ok());
        let object = decoded.or_else(|| serde_json::from_slice(&entry.value).ok())?;
        Some((kind.to_owned(), object))
    }

    fn finish(mut self, created: &Mutex<Vec<(String, Value)>>) -> Course {
        self.process = None;
        self.user.close();
        let rests = std::mem::take(&mut self.rests);
        Course { seen: self.world.into_seen(), rests, created: std::mem::take(&mut *created.lock()) }
    }
}

/// Sees every change of the store, in order and none too late.
struct Onlooker {
    world: Arc<World>,
    objects: Objects,
    /// Those that held so far: of each the first breach is told.
    invariants: Mutex<Vec<Arc<Invariant>>>,
    created: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Observer for Onlooker {
    fn changed(&self, change: &ObjectChange) {
        if let (None, Some(new)) = (&change.old, &change.new)
            && let Ok(object) = serde_json::from_slice(&new.raw)
        {
            self.created.lock().push((change.key.kind.kind.to_owned(), object));
        }
        self.invariants.lock().retain(|invariant| {
            let Invariant { name, holds } = &**invariant;
            let breach = match catch_unwind(AssertUnwindSafe(|| holds(&self.objects))) {
                Ok(true) => return true,
                Ok(false) => "does not hold",
                Err(_) => "panics",
            };
            self.world.find(Flaw::Invariant, format!("{name:?} {breach} at r{}", change.revision));
            false
        });
    }
}
