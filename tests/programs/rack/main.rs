//! The rack of the example in a program that can be made to end itself with SIGKILL after any of its writes.
//!
//! `killable_rack grow DIR [N]` applies a rack and its template, and ends when the rack is complete; `killable_rack
//! remove DIR [N]` deletes both, and ends when nothing is left. With `N` it kills itself right after its N-th write.
//! `killable_rack show DIR` prints what the store in `DIR` holds, a line for each key.

#[path = "../../../examples/rack/blade.rs"]
mod blade;
#[path = "../../../examples/rack/bmc.rs"]
mod bmc;
#[path = "../../../examples/rack/chassis.rs"]
mod chassis;
#[path = "../../../examples/rack/counts.rs"]
mod counts;
mod guarded;
#[path = "../../../examples/rack/hardware.rs"]
mod hardware;
mod mortal;
#[path = "../../../examples/rack/node.rs"]
mod node;
#[path = "../../../examples/rack/rack.rs"]
mod rack;
#[path = "../../../examples/rack/template.rs"]
mod template;

use std::path::Path;
use std::process::ExitCode;

use blade::{Blade, populate};
use bmc::{Bmc, reach};
use chassis::{Chassis, fill};
use fabrica::prelude::*;
use fabrica::store::{EmbeddedStore, Key, Page, Store};
use guarded::Guarded;
use hardware::Hardware;
use mortal::Mortal;
use node::{Node, boot};
use rack::{Phase, Rack, RackSpec, provision};
use template::{BladeConfig, BmcMode, ChassisConfig, RackTemplate, RackTemplateSpec, count_uses};

/// How long it may take to get where it should; only a failure takes that long.
const DEADLINE: Duration = Duration::from_secs(30);

const TEMPLATE: &str = "small";
const RACK: &str = "r1";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [task @ ("grow" | "remove"), folder] => run(task, folder.as_ref(), None),
        [task @ ("grow" | "remove"), folder, writes] => {
            writes.parse().map_err(Error::from).and_then(|writes| run(task, folder.as_ref(), Some(writes)))
        }
        ["show", folder] => show(folder.as_ref()),
        _ => Err(Error::terminal("usage: killable_rack grow|remove DIR [N], or killable_rack show DIR")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::FAILURE
        }
    }
}

fn open(folder: &Path) -> Result<EmbeddedStore> {
    EmbeddedStore::open(folder.join(EmbeddedStore::FILE_NAME))
}

#[tokio::main(flavor = "current_thread")]
async fn show(folder: &Path) -> Result<()> {
    let list = open(folder)?.list(&Key::from(""), Page::default()).await?;
    for entry in list.entries {
        println!("{} {}", entry.key, String::from_utf8_lossy(&entry.value));
    }
    Ok(())
}

#[tokio::main]
async fn run(task: &str, folder: &Path, writes: Option<u64>) -> Result<()> {
    let store = open(folder)?;
    let controller = Controller::empty()
        .reconciler::<Guarded<count_uses>>()
        .reconciler::<Guarded<provision>>()
        .reconciler::<Guarded<fill>>()
        .reconciler::<Guarded<populate>>()
        .reconciler::<Guarded<reach>>()
        .reconciler::<Guarded<boot>>()
        .state(Hardware::of(Duration::ZERO))
        .store(Mortal::new(store, writes))
        .build()
        .await?;
    controller.start().await?;
    let client = controller.client();
    if task == "grow" {
        client.apply(RackTemplate::new(TEMPLATE, template())).await?;
        let spec = RackSpec { template: TEMPLATE.to_owned(), ..RackSpec::default() };
        client.apply(Rack::new(RACK, spec)).await?;
        until(&controller, is_grown).await?;
    } else {
        // The template first: it has to wait for the rack.
        delete::<RackTemplate>(client, TEMPLATE).await?;
        delete::<Rack>(client, RACK).await?;
        until(&controller, |client| counts(client).iter().all(|count| *count == 0)).await?;
    }
    controller.stop().await
}

fn template() -> RackTemplateSpec {
    RackTemplateSpec {
        description: String::new(),
        chassis_count: 2,
        chassis_config: ChassisConfig { blade_count: 4 },
        blade_config: BladeConfig { node_count: 2, bmc_mode: BmcMode::Shared },
    }
}

fn counts(client: &Client) -> [usize; 6] {
    let owners = (client.cache::<RackTemplate>().len(), client.cache::<Rack>().len(), client.cache::<Chassis>().len());
    let (blades, nodes) = (client.cache::<Blade>().len(), client.cache::<Node>().len());
    [owners.0, owners.1, owners.2, blades, nodes, client.cache::<Bmc>().len()]
}

fn is_grown(client: &Client) -> bool {
    let rack = client.cache::<Rack>().by_name("", RACK);
    let template = client.cache::<RackTemplate>().by_name("", TEMPLATE);
    rack.is_some_and(|rack| rack.status.phase == Phase::Ready)
        && template.is_some_and(|template| template.status.usage_count == 1)
        && counts(client) == [1, 1, 2, 8, 16, 8]
}

async fn delete<T: Resource>(client: &Client, name: &str) -> Result<()> {
    let Some(object) = client.cache::<T>().by_name("", name) else { return Ok(()) };
    match client.delete::<T>(object.uid().clone()).await {
        Err(error) if error.is_not_found() => Ok(()),
        deleted => deleted,
    }
}

/// Waits until something holds, looking again whenever anything has changed.
async fn until(controller: &Controller, holds: impl Fn(&Client) -> bool) -> Result<()> {
    let mut events = controller.bus().subscribe(Pattern::parse("**")?);
    let waiting = async { while !holds(controller.client()) && events.next().await.is_some() {} };
    tokio::time::timeout(DEADLINE, waiting).await.map_err(|_| {
        let message = format!("{DEADLINE:?} went by; there are now {:?}", counts(controller.client()));
        Error::from(std::io::Error::other(message))
    })
}
