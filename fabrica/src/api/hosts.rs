//! Who a request is meant for, and where it comes from.

use std::net::IpAddr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Request, Uri};

use super::status::Status;
use super::{Config, Listen};

/// The hosts that a request may be meant for.
///
/// A browser shows any page's script to a server of this machine, if the page's name is made to resolve to 127.0.0.1; the
/// request's host is then still that name. A Unix socket is out of a browser's reach, and its clients have no host to name.
pub(super) struct Hosts {
    /// `None`: any.
    allowed: Option<Vec<String>>,
}

impl Hosts {
    pub(super) fn new(config: &Config) -> Self {
        let hosts = || config.hosts.iter().map(|host| host.trim_matches(['[', ']']).to_ascii_lowercase()).collect();
        Self { allowed: matches!(config.listen, Listen::Tcp(_)).then(hosts) }
    }

    /// # Errors
    /// 400 if the request names no host or several, 403 for another host or a page of another site.
    pub(super) fn check<B>(&self, request: &Request<B>) -> Result<(), Status> {
        let Some(allowed) = &self.allowed else { return Ok(()) };
        let is_allowed = |host: &str| {
            let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
            let host = host.strip_suffix('.').unwrap_or(&host);
            let is_loopback = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
            is_loopback || host == "localhost" || allowed.iter().any(|allowed| allowed == host)
        };
        let headers = request.headers();
        let named = request.uri().authority().cloned();
        let header = host_header(headers)?;
        if named.is_none() && header.is_none() {
            return Err(Status::bad_request("the request names no host: send one `Host` header"));
        }
        // A peer may name it in both places; each must be good.
        for authority in [named, header].into_iter().flatten() {
            if authority.as_str().contains('@') || !is_allowed(authority.host()) {
                return Err(Status::foreign(format!(
                    "the request is meant for the host {:?}, and this server answers only for localhost, loopback \
                     addresses and the hosts that its configuration adds",
                    authority.as_str()
                )));
            }
        }
        for origin in headers.get_all(ORIGIN) {
            let host = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
            if !host.is_some_and(|origin| origin.host().is_some_and(is_allowed)) {
                return Err(Status::foreign(format!("the request comes from a page of another site, {origin:?}")));
            }
        }
        for site in headers.get_all("sec-fetch-site") {
            if !matches!(site.as_bytes(), b"same-origin" | b"none") {
                return Err(Status::foreign("the request comes from a page of another site"));
            }
        }
        Ok(())
    }
}

fn host_header(headers: &HeaderMap) -> Result<Option<Authority>, Status> {
    let mut all = headers.get_all(HOST).iter();
    let Some(first) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(Status::bad_request("the request has several `Host` headers"));
    }
    let authority = Authority::try_from(first.as_bytes());
    authority.map(Some).map_err(|_| Status::bad_request("the `Host` header of the request names no host"))
}

#[cfg(test)]
mod tests {
    use axum::http::Version;

    use super::*;

    fn judge(listen: &str, uri: &str, headers: &[(&str, &str)]) -> u16 {
        let mut config = Config::new(listen.parse().unwrap());
        config.hosts = vec!["Box.example".to_owned()];
        let mut request = Request::builder().uri(uri).version(Version::HTTP_11);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match Hosts::new(&config).check(&request.body(()).unwrap()) {
            Ok(()) => 200,
            Err(status) => status.to_value()["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap(),
        }
    }

    #[test]
    fn only_this_machine_and_what_is_added_is_answered_for() {
        for host in ["localhost", "localhost:1", "LOCALHOST.", "127.0.0.1:80", "127.9.9.9", "[::1]:80", "box.EXAMPLE:1"]
        {
            assert_eq!(judge("127.0.0.1:0", "/", &[("host", host)]), 200, "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "10.0.0.1",
            "a@localhost",
            "0.0.0.0",
        ] {
            assert_eq!(judge("127.0.0.1:0", "/", &[("host", host)]), 403, "{host}");
            assert_eq!(judge("unix:x", "/", &[("host", host)]), 200, "{host}");
        }
        assert_eq!(judge("127.0.0.1:0", "/", &[]), 400);
        assert_eq!(judge("127.0.0.1:0", "/", &[("host", "localhost"), ("host", "localhost")]), 400);
        assert_eq!(judge("127.0.0.1:0", "/", &[("host", "a b")]), 400);
        assert_eq!(judge("127.0.0.1:0", "http://evil.example/", &[("host", "localhost")]), 403);
        assert_eq!(judge("127.0.0.1:0", "http://localhost/", &[("host", "evil.example")]), 403);
        assert_eq!(judge("127.0.0.1:0", "http://localhost/", &[]), 200);
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let with = |name, value| judge("127.0.0.1:0", "/", &[("host", "localhost"), (name, value)]);
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert_eq!(with(name, value), 403, "{name}: {value}");
        }
        for (name, value) in
            [("origin", "http://localhost:8080"), ("sec-fetch-site", "none"), ("sec-fetch-site", "same-origin")]
        {
            assert_eq!(with(name, value), 200, "{name}: {value}");
        }
    }
}
