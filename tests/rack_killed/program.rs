//! The program that is killed, and the data that it leaves.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use fabrica_tests::folder::Folder;

/// What the program is to do.
#[derive(Clone, Copy, Debug)]
pub enum Task {
    Grow,
    Remove,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// It did what it was to do.
    Done,
    /// By SIGKILL.
    Killed,
    /// It said this.
    Failed(String),
}

/// The data folder of one case.
pub struct Data(Folder);

impl Data {
    pub fn new(case: &str) -> Self {
        // A kill is no power loss: what was written is there, on whatever it was written to. Memory is fastest.
        Self(Folder::in_memory(&format!("rack-{case}")).unwrap())
    }

    /// A copy for another case, of a folder that no program holds.
    pub fn copy(&self, case: &str) -> Self {
        let copy = Self::new(case);
        for entry in fs::read_dir(self.0.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.0.path().join(entry.file_name())).unwrap();
        }
        copy
    }

    /// Runs the program to its end; it kills itself right after so many writes.
    pub fn run(&self, task: Task, writes: Option<u64>) -> End {
        end(self.start(task, writes))
    }

    /// Runs the program and kills it after a while, if it still runs then.
    pub fn run_for(&self, task: Task, time: Duration) -> End {
        let mut child = self.start(task, None);
        thread::sleep(time); // the instant is what the case is about: nothing is waited for
        child.kill().unwrap();
        end(child)
    }

    /// What the store holds, a line for each key. The program says it: this process must not hold the store while
    /// another thread starts a program, which would hold it for a moment too.
    pub fn show(&self) -> String {
        let Output { status, stdout, stderr } = self.command("show").output().unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    fn start(&self, task: Task, writes: Option<u64>) -> Child {
        let task = match task {
            Task::Grow => "grow",
            Task::Remove => "remove",
        };
        let mut command = self.command(task);
        command.args(writes.map(|writes| writes.to_string())).stdout(Stdio::null());
        command.spawn().unwrap()
    }

    fn command(&self, task: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_killable_rack"));
        command.arg(task).arg(self.0.path()).stdin(Stdio::null()).stderr(Stdio::piped());
        command
    }
}

fn end(child: Child) -> End {
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    match (status.code(), status.signal()) {
        (Some(0), _) => End::Done,
        (None, Some(9)) => End::Killed,
        _ => End::Failed(format!("{status}: {}", String::from_utf8_lossy(&stderr))),
    }
}
