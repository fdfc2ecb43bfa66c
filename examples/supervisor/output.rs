//! What the children print, line by line into the log.

use fabrica::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::task::JoinHandle;

/// A longer line is broken, so that none takes all memory.
const LONGEST_LINE: u64 = 8 * 1024;

/// Reads what a child prints until everybody who can print it is gone. It is always read, so that no child waits for it.
pub fn log(name: &str, stdout: Option<ChildStdout>, stderr: Option<ChildStderr>) -> JoinHandle<()> {
    let name = name.to_owned();
    tokio::spawn(async move {
        tokio::join!(lines(&name, stdout), lines(&name, stderr));
    })
}

async fn lines(name: &str, stream: Option<impl AsyncRead + Unpin>) {
    let Some(stream) = stream else { return };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    // A stream that fails has nothing more to say.
    while let Ok(1..) = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
        info!(target: "output", "{name} | {}", String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}
