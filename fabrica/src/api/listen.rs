//! Where a server listens.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// Where a server listens: a port of this machine's own, or a Unix socket.
///
/// The API knows no users yet: whoever reaches it may do everything. So it is only for this machine; any other address is
/// refused.
///
/// ```
/// use fabrica::api::Listen;
///
/// assert!("127.0.0.1:8080".parse::<Listen>().is_ok());
/// assert!("unix:/run/racks.sock".parse::<Listen>().is_ok());
/// let refused = "0.0.0.0:8080".parse::<Listen>().unwrap_err();
/// assert!(refused.to_string().contains("127.0.0.1:8080"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Listen {
    /// A port of the loopback interface; port 0 lets the system choose one.
    Tcp(SocketAddr),
    /// A Unix socket. A file of that name that no server listens at is replaced.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(wrong(text, "the path of the socket is missing, as in `unix:/run/racks.sock`"));
            }
            return Ok(Self::Unix(path.into()));
        }
        let address = match text.strip_prefix("localhost:") {
            Some(port) => format!("{}:{port}", Ipv4Addr::LOCALHOST),
            None => text.to_owned(),
        };
        let Ok(address) = address.parse::<SocketAddr>() else {
            return Err(wrong(text, "write an address and a port, as in `127.0.0.1:8080`, or `unix:PATH`"));
        };
        let listen = Self::Tcp(address);
        listen.check()?;
        Ok(listen)
    }
}

impl Listen {
    /// Is it for this machine only?
    pub(super) fn check(&self) -> Result<(), Error> {
        let Self::Tcp(address) = self else { return Ok(()) };
        if address.ip().is_loopback() {
            return Ok(());
        }
        let own = if address.is_ipv6() {
            SocketAddr::from((Ipv6Addr::LOCALHOST, address.port()))
        } else {
            SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()))
        };
        let why = format!(
            "whoever reaches the API may do everything, so it is only for this machine: listen at `{own}` or at \
             `unix:PATH`, and let others in through SSH or a proxy that knows who they are"
        );
        Err(wrong(&address.to_string(), &why))
    }
}

fn wrong(text: &str, why: &str) -> Error {
    Error::new(ErrorKind::Startup, format!("can't listen at `{}`: {why}", text.escape_debug()))
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_listened_to() {
        for good in ["127.0.0.1:0", "127.8.8.8:1", "[::1]:80", "localhost:80", "unix:a"] {
            good.parse::<Listen>().unwrap();
        }
        for bad in ["0.0.0.0:80", "[::]:80", "192.168.1.1:80", "[::ffff:127.0.0.1]:80"] {
            let error = bad.parse::<Listen>().unwrap_err();
            assert!(error.to_string().contains("only for this machine"), "{error}");
        }
        for bad in ["", "80", "localhost", "127.0.0.1", "unix:", "example.org:80", "127.0.0.1:99999"] {
            assert_eq!(bad.parse::<Listen>().unwrap_err().kind(), &ErrorKind::Startup, "{bad}");
        }
    }
}
