//! The kind `Node`: a machine to compute on. Its BMC switches it on, and it is switched off before it goes.

use fabrica::prelude::*;

use super::bmc::{self, Bmc};
use super::counts::{Counts, Tally, is_ready, one_if};
use super::hardware::{self, Hardware};
use super::template::BladeConfig;

/// A machine to compute on.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "rack.example.io",
    version = "v1",
    short_names(no),
    categories(all),
    conditions(Ready),
    selectable = ".spec.bmc",
    column(name = "Power", path = ".status.power")
)]
pub struct Node {
    pub metadata: Metadata,
    pub spec: NodeSpec,
    pub status: NodeStatus,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeSpec {
    /// Its place on the blade, from 0.
    pub number: u32,
    /// The name of the BMC that manages it.
    pub bmc: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeStatus {
    pub power: Power,
    /// When it was switched on.
    pub on_since: Option<Timestamp>,
    /// `Ready`: is it up, and managed?
    pub conditions: Conditions,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Power {
    #[default]
    Off,
    On,
}

/// The nodes that a blade should have.
pub fn of_blade(blade: &str, config: BladeConfig) -> Vec<Node> {
    let spec = |number| NodeSpec { number, bmc: bmc::name(blade, config.bmc_of(number)) };
    (0..config.node_count).map(|number| Node::new(format!("{blade}-n{number}"), spec(number))).collect()
}

impl Node {
    /// What it adds to its blade.
    pub fn tally(&self) -> Tally {
        let count = |nodes| Counts { nodes, ..Counts::default() };
        Tally { total: count(1), ready: count(one_if(is_ready(self))) }
    }
}

/// Switches the node on as soon as its BMC answers, and waits until it is up.
#[allow(clippy::unused_async)] // a real BMC would be asked
#[reconciler(finalize = switch_off, watches(Bmc = nodes_of))]
pub async fn boot(node: &mut Node, State(hardware): State<Hardware>, ctx: &Context) -> Result<Action> {
    let bmc = ctx.client().cache::<Bmc>().by_name("", &node.spec.bmc);
    if bmc.is_none_or(|bmc| !is_ready(&*bmc)) {
        let message = format!("Its BMC {} does not answer", node.spec.bmc);
        node.set_ready(false, "WaitsForBMC", message);
        return Ok(Action::AwaitChange); // or the BMC: its change asks for a reconcile too
    }
    if node.status.power == Power::Off {
        (node.status.power, node.status.on_since) = (Power::On, Some(Timestamp::now()));
    }
    if let Some(left) = hardware::left(node.name(), node.status.on_since, hardware.node) {
        node.set_ready(false, "Booting", "It boots");
        return Ok(Action::RequeueAfter(left));
    }
    node.set_ready(true, "Booted", "It is up");
    Ok(Action::AwaitChange)
}

/// Runs before the node goes.
pub async fn switch_off(node: &mut Node, ctx: &Context) -> Result<Finalize> {
    if node.status.power == Power::On {
        (node.status.power, node.status.on_since) = (Power::Off, None);
        ctx.emit("io.example.node.off", node).await?;
    }
    Ok(Finalize::Done)
}

fn nodes_of(bmc: &Bmc, client: &Client) -> Vec<Uid> {
    let nodes = client.cache::<Node>().select(".spec.bmc", bmc.name());
    nodes.iter().map(|node| node.uid().clone()).collect()
}
