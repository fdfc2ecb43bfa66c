//! Listening, and the connections.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, info, warn};

use super::app::{self, Api};
use super::recorder::Recorder;
use super::{Config, Listen};
use crate::controller::Controller;
use crate::{Error, ErrorKind, Result};

/// A server that runs. Dropping it stops it at once; [`Server::stop`] lets requests end first.
pub struct Server {
    listen: Listen,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    /// Taken by the one who stops.
    recorder: Option<Recorder>,
}

/// Serves the API of a controller: every kind that it knows.
///
/// The controller may be started before or after; it must be stopped after the server.
///
/// ```
/// use fabrica::api::{self, Config};
/// use fabrica::prelude::*;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1")]
/// # struct Device { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec {}
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let controller = Controller::empty().resource::<Device>().build().await?;
/// let server = api::serve(&controller, Config::new("127.0.0.1:0".parse()?)).await?;
/// println!("kubectl --server {} get devices", server.listen());
/// server.stop().await;
/// controller.stop().await
/// # }
/// ```
///
/// # Errors
/// `Startup` if it can't listen there: the address is not of this machine only, or taken.
pub async fn serve(controller: &Controller, config: Config) -> Result<Server> {
    config.listen.check()?;
    let (grace, event_ttl) = (config.grace, config.event_ttl);
    let head_timeout = config.head_timeout;
    let (stop, stopping) = watch::channel(false);
    let listener = Listener::bind(&config.listen).await?;
    let listen = listener.place()?;
    let router = app::router(Arc::new(Api::new(controller, config, stopping.clone())));
    info!("The API is served at {listen}");
    let accepting = tokio::spawn(async move {
        let connections = Connections { router, head_timeout, graceful: GracefulShutdown::new() };
        connections.accept(listener, stopping, grace).await;
    });
    let recorder = Some(Recorder::start(controller, event_ttl));
    Ok(Server { listen, stop, accepting, recorder })
}

impl Server {
    /// Where it listens, with the port that the system chose.
    #[must_use]
    pub fn listen(&self) -> &Listen {
        &self.listen
    }

    /// Takes no new connection, lets requests under way end within the grace period, then cuts them off.
    pub async fn stop(mut self) {
        // Without a receiver it has ended already.
        let _ = self.stop.send(true);
        if let Err(error) = (&mut self.accepting).await {
            warn!("the API server ended with {error}");
        }
        if let Some(recorder) = self.recorder.take() {
            recorder.stop().await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listen", &self.listen).finish_non_exhaustive()
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, std::path::PathBuf),
}

impl Listener {
    async fn bind(listen: &Listen) -> Result<Self> {
        let bound = match listen {
            Listen::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
            Listen::Unix(path) => UnixListener::bind(path).map(|listener| Self::Unix(listener, path.clone())),
        };
        bound.map_err(|error| Error::new(ErrorKind::Startup, format!("can't listen at {listen}: {error}")))
    }

    fn place(&self) -> Result<Listen> {
        Ok(match self {
            Self::Tcp(listener) => Listen::Tcp(listener.local_addr()?),
            Self::Unix(_, path) => Listen::Unix(path.clone()),
        })
    }
}

struct Connections {
    router: Router,
    head_timeout: std::time::Duration,
    graceful: GracefulShutdown,
}

impl Connections {
    async fn accept(self, listener: Listener, mut stopping: watch::Receiver<bool>, grace: std::time::Duration) {
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut stopping) => break,
                accepted = accept_one(&listener) => match accepted {
                    Ok(Accepted::Tcp(stream, _)) => self.serve(stream),
                    Ok(Accepted::Unix(stream)) => self.serve(stream),
                    Err(error) => {
                        warn!("a connection can't be accepted: {error}");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
            }
        }
        if tokio::time::timeout(grace, self.graceful.shutdown()).await.is_err() {
            debug!("some requests were cut off");
        }
    }

    fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(self.head_timeout);
        builder.http2().timer(TokioTimer::new());
        let service = TowerToHyperService::new(self.router.clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = self.graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                debug!("a connection ended with {error}");
            }
        });
    }
}

enum Accepted {
    Tcp(tokio::net::TcpStream, SocketAddr),
    Unix(tokio::net::UnixStream),
}

async fn accept_one(listener: &Listener) -> std::io::Result<Accepted> {
    Ok(match listener {
        Listener::Tcp(listener) => {
            let (stream, peer) = listener.accept().await?;
            Accepted::Tcp(stream, peer)
        }
        Listener::Unix(listener, _) => Accepted::Unix(listener.accept().await?.0),
    })
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server was dropped.
    let _ = stopping.wait_for(|stop| *stop).await;
}
