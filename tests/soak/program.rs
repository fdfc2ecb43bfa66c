//! The program that is killed.

use std::process::Stdio;

use fabrica_tests::folder::Folder;
use kube::{Client, Config};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

pub struct Program {
    folder: Folder,
    address: String,
    process: Child,
    pub kills: u64,
}

impl Program {
    pub async fn start() -> Self {
        let folder = Folder::new("soak").unwrap();
        let (process, address) = spawn(&folder, "127.0.0.1:0").await;
        Self { folder, address, process, kills: 0 }
    }

    /// Kills it where it stands, and starts it anew at the same place.
    pub async fn kill(&mut self) {
        // This is SIGKILL.
        self.process.kill().await.unwrap();
        self.kills += 1;
        (self.process, _) = spawn(&self.folder, &self.address).await;
    }

    pub fn client(&self) -> Client {
        Config::new(format!("http://{}", self.address).parse().unwrap()).try_into().unwrap()
    }
}

async fn spawn(folder: &Folder, listen: &str) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(["run", "--listen", listen, "--data"]).arg(folder.path()).env_remove("RUST_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut seen = Vec::new();
    while let Some(line) = log.next_line().await.unwrap() {
        if let Some((_, address)) = line.split_once("The API is served at http://") {
            let address = address.split_whitespace().next().unwrap().to_owned();
            // What nobody reads would block the program in the end.
            tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
            return (process, address);
        }
        seen.push(line);
    }
    panic!("the program does not serve:\n{}", seen.join("\n"));
}
