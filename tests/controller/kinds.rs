//! What the tests reconcile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fabrica::prelude::*;
use parking_lot::Mutex;

/// A thing that counts.
#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", conditions(Ready), register = false)]
pub struct Gadget {
    pub metadata: Metadata,
    pub spec: GadgetSpec,
    pub status: GadgetStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GadgetSpec {
    #[serde(default)]
    pub size: u64,
    #[serde(default)]
    pub rack: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GadgetStatus {
    pub size: u64,
    pub note: Option<String>,
    pub marks: BTreeMap<String, u64>,
    pub list: Vec<u64>,
    pub conditions: Conditions,
}

pub fn gadget(uid: &str) -> Gadget {
    Gadget::new(uid, GadgetSpec::default()).with_uid(uid)
}

/// Another kind, which gadgets watch.
#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", register = false)]
pub struct Rack {
    pub metadata: Metadata,
    pub spec: RackSpec,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RackSpec {
    #[serde(default)]
    pub gadgets: Vec<String>,
}

/// What a reconcile does, as each test says, and what the test sees of it.
#[derive(Clone)]
pub struct Script(Arc<Inner>);

type Step = dyn Fn(Gadget, RunInfo) -> futures_util::future::BoxFuture<'static, (Gadget, Result<Action>)> + Send + Sync;

struct Inner {
    step: Box<Step>,
    runs: Mutex<Vec<String>>,
    now: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// What the step is told of its run.
#[derive(Clone)]
pub struct RunInfo {
    /// The how-many-eth run of all this is, from 1.
    pub number: usize,
    pub attempt: u32,
    pub client: Client,
}

impl Script {
    /// A reconcile that does what `step` says.
    pub fn new<F>(step: impl Fn(Gadget, RunInfo) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = (Gadget, Result<Action>)> + Send + 'static,
    {
        let step = Box::new(move |gadget, info| Box::pin(step(gadget, info)) as _);
        Self(Arc::new(Inner {
            step,
            runs: Mutex::default(),
            now: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        }))
    }

    /// A reconcile that answers the same each time and changes nothing.
    pub fn answering(answer: Action) -> Self {
        Self::new(move |gadget, _| async move { (gadget, Ok(answer)) })
    }

    /// A reconcile that changes the status by a plain function.
    pub fn status(change: impl Fn(&mut Gadget, &RunInfo) + Send + Sync + 'static) -> Self {
        let change = Arc::new(change);
        Self::new(move |mut gadget, info| {
            change(&mut gadget, &info);
            async move { (gadget, Ok(Action::AwaitChange)) }
        })
    }

    /// Why each run so far happened, in their order.
    pub fn runs(&self) -> Vec<String> {
        self.0.runs.lock().clone()
    }

    pub fn count(&self) -> usize {
        self.0.runs.lock().len()
    }

    /// How many runs were under way at once, at most.
    pub fn most_at_once(&self) -> usize {
        self.0.most_at_once.load(Ordering::SeqCst)
    }
}

#[reconciler(register = false, watches(Rack = gadgets_of))]
pub async fn scripted(gadget: &mut Gadget, ctx: &Context, State(script): State<Script>) -> Result<Action> {
    run(gadget, ctx, script).await
}

/// The body of `scripted`, for reconcilers with other options.
pub async fn run(gadget: &mut Gadget, ctx: &Context, script: Script) -> Result<Action> {
    struct Left<'a>(&'a AtomicUsize);
    impl Drop for Left<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let inner = &script.0;
    let now = inner.now.fetch_add(1, Ordering::SeqCst) + 1;
    let _left = Left(&inner.now);
    inner.most_at_once.fetch_max(now, Ordering::SeqCst);
    let number = {
        let mut runs = inner.runs.lock();
        runs.push(ctx.reasons().to_string());
        runs.len()
    };
    let info = RunInfo { number, attempt: ctx.attempt(), client: ctx.client().clone() };
    let (after, answer) = (inner.step)(gadget.clone(), info).await;
    *gadget = after;
    answer
}

pub fn gadgets_of(rack: &Rack, _client: &Client) -> Vec<String> {
    assert!(rack.spec.gadgets.first().is_none_or(|first| first != "panic"), "a mapping that panics");
    rack.spec.gadgets.clone()
}

/// A started controller with the script at work.
pub async fn start(script: &Script) -> Controller {
    let controller = Controller::empty().reconciler::<scripted>().state(script.clone()).build().await.unwrap();
    controller.start().await.unwrap();
    controller
}

/// Lets everything that is due now happen: on the paused clock, time stands still while anybody can run.
pub async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Waits until a condition holds, at most a minute of the test's clock.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), waiting).await.is_ok(), "waited in vain until {what}");
}
