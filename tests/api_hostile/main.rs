//! Clients that mean no good. After each attack the server answers others as if nothing had been, and has not grown.

#![allow(missing_docs, clippy::unwrap_used)]

mod bodies;
mod heads;
mod hosts;
mod http2;
mod places;
mod readers;
mod served;
mod watchers;
