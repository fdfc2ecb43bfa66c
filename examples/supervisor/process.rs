//! The kind `Process`: what its user asks for, and what the supervisor makes of it.

use std::collections::BTreeMap;
use std::fmt;

use fabrica::prelude::*;
use fabrica::queue::Backoff;

/// A process that should be running or stopped.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "supervisor.example.io",
    version = "v1",
    short_names(proc),
    categories(all),
    conditions(Ready),
    column(name = "Desired", path = ".spec.desired"),
    column(name = "State", path = ".status.state"),
    column(name = "Pid", path = ".status.pid"),
    column(name = "Restarts", path = ".status.restarts")
)]
pub struct Process {
    pub metadata: Metadata,
    pub spec: ProcessSpec,
    pub status: ProcessStatus,
}

/// What the user asks for. A change of `command`, `args`, `env` or `workingDir` starts the process anew.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessSpec {
    /// The program: a path, or a name to look up in `PATH`.
    pub command: String,
    /// Its arguments, as they are: no shell reads them.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment variables, in addition to those of the supervisor.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The directory to start it in; the supervisor's by default.
    #[serde(default)]
    pub working_dir: Option<String>,
    /// Whether it should run.
    #[serde(default)]
    pub desired: Desired,
    /// What to do when it ends by itself.
    #[serde(default)]
    pub restart: Restart,
    /// How long it may take to end after SIGTERM, before SIGKILL ends it.
    #[serde(default = "default_grace")]
    pub stop_grace_seconds: u32,
}

fn default_grace() -> u32 {
    10
}

/// Whether a process should run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Desired {
    #[default]
    Running,
    Stopped,
}

/// What to do when a process ends by itself.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Restart {
    /// When to start it again.
    pub policy: RestartPolicy,
    /// The pause before the first restart; each further one doubles it.
    pub backoff_seconds: u32,
    /// The longest pause.
    pub max_backoff_seconds: u32,
    /// A process that ran this long did well: its next pause is the first one again.
    pub reset_after_seconds: u32,
}

impl Default for Restart {
    fn default() -> Self {
        let policy = RestartPolicy::default();
        Self { policy, backoff_seconds: 1, max_backoff_seconds: 60, reset_after_seconds: 10 }
    }
}

/// When to start a process again that ended by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum RestartPolicy {
    #[default]
    Always,
    /// When it ended with another code than 0, or by a signal.
    OnFailure,
    Never,
}

/// What was observed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProcessStatus {
    /// What the process is doing.
    pub state: ProcessState,
    /// The number of the running process, and of its process group.
    pub pid: Option<u32>,
    /// When the kernel started it, in clock ticks since the machine did. Numbers of processes are used again: together
    /// with `pid` and `bootId` this names one process for good, so that a later supervisor can know it again.
    pub start_ticks: Option<u64>,
    /// The start of the machine that `pid` and `startTicks` are of.
    pub boot_id: Option<String>,
    /// What was started last, as a number made of `command`, `args`, `env` and `workingDir`; none once it was stopped.
    pub program: Option<String>,
    /// When it was started last.
    pub started_at: Option<Timestamp>,
    /// How often it was started again after it had ended by itself.
    pub restarts: u32,
    /// How many times in a row it ended before it had done well: the backoff goes by it.
    pub failures: u32,
    /// How it ended last.
    pub last_exit: Option<Exit>,
    /// What is true of the process: `Ready` is true while it runs.
    pub conditions: Conditions,
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum ProcessState {
    /// Nobody has looked at it yet.
    #[default]
    Pending,
    Running,
    /// It was asked to end.
    Stopping,
    Stopped,
    /// It ended, and will be started again after a pause.
    BackingOff,
    /// It ended well, and its policy says to leave it at that.
    Completed,
    /// It could not be started, or it ended badly and its policy says to leave it at that.
    Failed,
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How a process ended: with a code, or by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub at: Timestamp,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "ended with code {code}"),
            (None, Some(signal)) => write!(f, "ended by signal {signal}"),
            (None, None) => f.write_str("ended, nobody knows how"),
        }
    }
}

impl ProcessSpec {
    /// The program and the way it is started, as a number: the same in every build of the supervisor.
    pub fn program(&self) -> String {
        let Self { command, args, env, working_dir, .. } = self;
        // FNV-1a. Every string goes in with its length, so that none runs into the next.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut add = |text: &str| {
            for byte in text.len().to_le_bytes().iter().chain(text.as_bytes()) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        add(command);
        add(&args.len().to_string());
        let texts = args.iter().chain(env.iter().flat_map(|(name, value)| [name, value])).chain(working_dir);
        for text in texts {
            add(text);
        }
        format!("{hash:016x}")
    }

    /// How long it may take to end after SIGTERM.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.stop_grace_seconds.into())
    }
}

impl Process {
    /// Makes what it does now visible: its state, the condition `Ready`, and a line in the log if that is new.
    pub fn enter(&mut self, state: ProcessState, message: &str) {
        let is_new = self.status.state != state || self.ready().is_none_or(|ready| ready.message != message);
        if is_new {
            info!("{} is {state}: {message}", self.name());
        }
        self.status.state = state;
        self.set_ready(state == ProcessState::Running, state.to_string(), message);
    }

    /// Takes down how it ended; an end that was taken down already changes nothing.
    pub fn record(&mut self, exit: Exit) {
        let status = &mut self.status;
        if status.last_exit == Some(exit) {
            return;
        }
        let ran = status.started_at.map_or(Duration::ZERO, |start| exit.at.since(start));
        let did_well = ran >= Duration::from_secs(self.spec.restart.reset_after_seconds.into());
        status.failures = if did_well { 1 } else { status.failures.saturating_add(1) };
        self.end(exit);
    }

    /// Takes down that it was ended together with the supervisor: the next one starts it without a pause.
    pub fn record_stop(&mut self, exit: Exit) {
        self.end(exit);
        self.status.program = None;
        self.enter(ProcessState::Stopped, &format!("the supervisor ended: {exit}"));
    }

    fn end(&mut self, exit: Exit) {
        let status = &mut self.status;
        status.last_exit = Some(exit);
        (status.pid, status.start_ticks, status.boot_id) = (None, None, None);
    }

    /// The pause between this end and the next start; `None` if its policy says to leave it at that.
    pub fn pause_after(&self, exit: Exit) -> Option<Duration> {
        let Restart { policy, backoff_seconds, max_backoff_seconds, .. } = self.spec.restart;
        let restarts = match policy {
            RestartPolicy::Always => true,
            RestartPolicy::OnFailure => exit.code != Some(0),
            RestartPolicy::Never => false,
        };
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let backoff = Backoff::exponential(seconds(backoff_seconds), seconds(max_backoff_seconds));
        restarts.then(|| backoff.delay(self.status.failures.saturating_sub(1)))
    }
}
