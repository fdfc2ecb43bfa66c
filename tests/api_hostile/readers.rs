//! Peers that don't read what they asked for.

use std::io::{ErrorKind, Write as _};

use super::served::Served;

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
fn a_server_that_stops_waits_for_nobody_who_does_not_read() {
    let mut served = Served::start();
    let mut stream = served.connect();
    stream.write_all(LIST.repeat(20).as_bytes()).unwrap();
    let idle = served.connect();
    assert!(served.stop() < std::time::Duration::from_secs(5));
    drop(idle);
}
