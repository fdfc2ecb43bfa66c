//! Heads of requests.

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::served::{Served, code_of, rest_of};

/// Sends the same bytes again and again, slowly, until the server has enough.
fn drip(served: &Served, first: &[u8], again: &[u8]) {
    let mut stream = served.connect();
    stream.write_all(first).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let end = std::thread::spawn(move || drop(rest_of(&mut reader)));
    let start = Instant::now();
    while !end.is_finished() {
        assert!(start.elapsed() < Duration::from_secs(10), "it waits forever");
        let _ = stream.write_all(again);
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

#[test]
fn whoever_sends_nothing_or_all_too_slowly_is_cut_off() {
    let served = Served::start();
    for (first, again) in [
        (&b""[..], &b""[..]),
        (b"PRI * HT", b""),
        (b"GET / HTTP/1.1\r\nHost: local", b""),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n"),
        (b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n", b""),
        (b"POST /apis/things.example.io/v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n", b"{"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b""),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", b""),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\xff", b""),
    ] {
        drip(&served, first, again);
        served.is_well();
    }
}

#[test]
fn floods_of_headers_and_long_urls_are_refused() {
    let served = Served::start();
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(1_000));
    assert_eq!(served.code(&many), 431);
    let large = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "y".repeat(10 << 20));
    assert!(matches!(served.code(&large), 0 | 431));
    let large = format!("GET /version HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "y".repeat(200_000));
    assert_eq!(served.code(&large), 431);
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "y".repeat(40_000));
    assert_eq!(served.code(&long), 414);
    served.is_well();
}

#[test]
fn odd_paths_and_methods_are_answered() {
    let served = Served::start();
    let things = "/apis/things.example.io/v1/namespaces/default/things";
    for (method, path, codes) in [
        ("GET", format!("{things}/../../../../etc/passwd"), &[404][..]),
        ("GET", format!("{things}/..%2f..%2fetc%2fpasswd"), &[404]),
        ("GET", format!("{things}/%2e%2e"), &[404]),
        ("GET", format!("{things}/%00"), &[404]),
        ("GET", format!("{things}/%ff%fe"), &[404]),
        ("GET", format!("{things}/%"), &[404]),
        ("GET", format!("{things}/%zz"), &[404]),
        ("GET", format!("{things}/a\\b"), &[400, 404]),
        ("GET", format!("{things}/\u{1f600}"), &[400, 404]),
        ("GET", format!("{things}/a\0b"), &[400]),
        ("GET", format!("{things}?labelSelector=%00"), &[200, 400]),
        ("GET", format!("{things}?limit=-1"), &[400]),
        ("GET", format!("{things}?limit=99999999999999999999999"), &[400]),
        ("GET", "//".to_owned(), &[404]),
        ("GET", "*".to_owned(), &[400, 404]),
        ("BREW", things.to_owned(), &[405]),
        ("TRACE", things.to_owned(), &[405]),
        ("CONNECT", "localhost:80".to_owned(), &[400, 404, 405]),
        ("G\0T", things.to_owned(), &[400]),
    ] {
        let code = served.code(&format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        assert!(codes.contains(&code), "{method} {path:?}: {code}");
        served.is_well();
    }
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let served = Served::start();
    let request = |path, more| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    let all = [request("/readyz", ""), request("/nothing", ""), request("/version", "Connection: close\r\n")].concat();
    let answer = served.answer(all.as_bytes());
    let codes: Vec<u16> = answer.split("HTTP/1.1").skip(1).map(code_of).collect();
    assert_eq!(codes, [200, 404, 200], "{answer}");
    served.is_well();
}
