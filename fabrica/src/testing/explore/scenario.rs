//! What is played: the program under test, what exists at first, and what is asked for then.

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::objects::Objects;
use crate::Result;
use crate::client::Client;
use crate::controller::{Builder, Controller};
use crate::reconciler::States;
use crate::resource::Object;

/// Adds something to a program before it starts.
type Addition = Arc<dyn Fn(Builder) -> Builder + Send + Sync>;

/// Adds something that a process makes for itself, from the outside world.
type Memory = Box<dyn Fn(&States, Builder) -> Builder + Send + Sync>;

/// A change of what is desired.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) change: Box<dyn Fn(Client) -> LocalBoxFuture<'static, Result<()>> + Send + Sync>,
}

/// What must hold at every revision.
pub(super) struct Invariant {
    pub(super) name: String,
    pub(super) holds: Box<dyn Fn(&Objects) -> bool + Send + Sync>,
}

/// A part of the outside world: how it is made, and what of it counts as the final state.
pub(super) struct StateMaker {
    pub(super) make: Box<dyn Fn(&mut States) -> Addition + Send + Sync>,
}

/// What is looked at outside the store in the end.
pub(super) struct Outcome {
    pub(super) name: String,
    pub(super) look: Box<dyn Fn(&States) -> Value + Send + Sync>,
}

#[derive(Default)]
pub(super) struct Scenario {
    /// Reconcilers and resources; if there are none, everything that is linked in.
    pub(super) declared: Vec<Addition>,
    pub(super) memory: Vec<Memory>,
    pub(super) states: Vec<StateMaker>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) given: Vec<Box<dyn Object>>,
    pub(super) steps: Vec<Step>,
    pub(super) invariants: Vec<Arc<Invariant>>,
}

/// The world outside the store in one run of the scenario: it outlives every process.
pub(super) struct Outside {
    pub(super) states: States,
    additions: Vec<Addition>,
}

impl Scenario {
    /// A new outside world.
    pub(super) fn outside(&self) -> Outside {
        let mut states = States::default();
        let additions = self.states.iter().map(|state| (state.make)(&mut states)).collect();
        Outside { states, additions }
    }

    /// The program, as each of its processes starts it.
    pub(super) fn builder(&self, outside: &Outside) -> Builder {
        let program = if self.declared.is_empty() { Controller::discover() } else { Controller::empty() };
        let program = self.declared.iter().chain(&outside.additions).fold(program, |builder, add| add(builder));
        self.memory.iter().fold(program, |builder, add| add(&outside.states, builder))
    }
}
