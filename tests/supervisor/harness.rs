//! A supervisor that runs, its manifests and its log.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fabrica_tests::folder::Folder;
use parking_lot::{Condvar, Mutex};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

use crate::built;
use crate::proc::{Proc, arguments, wait_until};

/// Nothing takes this long, unless it never happens.
pub const DEADLINE: Duration = Duration::from_secs(30);

pub fn signal(pid: i32, signal: Signal) {
    // It may be gone already.
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

/// The manifest of one process.
#[derive(Clone)]
pub struct Manifest {
    name: String,
    command: String,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    rest: String,
}

impl Manifest {
    pub fn new(name: &str, command: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { name: name.into(), command: command.into(), args, env: BTreeMap::new(), rest: String::new() }
    }

    pub fn sleep(name: &str) -> Self {
        Self::new(name, "sleep", &["1000"])
    }

    pub fn shell(name: &str, script: &str) -> Self {
        Self::new(name, "sh", &["-c", script])
    }

    pub fn stopped(mut self) -> Self {
        self.rest += "  desired: stopped\n";
        self
    }

    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.env.insert(key.into(), value.into());
        self
    }

    pub fn grace(mut self, seconds: u32) -> Self {
        let _ = writeln!(self.rest, "  stopGraceSeconds: {seconds}");
        self
    }

    pub fn restart(mut self, flow: &str) -> Self {
        let _ = writeln!(self.rest, "  restart: {flow}");
        self
    }

    /// JSON strings and lists are YAML.
    fn text(&self) -> String {
        let Self { name, command, args, env, rest } = self;
        let json = |value: serde_json::Value| value.to_string();
        let (args, env) = (json(serde_json::json!(args)), json(serde_json::json!(env)));
        format!(
            "apiVersion: supervisor.example.io/v1\nkind: Process\nmetadata:\n  name: {name}\nspec:\n  command: {command}\n  \
             args: {args}\n  env: {env}\n{rest}"
        )
    }
}

/// One line of the log, and when it was read.
#[derive(Clone, Debug)]
pub struct Line {
    pub text: String,
    pub seen: Instant,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<Line>>,
    grew: Condvar,
}

/// A supervisor that runs on a folder of manifests, with a data folder. When it is dropped nothing of it is left.
pub struct Supervisor {
    process: Child,
    manifests: PathBuf,
    /// The folder of the test, which goes with it.
    folder: Folder,
    /// Of all supervisors that ran on the data folder.
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
    /// How far the log was read, for each object's states and for each object's output. Of these, each comes in the
    /// order of what happened, and two of them in any.
    read: BTreeMap<(String, bool), usize>,
}

impl Supervisor {
    pub fn start(manifests: &[Manifest]) -> Self {
        let folder = new_folder();
        let manifest_folder = folder.path().join("manifests");
        fs::create_dir_all(&manifest_folder).unwrap();
        for manifest in manifests {
            write(&manifest_folder, manifest);
        }
        Self::on(manifest_folder, folder)
    }

    pub fn of_folder(manifests: &Path) -> Self {
        Self::on(manifests.to_owned(), new_folder())
    }

    fn on(manifests: PathBuf, folder: Folder) -> Self {
        let log = Arc::<Log>::default();
        let (process, reader) = spawn(&manifests, &folder.path().join("data"), &log);
        Self { process, manifests, folder, log, reader: Some(reader), read: BTreeMap::new() }
    }

    /// Another one on the same manifests and data; this one has ended.
    pub fn start_again(&mut self) {
        let (process, reader) = spawn(&self.manifests, &self.data(), &self.log);
        (self.process, self.reader) = (process, Some(reader));
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.at("data")
    }

