//! One process that runs: one that this supervisor has started, or one that it has adopted.

use std::os::unix::process::ExitStatusExt;

use fabrica::prelude::*;
use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::os::OsProcess;
use super::process::Exit;

/// Waits for the end of a process, and brings it about if it is told to: SIGTERM, and SIGKILL when the time that came with
/// it is over.
pub async fn attend(mut process: Box<dyn OsProcess>, name: &str, stop: oneshot::Receiver<Duration>) -> Exit {
    tokio::select! {
        biased;
        () = process.ended() => {}
        Ok(grace) = stop => {
            process.signal(Signal::TERM);
            if timeout(grace, process.ended()).await.is_err() {
                warn!("{name} (pid {}) has not ended {grace:?} after SIGTERM: SIGKILL", process.pid());
                process.signal(Signal::KILL);
                process.ended().await;
            }
        }
    }
    let at = Timestamp::now();
    // What it started and left behind goes with it.
    process.signal(Signal::KILL);
    let status = process.status();
    Exit { code: status.and_then(|status| status.code()), signal: status.and_then(|status| status.signal()), at }
}
