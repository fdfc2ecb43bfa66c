//! What is wrong with a run of the scenario.

use std::fmt;

/// One thing that an oracle found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) flaw: Flaw,
    pub(super) lines: Vec<String>,
}

/// Which oracle found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flaw {
    /// The scenario itself could not be played.
    Scenario,
    /// User code panicked.
    Panic,
    /// An `always` invariant did not hold.
    Invariant,
    /// More writes or runs than a multiple of what the reference needs.
    Budget,
    /// It did not come to rest.
    NoRest,
    /// Something was written when nothing had changed.
    NotQuiet,
    /// The state at the end of this step, before the last, is not that of the reference.
    StepState(usize),
    /// The final state is not that of the reference.
    FinalState,
    /// Objects were created or deleted more or less often than in the reference.
    Summary,
    /// A child whose owner is gone.
    Leaked,
    /// An object that waits for a finalizer for ever.
    Stuck,
}

impl Flaw {
    fn as_str(self) -> &'static str {
        match self {
            Self::StepState(_) => "after a step",
            Self::Scenario => "scenario",
            Self::Panic => "panic",
            Self::Invariant => "invariant",
            Self::Budget => "budget",
            Self::NoRest => "no rest",
            Self::NotQuiet => "not quiet",
            Self::FinalState => "final state",
            Self::Summary => "created and deleted",
            Self::Leaked => "leaked child",
            Self::Stuck => "stuck finalizer",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StepState(step) => f.pad(&format!("after step {step}")),
            flaw => f.pad(flaw.as_str()),
        }
    }
}
