//! From what is to what should be: one step for one process.

use std::sync::Arc;

use fabrica::prelude::*;

use super::children::Children;
use super::process::{Process, ProcessState};
use super::step::{self, Step};

/// Runs when a process is created or changed, when it has ended, and when a pause is over. What there is it reads from
/// the table of children each time, so that it may run as often as anybody likes.
#[reconciler(finalize = remove, backoff(base = "1s", max = "1m"))]
pub async fn supervise(process: &mut Process, State(children): State<Arc<Children>>, ctx: &Context) -> Result<Action> {
    let child = children.find(process.uid());
    if let Some(exit) = child.as_ref().and_then(|child| child.exit) {
        process.record(exit);
    }
    match step::next(process, child.as_ref(), Timestamp::now()) {
        Step::Start => {
            process.status.failures = 0;
            start(process, &children, ctx)?;
        }
        Step::Restart => {
            start(process, &children, ctx)?;
            process.status.restarts += 1;
        }
        Step::Keep => {
            children.update(process);
            process.enter(ProcessState::Running, &pid_of(process));
        }
        Step::Stop => stop(process, &children),
        Step::Wait { exit, pause, left } => {
            process.enter(ProcessState::BackingOff, &format!("{exit}, starts again {pause:?} later"));
            return Ok(Action::RequeueAfter(left));
        }
        Step::Rest(state) => {
            if state == ProcessState::Stopped {
                children.forget(process.uid()); // so that it starts afresh when it is to run again
            }
            let last = process.status.last_exit.map(|exit| exit.to_string());
            process.enter(state, &last.unwrap_or_else(|| "was not started".to_owned()));
        }
    }
    Ok(Action::AwaitChange) // or the end of the process: that asks for a reconcile too
}

/// Runs when a process is to be deleted, until it says that nothing of it is left.
#[allow(clippy::unused_async)] // a finalize may wait; this one has nothing to wait for
async fn remove(process: &mut Process, ctx: &Context) -> Result<Finalize> {
    let children = ctx.state::<Arc<Children>>()?;
    if children.find(process.uid()).is_some_and(|child| child.exit.is_none()) {
        stop(process, &children);
        return Ok(Finalize::AwaitChange);
    }
    children.forget(process.uid());
    info!("{} is removed", process.name());
    Ok(Finalize::Done)
}

/// Starts it. The operating system's error, if there is one, stands in the condition and is retried with a backoff.
fn start(process: &mut Process, children: &Arc<Children>, ctx: &Context) -> Result<()> {
    match children.start(process, ctx.handle()) {
        Ok(child) => {
            let status = &mut process.status;
            (status.pid, status.start_ticks) = (Some(child.pid), child.start_ticks);
            status.started_at = Some(child.started_at);
            process.enter(ProcessState::Running, &pid_of(process));
            Ok(())
        }
        Err(error) => {
            let doing = format!("`{}` can't be started", process.spec.command);
            process.enter(ProcessState::Failed, &format!("{doing}: {error}"));
            Err(Error::from(error).context(doing))
        }
    }
}

/// Has it stopped; its end asks for the next reconcile.
fn stop(process: &mut Process, children: &Children) {
    let grace = process.spec.grace();
    children.stop(process.uid(), grace);
    let message = format!("SIGTERM to {}, SIGKILL after {grace:?}", pid_of(process));
    process.enter(ProcessState::Stopping, &message);
}

fn pid_of(process: &Process) -> String {
    process.status.pid.map_or("no pid".to_owned(), |pid| format!("pid {pid}"))
}
