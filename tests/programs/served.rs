//! A small program that serves its API with short timeouts and few places, for the tests that mistreat it.

use std::time::Duration;

use fabrica::api::{self, Config};
use fabrica::prelude::*;

/// A thing that is served.
#[derive(Clone, Debug, Resource)]
#[resource(group = "things.example.io", version = "v1", namespaced)]
struct Thing {
    metadata: Metadata,
    spec: ThingSpec,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct ThingSpec {
    text: String,
}

/// Prints where it listens, and serves until its stdin ends.
#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let listen = args.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let mut number = |default| args.next().and_then(|arg| arg.parse().ok()).unwrap_or(default);
    let mut config = Config::new(listen.parse()?);
    config.max_connections = number(100);
    config.max_watches = number(50);
    config.max_requests = 50;
    config.max_streams = 20;
    let (patience, grace) = (number(300), number(300));
    for timeout in [&mut config.head_timeout, &mut config.body_timeout, &mut config.write_timeout] {
        *timeout = Duration::from_millis(patience as u64);
    }
    config.grace = Duration::from_millis(grace as u64);
    let controller = Controller::empty().resource::<Thing>().build().await?;
    let server = api::serve(&controller, config).await?;
    controller.start().await?;
    for number in 0..60 {
        let spec = ThingSpec { text: "x".repeat(50_000) };
        controller.client().create(Thing::new(format!("thing-{number}"), spec)).await?;
    }
    println!("{}", server.listen());
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    server.stop().await;
    controller.stop().await
}
