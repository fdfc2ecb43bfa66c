//! `kubeconfig`: what kubectl needs to find the program's API.

use std::fs;

use serde_json::{Value, json};

use super::app::print;
use super::args::KubeconfigArgs;
use crate::api::Listen;
use crate::client::ClientSettings;
use crate::{Error, ErrorKind, Result};

/// Prints it, or writes it to a file.
pub(super) fn kubeconfig(args: &KubeconfigArgs) -> Result<()> {
    let server = match &args.server {
        Some(server) => server.clone(),
        None => server_of(&args.listen)?,
    };
    let config = config(&ClientSettings::default().field_manager, &server);
    let yaml = serde_saphyr::to_string(&config).map_err(|error| Error::new(ErrorKind::Other, error.to_string()))?;
    match &args.out {
        None => print(&yaml),
        Some(path) => {
            fs::write(path, yaml).map_err(|error| Error::from(error).context(format!("can't write {}", path.display())))
        }
    }
}

/// The URL of a server that listens there.
fn server_of(listen: &Listen) -> Result<String> {
    let why = match listen {
        Listen::Tcp(address) if address.port() != 0 => return Ok(listen.to_string()),
        Listen::Tcp(_) => "port 0 lets the system choose one: name the port that the program's log says".to_owned(),
        Listen::Unix(path) => format!(
            "kubectl can't connect to a Unix socket: listen at a port, as in `--listen 127.0.0.1:8080`, or use what can, as \
             `curl --unix-socket {}`; for a proxy in front of the socket, give its URL with `--server`",
            path.display()
        ),
    };
    Err(Error::new(ErrorKind::Other, format!("there is no kubeconfig for {listen}: {why}")))
}

/// The cluster, the context and the user have the program's name.
fn config(name: &str, server: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": name, "cluster": { "server": server } }],
        "users": [{ "name": name, "user": {} }],
        "contexts": [{ "name": name, "context": { "cluster": name, "user": name } }],
        "current-context": name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_has_a_url_and_a_unix_socket_has_none() {
        let of = |listen: &str| server_of(&listen.parse().unwrap()).map_err(|error| error.to_string());
        assert_eq!(of("localhost:81").unwrap(), "http://127.0.0.1:81");
        assert_eq!(of("[::1]:81").unwrap(), "http://[::1]:81");
        assert!(of("127.0.0.1:0").unwrap_err().contains("port 0"));
        assert!(of("unix:a/b").unwrap_err().contains("curl --unix-socket a/b"));
    }

    #[test]
    fn the_current_context_names_a_cluster_and_a_user() {
        let config = config("racks", "http://127.0.0.1:8080");
        assert_eq!(config["contexts"][0]["name"], config["current-context"]);
        assert_eq!(config["contexts"][0]["context"]["cluster"], config["clusters"][0]["name"]);
        assert_eq!(config["contexts"][0]["context"]["user"], config["users"][0]["name"]);
    }
}
