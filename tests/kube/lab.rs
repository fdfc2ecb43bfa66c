//! The program that is tested, at work in a process of its own.

use std::process::Stdio;
use std::time::Duration;

use fabrica_tests::folder::Folder;
use kube::{Client, Config};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// How long a test may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// The program, with its data in a folder of the test's own.
pub struct Lab {
    folder: Folder,
    address: String,
    process: Child,
}

/// Runs a test against a program of its own, and ends it at its deadline.
pub fn lab(test: impl AsyncFnOnce(&mut Lab)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let run = async {
        let mut lab = Lab::start().await;
        test(&mut lab).await;
    };
    runtime.block_on(async { timeout(DEADLINE, run).await }).expect("the test ends before its deadline");
}

impl Lab {
    async fn start() -> Self {
        let folder = Folder::in_memory("kube").unwrap();
        let (process, address) = spawn(&folder, "127.0.0.1:0").await;
        Self { folder, address, process }
    }

    /// Ends the program with a signal, and starts it anew at the same place.
    pub async fn restart(&mut self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let status = self.process.wait().await.unwrap();
        assert_eq!(status.success(), signal != Signal::KILL, "{status}");
        (self.process, _) = spawn(&self.folder, &self.address).await;
    }

    /// A client as kube-rs makes it for the address.
    pub fn client(&self) -> Client {
        Config::new(format!("http://{}", self.address).parse().unwrap()).try_into().unwrap()
    }
}

/// Starts the program, and waits until it serves: the process, and its address.
async fn spawn(folder: &Folder, listen: &str) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    for (name, _) in std::env::vars_os() {
        if name == "RUST_LOG" || name.to_string_lossy().starts_with("FABRICA_") {
            command.env_remove(name);
        }
    }
    command.args(["run", "--listen", listen, "--data"]).arg(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
    let address = address(&mut log).await;
    // What a test prints is shown if it fails.
    tokio::spawn(async move {
        while let Ok(Some(line)) = log.next_line().await {
            println!("{line}");
        }
    });
    (process, address)
}

async fn address(log: &mut Lines<BufReader<ChildStderr>>) -> String {
    let mut seen = Vec::new();
    while let Some(line) = log.next_line().await.unwrap() {
        if let Some((_, address)) = line.split_once("The API is served at http://") {
            return address.split_whitespace().next().unwrap().to_owned();
        }
        seen.push(line);
    }
    panic!("the program does not serve:\n{}", seen.join("\n"));
}
