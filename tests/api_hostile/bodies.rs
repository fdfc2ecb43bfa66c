//! Bodies of requests.

use super::served::Served;

const THINGS: &str = "/apis/things.example.io/v1/namespaces/default/things";

fn post(headers: &str) -> String {
    format!("POST {THINGS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\r\n")
}

#[test]
fn depth_bombs_are_refused() {
    let served = Served::start();
    for bomb in ["[".repeat(1 << 20), "{\"a\":".repeat(200_000), format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000))]
    {
        let head = post(&format!("Content-Length: {}\r\nConnection: close\r\n", bomb.len()));
        let code = served.code(&(head + &bomb));
        assert!((400..500).contains(&code), "{code}");
        served.is_well();
    }
}

#[test]
fn huge_and_endless_bodies_are_refused() {
    let served = Served::start();
    let lie = post("Content-Length: 1000000000000\r\n") + &"x".repeat(1 << 20);
    let code = served.code(&lie);
    assert!(code == 0 || (400..500).contains(&code), "{code}");
    served.is_well();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let code = served.code(&(post("Transfer-Encoding: chunked\r\n") + &chunk.repeat(400)));
    assert!(code == 0 || (400..500).contains(&code), "{code}");
    served.is_well();
    let code = served.code(&(post("Transfer-Encoding: chunked\r\n") + "fffffffffffffffff\r\n"));
    assert!(code == 0 || (400..500).contains(&code), "{code}");
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
