//! `run`: everything at work until a signal.

use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::{error, info};

use super::app::App;
use super::apply::Applier;
use super::args::RunArgs;
use super::data::DataDir;
use super::signals::Signals;
use super::table::{self, Screen};
use crate::controller::Builder;
use crate::store::{EmbeddedStore, MemoryStore};
use crate::{Error, Result};

/// Where objects are kept, unless the program says so itself.
pub(super) async fn with_store(builder: Builder, args: &RunArgs) -> Result<Builder> {
    if builder.has_store() {
        return Ok(builder);
    }
    let Some(data) = args.data() else {
        info!("Objects are kept in memory: they go with the program");
        return Ok(builder.store(MemoryStore::new()));
    };
    let file = data.file_to_be()?;
    let opened = tokio::task::spawn_blocking(move || {
        let store = EmbeddedStore::open(&file)?;
        info!("Objects are kept in {}", std::path::absolute(&file).unwrap_or(file).display());
        Ok(store)
    });
    let store = opened.await.map_err(Error::from).flatten()?;
    Ok(builder.state(DataDir::at(data.folder().to_owned())).store(store))
}

pub(super) async fn run(app: App, builder: Builder, args: RunArgs, screen: Option<Screen>) -> Result<()> {
    // From here on a signal stops what was started, instead of ending the process in the middle of it.
    let mut signals = Signals::new()?;
    let sources = args.apply();
    let controller = Arc::new(builder.build().await?);
    let mut applier = Applier::new(controller.client().clone(), &sources)?;

    #[cfg(feature = "api")]
    let mut server = None;
    let start = async {
        // Early, so that whoever waits for it can ask: it says that it is ready when all is started.
        #[cfg(feature = "api")]
        if let Some(listen) = args.listen() {
            server = Some(crate::api::serve(&controller, crate::api::Config::new(listen.clone())).await?);
        }
        if let Some(hook) = app.on_start {
            hook(Arc::clone(&controller)).await?;
        }
        // What is there at once is there when the first reconcile runs.
        applier.begin().await;
        controller.start().await?;
        Ok(())
    };
    let started = tokio::select! {
        biased;
        signal = signals.next() => Ok(Some(signal)),
        started = start => started.map(|()| None),
    };
    let mut tasks = JoinSet::new();
    if let Some(screen) = &screen {
        tasks.spawn(table::show(controller.client().clone(), screen.clone()));
    }
    // Nothing is applied any more once a signal has come: the future that does it is dropped.
    let signal = match started {
        Ok(None) => tokio::select! {
            biased;
            signal = signals.next() => Ok(signal),
            never = applier.keep() => match never {},
        },
        Ok(Some(signal)) => Ok(signal),
        Err(error) => Err(error),
    };
    if let Ok(signal) = &signal {
        info!("Stopping on {signal}; another signal exits at once");
    }

    let stop = async {
        #[cfg(feature = "api")]
        if let Some(server) = server {
            server.stop().await;
        }
        let stopped = controller.stop().await;
        tasks.shutdown().await;
        if let Some(screen) = &screen {
            screen.leave();
        }
        match app.on_stop {
            Some(hook) => stopped.and(hook(Arc::clone(&controller)).await),
            None => stopped,
        }
    };
    let stopped = tokio::select! {
        biased;
        signal = signals.second(signal.as_ref().ok().copied()) => {
            error!("Exiting at once on a second signal ({signal}): what was running is cut off");
            std::process::exit(1);
        }
        stopped = stop => stopped,
    };
    signal.and(stopped)
}
