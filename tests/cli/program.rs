//! A program that runs as a process, and its folder.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use fabrica_tests::folder;
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// The program with nothing of this process's settings. It keeps no data.
pub fn gadget(args: &[&str]) -> Command {
    let mut command = gadget_with_data(args);
    command.env("FABRICA_MEMORY", "1");
    command
}

/// The program with nothing of this process's settings. Say where it keeps its data: the default is the folder that it
/// runs in.
pub fn gadget_with_data(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gadget"));
    for (name, _) in std::env::vars_os() {
        if name == "RUST_LOG" || name.to_string_lossy().starts_with("FABRICA_") {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs it to its end: exit code, stdout, stderr.
pub fn output(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Runs the program to its end, with its data where the arguments say, and it goes well: stdout.
pub fn well(args: &[&str]) -> String {
    let (code, stdout, stderr) = output(gadget_with_data(args));
    assert_eq!((code, stderr.as_str()), (0, ""), "{args:?}");
    stdout
}

/// As [`well`], but it doesn't: stderr.
pub fn fails(args: &[&str]) -> String {
    let (code, stdout, stderr) = output(gadget_with_data(args));
    assert_eq!((code, stdout.as_str()), (1, ""), "{args:?}: {stderr}");
    stderr
}

/// A folder of one test, gone with it, with what arguments and manifests need.
pub struct Folder(folder::Folder);

impl Folder {
    pub fn new(test: &str) -> Self {
        Self(folder::Folder::new(&format!("cli-{test}")).unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn at(&self, name: &str) -> String {
        self.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// A program at work; killed if the test ends before it.
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    /// Every line of its log that was waited through.
    pub seen: Vec<String>,
}

impl Program {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line of the log that contains a text, if there was none before, and answers it.
    pub fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(line) = self.seen.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(error) => panic!("no line with {text:?} ({error}) in:\n{}", self.seen.join("\n")),
            }
        }
    }

    /// Was there such a line?
    pub fn has_seen(&self, text: &str) -> bool {
        self.seen.iter().any(|line| line.contains(text))
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end: the exit code.
    pub fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + DEADLINE;
        // The log ends with the process.
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return self.child.wait().unwrap().code(),
                Err(error) => panic!("it did not end ({error}):\n{}", self.seen.join("\n")),
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