    /// A file of the test's own, which goes with it.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, manifest: &Manifest) {
        write(&self.manifests, manifest);
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.manifests.join(format!("{name}.yaml"))).unwrap();
    }

    /// Waits for the next line with a part that begins with an object's name: `clock is Running` or `clock | Monday`.
    pub fn wait_for(&mut self, part: &str) -> Line {
        let (name, rest) = part.split_once(' ').unwrap();
        let subject = (name.to_owned(), rest.starts_with('|'));
        let start = self.read.get(&subject).copied().unwrap_or_default();
        let (part, deadline) = (format!(" {part}"), Instant::now() + DEADLINE);
        let mut lines = self.log.lines.lock();
        loop {
            if let Some(index) = lines.iter().skip(start).position(|line| line.text.contains(&part)) {
                self.read.insert(subject, start + index + 1);
                return lines[start + index].clone();
            }
            if self.log.grew.wait_until(&mut lines, deadline).timed_out() {
                drop(lines);
                panic!("nothing says `{part}` from line {start} on in\n{}", self.log());
            }
        }
    }

    /// The process of an object, from the next line that says that it runs.
    pub fn running(&mut self, name: &str) -> Proc {
        let message = format!("{name} is Running: pid ");
        let line = self.wait_for(&message);
        Proc::seen_at(number_after(&line.text, &message), line.seen)
    }

    /// The process of an object that the supervisor has adopted.
    pub fn adopted(&mut self, name: &str) -> Proc {
        let message = format!("{name} is adopted: pid ");
        let line = self.wait_for(&message);
        Proc::seen_at(number_after(&line.text, &message), line.seen)
    }

    /// Sends a signal, and waits for the end: the exit code.
    pub fn end(&mut self, with: Signal) -> Option<i32> {
        signal(i32::try_from(self.process.id()).unwrap(), with);
        let mut status = None;
        wait_until(|| {
            status = self.process.try_wait().unwrap();
            status.is_some()
        });
        let Some(status) = status else { panic!("it has not ended\n{}", self.log()) };
        self.reader.take().map(JoinHandle::join);
        status.code()
    }

    pub fn lines(&self) -> Vec<String> {
        self.log.lines.lock().iter().map(|line| line.text.clone()).collect()
    }

    /// The numbers of all processes that an object had, as far as the supervisors said so.
    pub fn pids(&self, name: &str) -> BTreeSet<i32> {
        let message = format!(" {name} is Running: pid ");
        let lines = self.lines().into_iter();
        lines.filter(|line| line.contains(&message)).map(|line| number_after(&line, &message)).collect()
    }

    pub fn log(&self) -> String {
        self.lines().join("\n")
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|status| status.is_some()) {
            // It ended, and its processes with it; or it did not end them, and the test has said so.
        } else if !thread::panicking() {
            self.end(Signal::TERM);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        for line in self.lines() {
            if line.contains(" is Running: pid ") {
                kill_what_is_left(number_after(&line, " is Running: pid "));
            }
        }
    }
}

fn new_folder() -> Folder {
    Folder::new("supervisor").unwrap()
}

fn spawn(manifests: &Path, data: &Path, log: &Arc<Log>) -> (Child, JoinHandle<()>) {
    let mut process = Command::new(built::example("supervisor"))
        .args(["run", "--apply"])
        .arg(manifests)
        .arg("--data")
        .arg(data)
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (stderr, shared) = (BufReader::new(process.stderr.take().unwrap()), Arc::clone(log));
    let reader = thread::spawn(move || {
        for text in stderr.lines().map_while(Result::ok) {
            shared.lines.lock().push(Line { text, seen: Instant::now() });
            shared.grew.notify_all();
        }
    });
    (process, reader)
}

/// Only a group that still has a member of a test is ended.
fn kill_what_is_left(group: i32) {
    for member in Proc::group(group) {
        if ["sleep", "sh"].iter().any(|command| arguments(member).starts_with(command)) {
            signal(member, Signal::KILL);
        }
    }
}

pub fn number_after(text: &str, part: &str) -> i32 {
    let (_, rest) = text.split_once(part).unwrap();
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

/// Other programs see a manifest whole or not at all.
fn write(folder: &Path, manifest: &Manifest) {
    let new = folder.join(format!(".{}.new", manifest.name));
    fs::write(&new, manifest.text()).unwrap();
    fs::rename(new, folder.join(format!("{}.yaml", manifest.name))).unwrap();
}
