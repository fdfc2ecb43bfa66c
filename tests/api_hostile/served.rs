//! The program that is mistreated, and plain connections to it.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// How much memory the program may have, in KiB: what it needs for its objects, and some for each connection.
const MEMORY: u64 = 200 << 10;

pub struct Served {
    child: Child,
    stdin: Option<ChildStdin>,
    pub place: String,
}

impl Served {
    pub fn start() -> Self {
        Self::at("127.0.0.1:0")
    }

    pub fn at(listen: &str) -> Self {
        Self::with(&[listen])
    }

    /// With so many connections and watches.
    pub fn for_many(connections: usize) -> Self {
        let places = connections.to_string();
        Self::with(&["127.0.0.1:0", &places, &places])
    }

    /// With timeouts that never come, and a grace period of so many milliseconds.
    pub fn patient(grace: usize) -> Self {
        Self::with(&["127.0.0.1:0", "100", "50", "3600000", &grace.to_string()])
    }

    fn with(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_served"));
        let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut place = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut place).unwrap();
        let stdin = child.stdin.take();
        Self { child, stdin, place: place.trim_end().to_owned() }
    }

    pub fn address(&self) -> &str {
        self.place.strip_prefix("http://").unwrap()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// Sends bytes, and reads what comes until the server closes the connection.
    pub fn answer(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // The server may have closed it before all was sent.
        let _ = stream.write_all(bytes);
        rest_of(&mut stream)
    }

    /// The code of the answer to one request.
    pub fn code(&self, request: &str) -> u16 {
        code_of(&self.answer(request.as_bytes()))
    }

    /// It answers others at once, and has not grown.
    pub fn is_well(&self) {
        let start = Instant::now();
        let answer = self.answer(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert_eq!(code_of(&answer), 200, "{answer}");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        let memory = self.memory("VmRSS:");
        assert!(memory < MEMORY, "{memory} KiB");
    }

    /// A line of the system's account of its memory, in KiB: `VmRSS:` is what it has, `VmHWM:` the most that it had.
    pub fn memory(&self, line: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|other| other.strip_prefix(line)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Asks it to stop: how long that took.
    pub fn stop(&mut self) -> Duration {
        let start = Instant::now();
        self.stdin = None;
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < DEADLINE, "it doesn't stop");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        assert!(self.child.wait().unwrap().success());
        start.elapsed()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes until the server closes the connection.
pub fn rest_of(stream: &mut TcpStream) -> String {
    let (mut all, mut piece) = (Vec::new(), [0; 8 << 10]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(len) => all.extend_from_slice(&piece[..len]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the server doesn't close the connection: {error}"),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// 0 if there is no answer.
pub fn code_of(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
}
