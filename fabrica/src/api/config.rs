//! What can be set about a server.

use std::time::Duration;

use super::Listen;
use super::recorder::DEFAULT_EVENT_TTL;

/// What can be set about a server.
///
/// ```
/// use fabrica::api::Config;
///
/// let config = Config::new("127.0.0.1:8080".parse()?);
/// assert_eq!(config.max_body_bytes, 3 << 20);
/// # Ok::<(), fabrica::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Where it listens.
    pub listen: Listen,
    /// Other hosts that requests may be meant for, without ports. Default: none; localhost and loopback addresses always are.
    /// Requests for any other host are refused, because a web page can send them through its visitor's browser.
    pub hosts: Vec<String>,
    /// The greatest size of a request's body in bytes. Default: 3 MiB, as in Kubernetes.
    pub max_body_bytes: usize,
    /// The greatest size of a request's head in bytes, 8 KiB at least. Default: 64 KiB.
    pub max_head_bytes: usize,
    /// How many headers a request may have. Default: 100.
    pub max_headers: usize,
    /// The greatest length of a request's path and query in bytes. Default: 32 KiB.
    pub max_url_bytes: usize,
    /// How many connections there may be. One more is answered with 503 at once, so that its owner learns why; if it waited,
    /// it would seem dead. Default: 4096. The system limits open files too, often to 1024: raise that with `ulimit -n`.
    pub max_connections: usize,
    /// How many requests may be under way, watches and health checks not counted. One more is answered with 429. Default:
    /// 400, as in Kubernetes.
    pub max_requests: usize,
    /// How many watches there may be. One more is answered with 429. Default: 2048.
    pub max_watches: usize,
    /// How many requests one HTTP/2 connection may have under way, watches too. Default: 250, as in Kubernetes.
    pub max_streams: u32,
    /// How long a connection may take to send the head of a request; an idle connection is closed after it too.
    /// Default: 30 s.
    pub head_timeout: Duration,
    /// How long a request may take to send its body. Default: 30 s.
    pub body_timeout: Duration,
    /// How long a recorded event is kept after it happened last. Default: 1 h.
    pub event_ttl: Duration,
    /// How long a peer may take nothing of an answer, or less than 64 KiB of a longer one; its connection is closed then.
    /// Default: 30 s.
    pub write_timeout: Duration,
    /// How long the server waits for requests under way when it stops. Watches end at once. Default: 5 s.
    pub grace: Duration,
}

impl Config {
    /// The defaults, for a place to listen.
    #[must_use]
    pub fn new(listen: Listen) -> Self {
        Self {
            listen,
            hosts: Vec::new(),
            max_body_bytes: 3 << 20,
            max_head_bytes: 64 << 10,
            max_headers: 100,
            max_url_bytes: 32 << 10,
            max_connections: 4096,
            max_requests: 400,
            max_watches: 2048,
            max_streams: 250,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            event_ttl: DEFAULT_EVENT_TTL,
            write_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(5),
        }
    }
}
