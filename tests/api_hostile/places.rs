//! The places at which a server listens, and how many connections it takes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use fabrica::api::{Config, serve};
use fabrica::prelude::*;
use fabrica_tests::folder::Folder;

use super::served::{Served, code_of, rest_of};

#[test]
fn one_connection_too_many_is_told_so_and_places_become_free_again() {
    let served = Served::start();
    let streams: Vec<_> = (0..150).map(|_| served.connect()).collect();
    let answers: Vec<_> = streams.into_iter().map(|mut stream| rest_of(&mut stream)).collect();
    assert!(answers.iter().any(|answer| code_of(answer) == 503 && answer.ends_with("too many connections")));
    served.is_well();
}

fn asked(served: &Served, path: &str) -> TcpStream {
    let mut stream = served.connect();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).unwrap();
    stream
}

/// The code of the answer, whose body may go on.
fn begun(stream: &mut TcpStream) -> u16 {
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    code_of(std::str::from_utf8(&start).unwrap())
}

/// Asks again and again until there is a place.
fn is_free_again(served: &Served, path: &str) {
    let start = Instant::now();
    while begun(&mut asked(served, path)) != 200 {
        assert!(start.elapsed() < Duration::from_secs(10), "no place becomes free");
        std::thread::yield_now();
    }
}

#[test]
fn one_watch_too_many_is_told_so_and_places_become_free_again() {
    let served = Served::start();
    let path = "/apis/things.example.io/v1/things?watch=1&fieldSelector=metadata.name%3Dnone";
    let mut watches: Vec<_> = (0..80).map(|_| asked(&served, path)).collect();
    let refused = watches.iter_mut().map(begun).filter(|code| *code == 429).count();
    assert_eq!(refused, 30);
    assert_eq!(begun(&mut asked(&served, "/apis/things.example.io/v1/things?limit=1")), 200);
    drop(watches);
    is_free_again(&served, path);
    served.is_well();
}

#[test]
fn one_request_too_many_is_told_so_and_places_become_free_again() {
    let served = Served::start();
    let path = "/apis/things.example.io/v1/namespaces/default/things";
    // Each holds its place until the server has waited long enough for its body.
    let post = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n");
    let send = |_| {
        let mut stream = served.connect();
        stream.write_all(post.as_bytes()).unwrap();
        stream
    };
    let mut posts: Vec<_> = (0..80).map(send).collect();
    let codes: Vec<u16> = posts.iter_mut().map(begun).collect();
    assert!(codes.contains(&429) && codes.contains(&408), "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, 408 | 429)), "{codes:?}");
    is_free_again(&served, &format!("{path}?limit=1"));
    served.is_well();
}

#[test]
fn a_server_that_stops_ends_its_watches_in_order() {
    let mut served = Served::start();
    let mut watch = asked(&served, "/apis/things.example.io/v1/things?watch=1");
    assert_eq!(begun(&mut watch), 200);
    let rest = std::thread::spawn(move || rest_of(&mut watch));
    served.stop();
    let rest = rest.join().unwrap();
    assert!(rest.ends_with("\r\n0\r\n\r\n"), "it was cut off after {} bytes", rest.len());
}

#[derive(Clone, Debug, Resource)]
#[resource(group = "other.example.io", version = "v1", register = false)]
struct Thing {
    metadata: Metadata,
    spec: ThingSpec,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct ThingSpec {}

async fn fails(listen: &str) -> String {
    let controller = Controller::empty().resource::<Thing>().build().await.unwrap();
    serve(&controller, Config::new(listen.parse().unwrap())).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_taken_port_is_refused_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = fails(&taken.local_addr().unwrap().to_string()).await;
    assert!(error.contains("is taken") && error.contains("choose another port"), "{error}");
}

#[tokio::test]
async fn the_file_of_a_unix_socket_is_its_owners_and_goes_with_the_server() {
    let folder = Folder::new("api-socket").unwrap();
    let path = folder.path().join("s");
    let listen = format!("unix:{}", path.display());
    // A server that is no more has left its file.
    drop(UnixListener::bind(&path).unwrap());
    let mut served = Served::at(&listen);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(code_of(&answer), 200, "{answer}");
    let error = fails(&listen).await;
    assert!(error.contains("another server listens there"), "{error}");
    served.stop();
    assert!(!path.exists());
    fs::write(&path, "mine").unwrap();
    let error = fails(&listen).await;
    assert!(error.contains("no socket"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    let error = fails(&format!("unix:{}", folder.path().display())).await;
    assert!(error.contains("a folder of that name"), "{error}");
    let error = fails(&format!("unix:{}/none/s", folder.path().display())).await;
    assert!(error.contains("make its folder first"), "{error}");
    let error = fails(&format!("unix:/tmp/{}", "x".repeat(200))).await;
    assert!(error.contains("choose a shorter one"), "{error}");
}
