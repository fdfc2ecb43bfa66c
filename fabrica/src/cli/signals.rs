//! The signals that end a program.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

/// Who stops a whole process group often signals its leader as well, as `timeout` does: the same signal once more within
/// this time is that, and not somebody who has lost patience.
const ECHO: Duration = Duration::from_secs(1);

impl Signals {
    /// Waits for a second signal after the one that has just come.
    pub(super) async fn second(&mut self, first: Option<&str>) -> &'static str {
        let since = Instant::now();
        loop {
            let signal = self.next().await;
            if first != Some(signal) || since.elapsed() >= ECHO {
                return signal;
            }
        }
    }
}

/// SIGINT and SIGTERM, from the moment it is made; before that, they end the process.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one, and says which it was.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Control-C.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}
