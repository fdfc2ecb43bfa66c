//! A supervisor of operating-system processes: what should run stands in manifests, and it sees to it that it does.
//!
//! `cargo run --example supervisor -- run --apply examples/supervisor/` starts the processes of the manifests in that
//! folder. While it runs: kill a process, edit a manifest, take one away, and see what it does about that.
//!
//! - `process.rs`: the kind `Process`
//! - `step.rs`: what to do about a process
//! - `reconcile.rs`: the reconcile function, which does it
//! - `children.rs`: the processes that were started, with the task that waits for each
//! - `output.rs`: what they print

mod children;
mod output;
mod process;
mod reconcile;
mod step;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::sync::Arc;

use children::Children;
use fabrica::cli::App;

fn main() -> ExitCode {
    let children = Children::new();
    let for_reconciler = Arc::clone(&children);
    App::new()
        .configure(|builder| builder.state(for_reconciler))
        // No reconcile runs any more by then, so that nothing is started again.
        .on_stop(|_| async move {
            children.stop_all().await;
            Ok(())
        })
        .main()
}
