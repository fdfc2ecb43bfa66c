//! From what is to what should be: one step for one process.

use std::sync::Arc;

use fabrica::cli::DataDir;
use fabrica::prelude::*;

use super::children::{Child, Children};
use super::proc;
use super::process::{Exit, Process, ProcessState};
use super::step::{self, Step};

/// Runs when a process is created or changed, when it has ended, and when a pause is over. What there is it reads from
/// the table of children each time, so that it may run as often as anybody likes.
#[reconciler(finalize = remove, backoff(base = "1s", max = "1m"))]
pub async fn supervise(process: &mut Process, State(children): State<Arc<Children>>, ctx: &Context) -> Result<Action> {
    let child = find(process, &children, ctx)?;
    if let Some(child) = &child {
        take_down(process, child);
    }
    match step::next(process, child.as_ref(), Timestamp::now()) {
        Step::Start => {
            process.status.program = None;
            start(process, &children, ctx).await?;
        }
        Step::Restart => start(process, &children, ctx).await?,
        Step::Keep => {
            children.update(process);
            process.enter(ProcessState::Running, &pid_of(process));
        }
        Step::Stop => stop(process, &children, ctx).await,
        Step::Wait { exit, pause, left } => {
            process.enter(ProcessState::BackingOff, &format!("{exit}, starts again {pause:?} later"));
            return Ok(Action::RequeueAfter(left));
        }
        Step::Rest(state) => {
            if state == ProcessState::Stopped {
                // So that it starts afresh when it is to run again.
                children.forget(process.uid());
                process.status.program = None;
            }
            let last = process.status.last_exit.map(|exit| exit.to_string());
            process.enter(state, &last.unwrap_or_else(|| "was not started".to_owned()));
        }
    }
    Ok(Action::AwaitChange) // or the end of the process: that asks for a reconcile too
}

/// Runs when a process is to be deleted, until it says that nothing of it is left.
async fn remove(process: &mut Process, ctx: &Context) -> Result<Finalize> {
    let children = ctx.state::<Arc<Children>>()?;
    if find(process, &children, ctx)?.is_some_and(|child| child.exit.is_none()) {
        stop(process, &children, ctx).await;
        return Ok(Finalize::AwaitChange);
    }
    children.remove(process.uid());
    info!("{} is removed", process.name());
    Ok(Finalize::Done)
}

/// Its last child, which an earlier supervisor may have started.
fn find(process: &Process, children: &Arc<Children>, ctx: &Context) -> Result<Option<Child>> {
    let data = ctx.state::<DataDir>()?;
    children
        .find(process, data.path(), ctx.handle())
        .map_err(|error| Error::from(error).context(format!("the process of {} can't be taken over", process.name())))
}

/// Takes down what was started and how it ended. What was taken down already changes nothing.
///
/// A start is counted here, and not where it is made: the write that tells of it may fail.
fn take_down(process: &mut Process, child: &Child) {
    let status = &mut process.status;
    if child.exit.is_some() && child.exit == status.last_exit {
        return;
    }
    let is_same_program = status.program.as_ref() == Some(&child.program) && status.state != ProcessState::Stopping;
    if status.started_at != Some(child.started_at) {
        if is_same_program { status.restarts += 1 } else { status.failures = 0 }
    }
    (status.pid, status.start_ticks, status.boot_id) = (Some(child.pid), Some(child.start_ticks), proc::boot_id());
    (status.started_at, status.program) = (Some(child.started_at), Some(child.program.clone()));
    if let Some(exit) = child.exit {
        process.record(exit);
    }
}

/// Starts it. The operating system's error, if there is one, stands in the condition and is retried with a backoff.
async fn start(process: &mut Process, children: &Arc<Children>, ctx: &Context) -> Result<()> {
    let data = ctx.state::<DataDir>()?;
    match ctx.effect("start", async || children.start(process, data.path(), ctx.handle())).await {
        Ok(child) => {
            take_down(process, &child);
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
async fn stop(process: &mut Process, children: &Children, ctx: &Context) {
    let grace = process.spec.grace();
    ctx.effect("stop", async || children.stop(process.uid(), grace)).await;
    let message = format!("SIGTERM to {}, SIGKILL after {grace:?}", pid_of(process));
    process.enter(ProcessState::Stopping, &message);
}

/// Takes down how all of them ended at the end of the supervisor, so that the next one knows that it was not by
/// themselves.
pub async fn take_down_ends(client: &Client, children: Vec<(Uid, Child)>) {
    for (uid, child) in children {
        let Some(exit) = child.exit else { continue };
        if let Err(error) = take_down_end(client, &uid, &child, exit).await {
            warn!("how the process of {uid} ended can't be taken down: {error}");
        }
    }
}

async fn take_down_end(client: &Client, uid: &Uid, child: &Child, exit: Exit) -> Result<()> {
    let mut process = match client.get::<Process>(uid).await {
        Ok(process) => Process::clone(&process),
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error),
    };
    if process.status.last_exit != Some(exit) && child.was_told_to_stop {
        process.record_stop(exit);
    } else {
        take_down(&mut process, child);
    }
    client.update_status(process).await.map(drop)
}

fn pid_of(process: &Process) -> String {
    process.status.pid.map_or("no pid".to_owned(), |pid| format!("pid {pid}"))
}
