//! A supervisor of operating-system processes: what should run stands in manifests, and it sees to it that it does.
//!
//! `cargo run --example supervisor -- run --apply examples/supervisor/` starts the processes of the manifests in that
//! folder. While it runs: kill a process, edit a manifest, take one away, and see what it does about that. Kill the
//! supervisor with SIGKILL: its processes go on, and the next supervisor on the same data folder takes them over.
//!
//! - `process.rs`: the kind `Process`
//! - `step.rs`: what to do about a process
//! - `reconcile.rs`: the reconcile function, which does it
//! - `children.rs`: the processes that were started or adopted
//! - `running.rs`: how the end of one of them is waited for, and brought about
//! - `os.rs`, `linux.rs`: what is asked of the operating system, and how Linux does it; `fake_os.rs` does it for tests
//! - `recover.rs`, `mark.rs`: how the processes of a supervisor that was killed are found again
//! - `proc.rs`: what the kernel says of processes
//! - `output.rs`: what they print

#[cfg(not(target_os = "linux"))]
compile_error!("the supervisor waits for processes and finds them again as only Linux allows: build it there");

mod children;
#[cfg(test)]
mod fake_os;
mod linux;
mod mark;
mod os;
mod output;
mod proc;
mod process;
mod reconcile;
mod recover;
mod running;
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
        .on_stop(|controller| async move {
            let ended = children.stop_all().await;
            reconcile::take_down_ends(controller.client(), ended).await;
            Ok(())
        })
        .main()
}
