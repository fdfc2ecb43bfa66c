//! A thousand watchers that never read.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::thread;

use tokio::net::TcpSocket;

use super::served::{Served, code_of, rest_of};

const WATCHERS: usize = 1_000;
const WRITES: usize = 3_000;
const WRITERS: usize = 4;
const THINGS: &str = "/apis/things.example.io/v1/namespaces/default/things";

/// How much more memory the program may have for them, in KiB.
const MEMORY: u64 = 150 << 10;

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// A connection whose system keeps little of what is not read.
async fn connect_narrow(served: &Served) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let stream = socket.connect(served.address().parse().unwrap()).await.unwrap().into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream
}

fn version_of(text: &str) -> u64 {
    let (_, rest) = text.split_once("\"resourceVersion\":\"").unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

/// Creates things, one after the other.
fn write(mut stream: TcpStream, first: usize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for number in (first..WRITES).step_by(WRITERS) {
        let text = "x".repeat(2_000);
        let body = format!(
            r#"{{"apiVersion":"things.example.io/v1","kind":"Thing","metadata":{{"name":"w-{number}"}},"spec":{{"text":"{text}"}}}}"#
        );
        let head = format!(
            "POST {THINGS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(code_of(&line), 201);
        let mut length = 0;
        while line.trim_end() != "" {
            line.clear();
            reader.read_line(&mut line).unwrap();
            if let Some(rest) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = rest.trim().parse().unwrap();
            }
        }
        std::io::copy(&mut std::io::Read::take(&mut reader, length), &mut std::io::sink()).unwrap();
    }
}

/// Reads a watch until all writes were seen: how many were, or `None` if it is told that it fell behind.
fn follow(mut stream: TcpStream, version: u64) -> Option<usize> {
    stream.write_all(get(&format!("{THINGS}?watch=1&resourceVersion={version}")).as_bytes()).unwrap();
    let (mut seen, mut last) = (0, version);
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    while seen < WRITES {
        let line = lines.next().expect("the watch goes on");
        if line.contains("\"ERROR\"") {
            assert!(line.contains("410") && line.contains("Expired"), "{line}");
            return None;
        }
        if line.starts_with("{\"type\"") {
            let version = version_of(&line);
            assert!(version > last, "{version} after {last}");
            (seen, last) = (seen + 1, version);
        }
    }
    Some(seen)
}

#[tokio::test]
async fn a_thousand_watchers_that_never_read_cost_little_and_disturb_nobody() {
    let served = Served::for_many(WATCHERS + 50);
    let version =
        version_of(&served.answer(
            (get(&format!("{THINGS}?limit=1"))).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes(),
        ));
    let before = served.memory("VmRSS:");
    let mut stalled = Vec::new();
    for _ in 0..WATCHERS {
        let mut stream = connect_narrow(&served).await;
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        stream.write_all(get(&format!("{THINGS}?watch=1&resourceVersion={version}")).as_bytes()).unwrap();
        stalled.push(stream);
    }
    thread::scope(|scope| {
        let reader = scope.spawn(|| follow(served.connect(), version));
        for first in 0..WRITERS {
            scope.spawn({
                let stream = served.connect();
                move || write(stream, first)
            });
        }
        assert_eq!(reader.join().unwrap(), Some(WRITES));
    });
    let grown = served.memory("VmHWM:").saturating_sub(before);
    assert!(grown < MEMORY, "{grown} KiB more");
    let mut longest = 0;
    for mut stream in stalled {
        longest = longest.max(rest_of(&mut stream).len());
    }
    // What the system had taken for them before they were cut off, and not all that was written.
    assert!(longest < WRITES * 1_000, "{longest} bytes");
    served.is_well();
    // Who comes back from so long ago is told that it fell behind, or gets everything.
    assert!(matches!(follow(served.connect(), version), None | Some(WRITES)));
}
