//! A server to ask, and its answers.

use std::net::SocketAddr;

use fabrica::api::{self, Config, Listen, Server};
use fabrica::prelude::*;
use fabrica::store::{MemoryStore, Store as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::kinds::{Device, Note};

pub const DEVICES: &str = "/apis/example.io/v1/devices";
pub const NOTES: &str = "/apis/example.io/v1/namespaces/default/notes";
pub const JSON: &str = "application/json";
pub const MERGE: &str = "application/merge-patch+json";
pub const JSON_PATCH: &str = "application/json-patch+json";

/// A controller with its API.
pub struct Cluster {
    _controller: Controller,
    pub store: MemoryStore,
    pub address: SocketAddr,
    _server: Server,
}

/// An answer.
pub struct Answer {
    pub code: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Cluster {
    pub async fn start() -> Self {
        Self::on(MemoryStore::new()).await
    }

    pub async fn on(store: MemoryStore) -> Self {
        let builder = Controller::empty().resource::<Device>().resource::<Note>().store(store.clone());
        let controller = builder.build().await.unwrap();
        controller.start().await.unwrap();
        let server = api::serve(&controller, Config::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
        let Listen::Tcp(address) = *server.listen() else { panic!("it listens elsewhere") };
        Self { _controller: controller, store, address, _server: server }
    }

    /// Sends a request and reads the answer to its end. Without a type the body is sent without one.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            head += &[name, ": ", value, "\r\n"].concat();
        }
        head += &["Content-Length: ", &body.len().to_string(), "\r\n\r\n"].concat();
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server may answer before it has read all of it.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        let body = answer.split_off(end + 4);
        let head = String::from_utf8(answer).unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
        Answer { code, head, body }
    }

    pub async fn send(&self, method: &str, path: &str, type_: &str, body: &Value) -> Answer {
        self.ask(method, path, &[("Content-Type", type_)], body.to_string().as_bytes()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"").await
    }

    /// An answer that comes in pieces, with their sizes in between.
    pub async fn get_chunked(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, JSON, body).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, JSON, body).await
    }

    pub async fn merge(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, MERGE, body).await
    }

    pub async fn json_patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, JSON_PATCH, body).await
    }

    pub async fn delete(&self, path: &str, body: &Value) -> Answer {
        self.send("DELETE", path, JSON, body).await
    }

    /// Creates a device and gives it back.
    pub async fn device(&self, name: &str) -> Value {
        self.post(DEVICES, &device(name)).await.expect(201)
    }

    /// How often the store was written to.
    pub async fn revision(&self) -> u64 {
        self.store.revision().await.unwrap().get()
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of an answer that must have a code.
    pub fn expect(&self, code: u16) -> Value {
        assert_eq!(self.code, code, "{}", self.text());
        self.json()
    }

    /// The body of a failure, checked for what every failure has.
    pub fn refused(&self, code: u16, reason: &str) -> Value {
        let status = self.expect(code);
        let expected =
            json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason });
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&status[field], value, "{status}");
        }
        assert_eq!(status["metadata"], json!({}), "{status}");
        status
    }

    /// The values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

/// A device as a user writes it.
pub fn device(name: &str) -> Value {
    json!({ "apiVersion": "example.io/v1", "kind": "Device", "metadata": { "name": name }, "spec": { "watts": 7 } })
}

/// A note as a user writes it.
pub fn note(name: &str) -> Value {
    json!({ "apiVersion": "example.io/v1", "kind": "Note", "metadata": { "name": name }, "spec": { "text": "x" } })
}

/// The path of one device.
pub fn path(name: &str) -> String {
    format!("{DEVICES}/{name}")
}

/// The message of a failure.
pub fn message(status: &Value) -> &str {
    status["message"].as_str().unwrap()
}

/// Where a failure sees the causes: reason and field.
pub fn causes(status: &Value) -> Vec<(&str, &str)> {
    let causes = status["details"]["causes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &'_ Value| -> &'static str { value.as_str().unwrap_or_default().to_owned().leak() };
    causes.iter().map(|cause| (text(&cause["reason"]), text(&cause["field"]))).collect()
}

/// The version of an object.
pub fn version(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().unwrap()
}
