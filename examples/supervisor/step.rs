//! What to do about a process: decided from what is asked for and what is, and from nothing else.

use fabrica::prelude::*;

use super::children::Child;
use super::process::{Desired, Exit, Process, ProcessState};

/// The next step for a process.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// It should run, and nothing is known of it that speaks against a start.
    Start,
    /// It ended by itself, and its pause is over.
    Restart,
    /// It runs as it should.
    Keep,
    /// It runs, and should not, or should run something else.
    Stop,
    /// It ended by itself, and is started again after what is `left` of its pause.
    Wait { exit: Exit, pause: Duration, left: Duration },
    /// Nothing, until somebody changes something.
    Rest(ProcessState),
}

/// Decides on the next step for a process whose last child is `child`.
pub fn next(process: &Process, child: Option<&Child>, now: Timestamp) -> Step {
    let should_run = process.spec.desired == Desired::Running;
    let Some(child) = child else {
        return if should_run { Step::Start } else { Step::Rest(ProcessState::Stopped) };
    };
    let is_as_asked = should_run && !child.was_told_to_stop && child.program == process.spec.program();
    match child.exit {
        None if is_as_asked => Step::Keep,
        None => Step::Stop,
        Some(exit) if is_as_asked => match process.pause_after(exit) {
            None if exit.code == Some(0) => Step::Rest(ProcessState::Completed),
            None => Step::Rest(ProcessState::Failed),
            Some(pause) => match exit.at.plus(pause).since(now) {
                Duration::ZERO => Step::Restart,
                left => Step::Wait { exit, pause, left },
            },
        },
        Some(_) if should_run => Step::Start,
        Some(_) => Step::Rest(ProcessState::Stopped),
    }
}
