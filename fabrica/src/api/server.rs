//! Listening, and the connections.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tracing::{debug, error, info, warn};

use super::app::{self, Api};
use super::connection;
use super::gate::{Gate, stopped};
use super::listener::{Listener, Stream};
use super::recorder::Recorder;
use super::{Config, Listen};
use crate::Result;
use crate::controller::Controller;

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
/// The controller may be started before or after; it must be stopped after the server. Serve a controller once: two servers
/// would both record what happens to its objects.
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
    let listener = Listener::bind(&config.listen).await?;
    let listen = listener.place()?;
    let (stop, stopping) = watch::channel(false);
    let recorder = Recorder::start(controller, config.event_ttl);
    let api = Api::new(controller, config.clone(), recorder.counters(), stopping.clone());
    let gate = Arc::new(Gate::new(app::router(Arc::new(api)), &config, stopping.clone()));
    info!("The API is served at {listen}");
    let accepting = tokio::spawn(accept(listener, gate, Arc::new(config), stopping));
    Ok(Server { listen, stop, accepting, recorder: Some(recorder) })
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

/// Takes connections until the server stops, then lets them end.
async fn accept(listener: Listener, gate: Arc<Gate>, config: Arc<Config>, stopping: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            biased;
            () = stopped(stopping.clone()) => break,
            Some(ended) = connections.join_next() => {
                report(ended);
                continue;
            }
            accepted = listener.accept() => match accepted {
                Ok(stream) => stream,
                // Its peer was gone before it was taken.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => {
                    warn!("a connection can't be accepted: {error}");
                    tokio::time::sleep(AFTER_FAILURE).await;
                    continue;
                }
            },
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            debug!("a connection was refused: there are {} already", config.max_connections);
            stream.try_write(REFUSAL);
            continue;
        };
        let (gate, config, stopping) = (Arc::clone(&gate), Arc::clone(&config), stopping.clone());
        connections.spawn(async move {
            match stream {
                Stream::Tcp(stream) => connection::serve(stream, gate, config, stopping).await,
                Stream::Unix(stream) => connection::serve(stream, gate, config, stopping).await,
            }
            drop(place);
        });
    }
    drop(listener);
    let ended = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(config.grace, ended).await.is_err() {
        debug!("{} connections were cut off", connections.len());
    }
}

/// What a connection panics at is not the others' business, but somebody must learn of it.
fn report(ended: std::result::Result<(), JoinError>) {
    if let Err(error) = ended {
        error!("a connection was given up: {error}");
    }
}

/// How long no connection is accepted after one could not be: most often, too many files are open.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What one connection too many is answered with.
const REFUSAL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\n\
    Cache-Control: no-cache, private\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 30\r\n\
    Connection: close\r\n\r\nthere are too many connections";
