//! Bodies of requests.

use std::io::Write as _;

use super::served::{Served, code_of, rest_of};

const THINGS: &str = "/apis/things.example.io/v1/namespaces/default/things";
const PATCHED: &str = "/apis/things.example.io/v1/namespaces/default/things/thing-0";
const BYE: &str = "Connection: close\r\n";

fn head(method: &str, path: &str, media_type: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n{headers}\r\n")
}

fn post(headers: &str) -> String {
    head("POST", THINGS, "application/json", headers)
}

/// The code of the answer to a whole request.
fn sent(served: &Served, method: &str, path: &str, media_type: &str, body: &str) -> u16 {
    let length = format!("Content-Length: {}\r\n{BYE}", body.len());
    served.code(&(head(method, path, media_type, &length) + body))
}

fn thing(name: &str) -> String {
    format!(
        r#"{{"apiVersion":"things.example.io/v1","kind":"Thing","metadata":{{"name":"{name}"}},"spec":{{"text":"x"}}}}"#
    )
}

#[test]
fn depth_bombs_are_refused() {
    let served = Served::start();
    let around = |bomb: &str| thing("deep").replace("\"x\"", bomb);
    for bomb in [
        "[".repeat(1 << 20),
        "{\"a\":".repeat(200_000),
        format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000)),
        format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000)),
    ] {
        for body in [bomb.clone(), around(&bomb)] {
            assert_eq!(sent(&served, "POST", THINGS, "application/json", &body), 400);
            assert_eq!(sent(&served, "PUT", PATCHED, "application/json", &body), 400);
            assert_eq!(sent(&served, "PATCH", PATCHED, "application/merge-patch+json", &body), 400);
            assert_eq!(sent(&served, "PATCH", PATCHED, "application/json-patch+json", &body), 400);
            assert_eq!(sent(&served, "DELETE", PATCHED, "application/json", &body), 400);
        }
        served.is_well();
    }
}

#[test]
fn patches_that_grow_what_they_patch_are_refused() {
    let served = Served::start();
    let deep = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let nest = format!(
        r#"{{"op":"add","path":"/spec/u","value":{}}},{{"op":"move","from":"/spec/t","path":"/spec/u/t"}},{{"op":"move","from":"/spec/u","path":"/spec/t"}}"#,
        deep(100)
    );
    let patch = |first: &str, again: &str, times: usize| format!("[{first}{}]", format!(",{again}").repeat(times));
    let first = r#"{"op":"add","path":"/spec/t","value":{}}"#;
    let copy = r#"{"op":"copy","from":"/spec","path":"/spec/t"}"#;
    for (body, codes) in [
        (patch(first, &nest, 100), &[422][..]),
        // Twice as much with each.
        (patch(first, copy, 5_000), &[413, 422]),
        (patch(first, r#"{"op":"copy","from":"/spec/text","path":"/spec/t"}"#, 9_000), &[413]),
        (patch(first, r#"{"op":"test","path":"/spec/t","value":{}}"#, 10_000), &[413]),
        (patch(first, r#"{"op":"add","path":"/spec/t/-1","value":1}"#, 9_000), &[200]),
        (patch(first, r#"{"op":"add","path":"/../../etc/passwd","value":1}"#, 1), &[422]),
    ] {
        let code = sent(&served, "PATCH", PATCHED, "application/json-patch+json", &body);
        assert!(codes.contains(&code), "{code}: {}", &body[..200.min(body.len())]);
        served.is_well();
    }
}

#[test]
fn huge_and_endless_bodies_are_refused() {
    let served = Served::start();
    let piece = "x".repeat(4 << 20);
    for (method, path) in [("POST", THINGS), ("PUT", PATCHED), ("PATCH", PATCHED), ("DELETE", PATCHED)] {
        let lie = head(method, path, "application/json", "Content-Length: 1000000000000\r\n");
        assert_eq!(served.code(&(lie + &piece)), 413, "{method}");
        served.is_well();
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        let endless = head(method, path, "application/json", "Transfer-Encoding: chunked\r\n") + &chunk.repeat(400);
        assert_eq!(served.code(&endless), 413, "{method}");
        served.is_well();
    }
    let code = served.code(&(post("Transfer-Encoding: chunked\r\n") + "fffffffffffffffff\r\n"));
    assert_eq!(code, 400);
    served.is_well();
}

#[test]
fn a_body_that_stops_is_not_waited_for() {
    let served = Served::start();
    for headers in ["Content-Length: 1000000000000\r\n", "Content-Length: 50\r\n", "Transfer-Encoding: chunked\r\n"] {
        for begun in ["", "1\r\n{\r\n"] {
            assert_eq!(served.code(&(post(headers) + begun)), 408, "{headers:?} {begun:?}");
            served.is_well();
        }
    }
    // It breaks off: nothing is created.
    let mut stream = served.connect();
    stream.write_all((post("Content-Length: 500\r\n") + &thing("half")).as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(matches!(code_of(&rest_of(&mut stream)), 0 | 400));
    assert_eq!(served.code(&format!("GET {THINGS}/half HTTP/1.1\r\nHost: localhost\r\n{BYE}\r\n")), 404);
}

#[test]
fn a_body_in_single_bytes_is_a_body() {
    let served = Served::start();
    let body = thing("slow");
    let mut stream = served.connect();
    stream.set_nodelay(true).unwrap();
    stream.write_all(post(&format!("Content-Length: {}\r\n{BYE}", body.len())).as_bytes()).unwrap();
    for byte in body.bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(code_of(&rest_of(&mut stream)), 201);
    let chunks = body.chars().map(|byte| format!("1\r\n{byte}\r\n")).collect::<Vec<_>>().concat();
    assert_eq!(
        served.code(&(post("Transfer-Encoding: chunked\r\nConnection: close\r\n") + &chunks + "0\r\n\r\n")),
        409
    );
}

#[test]
fn names_that_are_none_are_refused() {
    let served = Served::start();
    for name in ["", "..", "../x", "a/b", "a%2fb", "%2e%2e", "A", "\u{1f600}", "a\\u0000b", "a b", &"x".repeat(254)] {
        assert_eq!(sent(&served, "POST", THINGS, "application/json", &thing(name)), 422, "{name:?}");
    }
    for name in
        ["..%2f..%2fetc%2fpasswd", "%2e%2e", "%00", "%ff%fe", "%zz", "thing-0%2fstatus", "thing-0/..", "Thing-0"]
    {
        let path = format!("{THINGS}/{name}");
        for (method, media_type, body) in [
            ("PUT", "application/json", thing("a")),
            ("PATCH", "application/merge-patch+json", "{}".to_owned()),
            ("DELETE", "application/json", String::new()),
        ] {
            let code = sent(&served, method, &path, media_type, &body);
            assert!(matches!(code, 400 | 404 | 405 | 422), "{method} {name}: {code}");
        }
    }
    assert_eq!(served.code(&format!("GET {PATCHED} HTTP/1.1\r\nHost: localhost\r\n{BYE}\r\n")), 200);
    served.is_well();
}

#[test]
fn a_body_of_two_lengths_does_not_hide_a_second_request() {
    let served = Served::start();
    let hidden = "GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Content-Length: +5\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
    ] {
        let answer = served.answer((post(headers) + "0\r\n\r\n" + hidden).as_bytes());
        assert!(!answer.contains("gitVersion"), "{headers:?}: {answer}");
        served.is_well();
    }
}
