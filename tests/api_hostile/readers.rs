//! Peers that don't read what they asked for.

use std::io::{ErrorKind, Read as _, Write as _};
use std::thread;
use std::time::Duration;

use super::served::{Served, rest_of};

const LIST: &str = "GET /apis/things.example.io/v1/things HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn whoever_asks_on_and_on_and_reads_nothing_is_cut_off() {
    let served = Served::start();
    let mut streams: Vec<_> = (0..8).map(|_| served.connect()).collect();
    for stream in &mut streams {
        stream.write_all(LIST.as_bytes()).unwrap();
    }
    for stream in &mut streams {
        let error = std::iter::repeat_with(|| stream.write_all(LIST.as_bytes())).find_map(Result::err).unwrap();
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
        served.is_well();
    }
}

#[test]
fn a_server_that_stops_waits_for_nobody_who_does_not_read_or_write() {
    let mut served = Served::patient(300);
    let sends = |bytes: &str| {
        let mut stream = served.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    };
    let half = "POST /apis/things.example.io/v1/namespaces/default/things HTTP/1.1\r\nHost: localhost\r\n";
    let streams =
        [sends(""), sends("GET / HT"), sends(&LIST.repeat(20)), sends(&format!("{half}Content-Length: 5\r\n\r\n{{"))];
    served.is_well();
    assert!(served.stop() < Duration::from_secs(5));
    drop(streams);
}

#[test]
fn a_server_that_stops_ends_what_is_idle_without_a_wait() {
    let mut served = Served::patient(3_600_000);
    let mut idle = served.connect();
    idle.write_all(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut start = [0; 12];
    idle.read_exact(&mut start).unwrap();
    let mut watch = served.connect();
    watch.write_all(LIST.replace(" HTTP", "?watch=1 HTTP").as_bytes()).unwrap();
    // It is under way when its answer begins.
    watch.read_exact(&mut start).unwrap();
    let reader = thread::spawn(move || rest_of(&mut watch));
    let (silent, begun) = (served.connect(), served.connect());
    assert!(served.stop() < Duration::from_secs(5));
    assert!(reader.join().unwrap().ends_with("0\r\n\r\n"));
    drop((idle, silent, begun));
}
