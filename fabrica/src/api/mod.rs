//! How others reach it: a server that speaks the HTTP API of Kubernetes.
//!
//! `kubectl`, kube-rs and other programs that are made for Kubernetes work with every kind of the program, unmodified, and
//! without a cluster. Nothing is written by hand for a kind: what is served comes from the declarations.

mod app;
mod body;
mod catalog;
mod config;
mod connection;
mod delete_options;
mod discovery;
mod etag;
mod event_forms;
mod gate;
mod health;
mod hosts;
mod listen;
mod listener;
mod metrics;
mod negotiate;
mod objects;
mod openapi;
#[cfg(feature = "testing")]
pub(crate) mod parsers;
mod peer;
mod protobuf;
mod query;
mod recorder;
mod reply;
mod server;
mod status;
mod strict_json;
mod table;
mod target;
mod timed;
mod unix;
mod watch;

pub use config::Config;
pub use listen::Listen;
pub use server::{Server, serve};
