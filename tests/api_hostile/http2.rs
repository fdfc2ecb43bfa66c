//! HTTP/2 with prior knowledge.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use http::Request;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::served::Served;

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(20);
const THINGS: &str = "/apis/things.example.io/v1/things";

struct Http2 {
    sender: SendRequest<Bytes>,
    /// Ends with the connection.
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Http2 {
    async fn open(served: &Served, builder: &Builder) -> Self {
        let stream = TcpStream::connect(served.address()).await.unwrap();
        let (sender, connection) = builder.handshake(stream).await.unwrap();
        Self { sender, connection: tokio::spawn(connection) }
    }

    /// The code of an answer, and its body.
    async fn get(&mut self, authority: &str, path: &str) -> (u16, Vec<u8>) {
        let request = Request::get(format!("http://{authority}{path}")).body(()).unwrap();
        let mut sender = self.sender.clone().ready().await.unwrap();
        let (response, _) = sender.send_request(request, true).unwrap();
        let response = timeout(DEADLINE, response).await.unwrap().unwrap();
        let (code, mut body, mut all) = (response.status().as_u16(), response.into_body(), Vec::new());
        while let Some(piece) = timeout(DEADLINE, body.data()).await.unwrap() {
            let piece = piece.unwrap();
            body.flow_control().release_capacity(piece.len()).unwrap();
            all.extend_from_slice(&piece);
        }
        (code, all)
    }

    /// Waits until the server ends the connection.
    async fn ended(self) {
        let _sender = self.sender;
        let _ = timeout(DEADLINE, self.connection).await.expect("the server doesn't close the connection").unwrap();
    }
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("http://localhost{path}")).body(()).unwrap()
}

#[tokio::test]
async fn requests_are_answered_and_those_for_other_hosts_refused() {
    let served = Served::start();
    let mut client = Http2::open(&served, &Builder::new()).await;
    let (code, list) = client.get("localhost", THINGS).await;
    let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
    assert_eq!((code, list["items"].as_array().unwrap().len()), (200, 60));
    assert_eq!(client.get("evil.example:80", "/version").await.0, 403);
    assert_eq!(client.get("localhost", "/version").await.0, 200);
    assert_eq!(client.get("localhost", &format!("/{}", "y".repeat(40_000))).await.0, 414);
    // Nothing more is asked for.
    client.ended().await;
    served.is_well();
}

#[tokio::test]
async fn a_connection_has_so_many_streams_and_no_more() {
    let served = Served::start();
    let mut client = Http2::open(&served, &Builder::new()).await;
    assert_eq!(client.get("localhost", "/version").await.0, 200);
    assert_eq!(client.sender.current_max_send_streams(), 20);
    served.is_well();
}

#[tokio::test]
async fn whoever_grants_no_window_is_cut_off() {
    let served = Served::start();
    for window in [0, 1, 1_000, 100_000] {
        for path in [THINGS.to_owned(), format!("{THINGS}?watch=1"), "/version".to_owned()] {
            let mut client = Http2::open(&served, Builder::new().initial_window_size(window)).await;
            let (response, _) = client.sender.send_request(get(&path), true).unwrap();
            // It is read as far as it comes, and no more is granted.
            let _body = timeout(DEADLINE, response).await.unwrap().unwrap().into_body();
            client.ended().await;
        }
    }
    served.is_well();
}

#[tokio::test]
async fn streams_that_are_reset_at_once_do_no_harm() {
    let served = Served::start();
    for _ in 0..5 {
        let client = Http2::open(&served, &Builder::new()).await;
        for _ in 0..2_000 {
            let Ok(mut sender) = client.sender.clone().ready().await else { break };
            let Ok((response, mut stream)) = sender.send_request(get(THINGS), true) else { break };
            stream.send_reset(h2::Reason::CANCEL);
            drop(response);
        }
        served.is_well();
        client.ended().await;
    }
    let mut client = Http2::open(&served, &Builder::new()).await;
    assert_eq!(client.get("localhost", "/version").await.0, 200);
}
