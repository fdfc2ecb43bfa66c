//! As little of HTTP/1.1 as the scenario needs: the client shares the machine with what is measured.

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// A connection that is kept.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the program listens");
        stream.set_nodelay(true).expect("it is a TCP stream");
        Self(BufReader::with_capacity(64 << 10, stream))
    }

    /// One request, and its answer: the code and the body.
    pub async fn send(&mut self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        self.request(method, path, body).await;
        let (code, length) = self.head().await;
        let Some(length) = length else { return (code, self.chunks().await) };
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer).await.expect("the answer is whole");
        (code, answer)
    }

    /// A body that comes in chunks.
    async fn chunks(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while self.chunk(&mut all).await {}
        all
    }

    /// Adds the next chunk of a body; is there one?
    async fn chunk(&mut self, all: &mut Vec<u8>) -> bool {
        let mut size = String::new();
        self.0.read_line(&mut size).await.expect("the body goes on");
        let size = usize::from_str_radix(size.trim_end(), 16).expect("it is the size of a chunk");
        let start = all.len();
        all.resize(start + size + 2, 0);
        self.0.read_exact(&mut all[start..]).await.expect("the chunk is whole");
        all.truncate(start + size);
        size > 0
    }

    async fn request(&mut self, method: &str, path: &str, body: &str) {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.0.get_mut().write_all(request.as_bytes()).await.expect("the program reads");
    }

    /// The code of an answer, and how long its body is.
    async fn head(&mut self) -> (u16, Option<usize>) {
        let (mut code, mut length) = (0, None);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.expect("the program answers");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                return (code, length);
            }
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                code = rest[..3].parse().expect("it is a code");
            }
            if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.parse().ok();
            }
        }
    }
}

/// A watch under way.
pub struct Watch {
    connection: Connection,
    /// What was read of lines that have not ended.
    rest: Vec<u8>,
    read: usize,
}

impl Watch {
    pub async fn open(address: &str, path: &str) -> Self {
        let mut connection = Connection::open(address).await;
        connection.request("GET", path, "").await;
        let (code, _) = connection.head().await;
        assert_eq!(code, 200, "the watch begins");
        Self { connection, rest: Vec::new(), read: 0 }
    }

    /// The next event.
    pub async fn line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.rest[self.read..].iter().position(|byte| *byte == b'\n') {
                let line = self.rest[self.read..self.read + end].to_vec();
                self.read += end + 1;
                return line;
            }
            self.rest.drain(..self.read);
            self.read = 0;
            assert!(self.connection.chunk(&mut self.rest).await, "the watch goes on");
        }
    }
}

/// The number behind the first occurrence of a text.
pub fn version(document: &[u8], before: &[u8]) -> u64 {
    let at =
        document.windows(before.len()).position(|window| window == before).expect("it has a version") + before.len();
    let digits: String = document[at..].iter().map(|byte| char::from(*byte)).take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a version is a number")
}
