//! The socket that a server listens at.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::Listen;
use super::unix::Socket;
use crate::{Error, ErrorKind, Result};

pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(Socket),
}

pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    /// # Errors
    /// `Startup`, with what to do.
    pub(super) async fn bind(listen: &Listen) -> Result<Self> {
        let bound = match listen {
            Listen::Tcp(address) => {
                TcpListener::bind(address).await.map(Self::Tcp).map_err(|error| why(*address, &error))
            }
            Listen::Unix(path) => Socket::bind(path).map(Self::Unix),
        };
        bound.map_err(|why| Error::new(ErrorKind::Startup, format!("can't listen at {listen}: {why}")))
    }

    /// Where it listens, with the port that the system chose.
    pub(super) fn place(&self) -> Result<Listen> {
        Ok(match self {
            Self::Tcp(listener) => Listen::Tcp(listener.local_addr()?),
            Self::Unix(socket) => Listen::Unix(socket.path().to_owned()),
        })
    }

    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A watch event must not wait for the next one. Where that can't be said, the peer is gone already.
                let _ = stream.set_nodelay(true);
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(socket) => Ok(Stream::Unix(socket.listener.accept().await?.0)),
        }
    }
}

impl Stream {
    /// Writes what fits into the system's buffer.
    pub(super) fn try_write(&self, bytes: &[u8]) {
        // Who is gone needs no answer.
        let _ = match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        };
    }
}

fn why(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {} is taken: stop the program that listens there, or choose another port; port 0 lets the system choose",
            address.port()
        ),
        io::ErrorKind::PermissionDenied => format!("{error}; choose a port from 1024"),
        _ => error.to_string(),
    }
}
