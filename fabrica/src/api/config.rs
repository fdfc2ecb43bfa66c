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
    /// The greatest size of a request's body in bytes. Default: 3 MiB, as in Kubernetes.
    pub max_body_bytes: usize,
    /// How long a connection may take to send the head of a request; an idle connection is closed after it too.
    /// Default: 30 s.
    pub head_timeout: Duration,
    /// How long a request may take to send its body. Default: 30 s.
    pub body_timeout: Duration,
    /// How long a recorded event is kept after it happened last. Default: 1 h.
    pub event_ttl: Duration,
    /// How long the server waits for requests under way when it stops. Default: 5 s.
    pub grace: Duration,
}

impl Config {
    /// The defaults, for a place to listen.
    #[must_use]
    pub fn new(listen: Listen) -> Self {
        Self {
            listen,
            max_body_bytes: 3 << 20,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            event_ttl: DEFAULT_EVENT_TTL,
            grace: Duration::from_secs(5),
        }
    }
}
