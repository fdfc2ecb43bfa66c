//! A small program with a command line, for the tests that run it as a process.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fabrica::cli::App;
use fabrica::prelude::*;
use fabrica::store::MemoryStore;

/// A thing that has a size.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "gadgets.example.io",
    version = "v1",
    conditions(Ready),
    column(name = "Size", path = ".status.size")
)]
struct Gadget {
    metadata: Metadata,
    spec: GadgetSpec,
    status: GadgetStatus,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GadgetSpec {
    /// How large it is to be.
    wanted_size: u32,
    note: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct GadgetStatus {
    size: u32,
    conditions: Conditions,
}

/// What a namespace is full of.
#[derive(Clone, Debug, Resource)]
#[resource(group = "gadgets.example.io", version = "v1", namespaced)]
struct Part {
    metadata: Metadata,
    spec: PartSpec,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct PartSpec {}

#[reconciler(watches(Part = gadgets_with))]
async fn fit_gadget(gadget: &mut Gadget, State(runs): State<Arc<AtomicUsize>>) -> Result<Action> {
    runs.fetch_add(1, Ordering::Relaxed);
    if gadget.spec.note.as_deref() == Some("hang") {
        info!("{} hangs", gadget.name());
        std::future::pending::<()>().await;
    }
    gadget.status.size = gadget.spec.wanted_size;
    gadget.set_ready(true, "Fits", "It has its size");
    info!("{} has size {}", gadget.name(), gadget.status.size);
    Ok(Action::AwaitChange)
}

fn gadgets_with(_: &Part, _: &Client) -> Vec<String> {
    Vec::new()
}

/// Creates one gadget after the other, for as long as it can.
async fn write(client: Client) -> Result<()> {
    for number in 0_u32.. {
        let spec = GadgetSpec { wanted_size: number, note: None };
        client.create(Gadget::new(format!("w-{number}"), spec)).await?;
        if number % 50 == 49 {
            info!("wrote {}", number + 1);
        }
    }
    Ok(())
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

fn main() -> ExitCode {
    let runs = Arc::new(AtomicUsize::new(0));
    let state = Arc::clone(&runs);
    App::new()
        .configure(move |builder| {
            let builder = builder.workers(7);
            let builder = if is_set("OWN_STORE") { builder.store(MemoryStore::new()) } else { builder };
            if is_set("WITHOUT_STATE") { builder } else { builder.state(state) }
        })
        .on_start(|controller| async move {
            info!("on_start: {} kinds", controller.registry().resources().len());
            if is_set("WRITES") {
                tokio::spawn(write(controller.client().clone()));
            }
            Ok(())
        })
        .on_stop(move |_| async move {
            info!("on_stop: {} runs", runs.load(Ordering::Relaxed));
            Ok(())
        })
        .main()
}
