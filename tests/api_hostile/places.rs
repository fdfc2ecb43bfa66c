//! The places at which a server listens, and how many connections it takes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};

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
    let error = fails(&format!("unix:/tmp/{}", "x".repeat(200))).await;
    assert!(error.contains("choose a shorter one"), "{error}");
}
