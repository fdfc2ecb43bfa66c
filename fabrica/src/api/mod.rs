//! How others reach it: a server that speaks the HTTP API of Kubernetes.

#[allow(dead_code, unused_imports)] // the router is what uses it
mod event_forms;
#[allow(dead_code, unused_imports)] // the server is what starts it
mod recorder;
