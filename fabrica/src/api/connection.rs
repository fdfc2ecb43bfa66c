//! One connection.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use bytes::{Bytes, BytesMut};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::debug;

use super::Config;
use super::gate::{Gate, stopped};
use super::peer::Peer;
use super::timed::Timed;

/// What an HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How many streams that a peer has opened and reset at once the server bears before it ends the connection.
const MAX_RESETS: usize = 20;

/// Serves a connection to its end. When the server stops, requests under way still end.
pub(super) async fn serve<S>(mut stream: S, gate: Arc<Gate>, config: Arc<Config>, stopping: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let begun = tokio::select! {
        biased;
        () = stopped(stopping.clone()) => return,
        begun = timeout(config.head_timeout, beginning(&mut stream)) => begun,
    };
    let Ok(Ok(read_ahead)) = begun else {
        debug!("a connection was closed: it sent no request");
        return;
    };
    let is_http2 = read_ahead == PREFACE;
    let io = TokioIo::new(Timed::new(stream, read_ahead, config.write_timeout));
    let peer = Peer::new();
    let of_requests = Arc::clone(&peer);
    let service = service_fn(move |request: Request<Incoming>| {
        let (gate, under_way) = (Arc::clone(&gate), of_requests.begin());
        async move { Ok::<_, Infallible>(gate.answer(request.map(Body::new), under_way).await) }
    });
    let ended = if is_http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(config.head_timeout)
            .keep_alive_timeout(config.head_timeout)
            .max_concurrent_streams(config.max_streams)
            .max_header_list_size(u32::try_from(config.max_head_bytes).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(MAX_RESETS)
            .max_local_error_reset_streams(MAX_RESETS);
        let connection = builder.serve_connection(io, service);
        drive(connection, http2::Connection::graceful_shutdown, &peer, &config, stopping).await
    } else {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(config.head_timeout)
            .max_buf_size(config.max_head_bytes.max(MIN_BUFFER))
            .max_headers(config.max_headers);
        let connection = builder.serve_connection(io, service);
        drive(connection, http1::Connection::graceful_shutdown, &peer, &config, stopping).await
    };
    if let Err(error) = ended {
        debug!("a connection ended with {error}");
    }
}

/// Less is refused by the HTTP library.
const MIN_BUFFER: usize = 8 << 10;

/// Runs a connection, and ends it if its peer takes nothing, or asks for nothing.
async fn drive<C, E>(
    connection: C,
    graceful_shutdown: impl Fn(Pin<&mut C>),
    peer: &Peer,
    config: &Config,
    stopping: watch::Receiver<bool>,
) -> Result<(), Box<dyn StdError + Send + Sync>>
where
    C: Future<Output = Result<(), E>>,
    E: StdError + Send + Sync + 'static,
{
    let mut connection = std::pin::pin!(connection);
    let mut stop = std::pin::pin!(stopped(stopping));
    let every = (config.head_timeout.min(config.write_timeout) / 2).max(Duration::from_millis(1));
    let (mut is_stopping, mut is_ending) = (false, false);
    loop {
        tokio::select! {
            ended = &mut connection => return ended.map_err(Into::into),
            () = &mut stop, if !is_stopping => {
                is_stopping = true;
                graceful_shutdown(connection.as_mut());
            }
            () = tokio::time::sleep(every) => {
                if peer.has_stalled(config.write_timeout) {
                    return Err("the peer reads nothing of an answer".into());
                }
                if peer.is_idle(config.head_timeout * 2) {
                    if is_ending {
                        return Err("the peer doesn't end an idle connection".into());
                    }
                    is_ending = true;
                    graceful_shutdown(connection.as_mut());
                }
            }
        }
    }
}

/// The first bytes of a connection: the whole preface of HTTP/2, or as many as show that it is none.
async fn beginning(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    let mut bytes = BytesMut::with_capacity(PREFACE.len());
    while bytes.len() < PREFACE.len() && PREFACE.starts_with(&bytes) {
        let mut room = [0; PREFACE.len()];
        let mut buf = ReadBuf::new(&mut room[bytes.len()..]);
        std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut buf)).await?;
        if buf.filled().is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(buf.filled());
    }
    Ok(bytes.freeze())
}
