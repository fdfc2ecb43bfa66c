//! The API over HTTP, used with kube-rs as it is by programs that know nothing of Fabrica.

#![allow(missing_docs, clippy::unwrap_used)]

mod controller;
mod discovery;
mod guide;
mod kinds;
mod lab;
mod objects;
mod restart;
mod watching;
