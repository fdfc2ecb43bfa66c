//! The transactions that wait for the writer.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::store::{Op, Revision, StoreError, Transaction};

/// The most that becomes one group. More would only let the first of them wait longer.
const GROUP: usize = 1024;
const GROUP_BYTES: usize = 4 << 20;

pub(super) type Answer = Result<Revision, StoreError>;

/// A transaction whose caller waits.
pub(super) struct Submission {
    pub(super) txn: Transaction,
    answer: oneshot::Sender<Answer>,
}

impl Submission {
    pub(super) fn new(txn: Transaction) -> (Self, oneshot::Receiver<Answer>) {
        let (answer, answered) = oneshot::channel();
        (Self { txn, answer }, answered)
    }

    /// Tells the caller, if it still listens.
    pub(super) fn answer(self, answer: Answer) {
        let _ = self.answer.send(answer);
    }

    fn bytes(&self) -> usize {
        let values = self.txn.ops.iter().map(|op| match op {
            Op::Put(key, value) => key.as_bytes().len() + value.len(),
            Op::Delete(key) => key.as_bytes().len(),
        });
        values.sum()
    }
}

/// What the writer gets.
pub(super) enum Taken {
    /// The transactions that wait, in order, or as many as make a group.
    Group(Vec<Submission>),
    /// None wait.
    Nothing,
    /// None wait, and none will come.
    Closed,
}

/// The line in which they wait.
#[derive(Default)]
pub(super) struct Line {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Submission>,
    closed: bool,
}

impl Line {
    pub(super) fn submit(&self, submission: Submission) {
        let mut state = self.state.lock();
        state.waiting.push_back(submission);
        // The writer takes all that wait: only the first needs to wake it.
        let first = state.waiting.len() == 1;
        drop(state);
        if first {
            self.arrived.notify_one();
        }
    }

    /// Takes a group. If none waits, it waits for the first: for ever, or for so long.
    pub(super) fn take(&self, patience: Option<Duration>) -> Taken {
        let mut state = self.state.lock();
        if state.waiting.is_empty() && !state.closed {
            match patience {
                None => self.arrived.wait_while(&mut state, |state| state.waiting.is_empty() && !state.closed),
                Some(Duration::ZERO) => {}
                Some(patience) => {
                    let idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
                    self.arrived.wait_while_for(&mut state, idle, patience);
                }
            }
        }
        let mut bytes = 0;
        let fits = |submission: &&Submission| {
            bytes += submission.bytes();
            bytes <= GROUP_BYTES
        };
        // One always fits, whatever its size.
        let count = state.waiting.iter().take(GROUP).take_while(fits).count().max(1).min(state.waiting.len());
        match (count, state.closed) {
            (0, true) => Taken::Closed,
            (0, false) => Taken::Nothing,
            _ => Taken::Group(state.waiting.drain(..count).collect()),
        }
    }

    /// Lets the writer end once it has done what waits.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_one();
    }
}
