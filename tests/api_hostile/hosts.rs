//! Requests that a web page sends through its visitor's browser.

use super::served::Served;

#[test]
fn requests_for_other_hosts_and_from_other_sites_are_refused() {
    let served = Served::start();
    for (head, code) in [
        ("GET /version HTTP/1.1\r\nHost: evil.example:8080", 403),
        ("GET http://evil.example/version HTTP/1.1\r\nHost: localhost", 403),
        ("GET /version HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example", 403),
        ("GET /version HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site", 403),
        ("GET /version HTTP/1.1\r\nX: y", 400),
        ("GET /version HTTP/1.1\r\nHost: localhost\r\nHost: evil.example", 400),
        ("GET /version HTTP/1.1\r\nHost: localhost", 200),
        ("GET /version HTTP/1.1\r\nHost: [::1]:99", 200),
    ] {
        assert_eq!(served.code(&format!("{head}\r\nConnection: close\r\n\r\n")), code, "{head}");
    }
    served.is_well();
}
