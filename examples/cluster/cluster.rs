//! The kind `Cluster`: the owner of its nodes.

use std::collections::BTreeSet;

use fabrica::prelude::*;

use super::node::{Node, NodeSpec, Power};

/// Machines that work together.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "cluster.example.io",
    version = "v1",
    short_names(cl),
    conditions(Ready),
    column(name = "Nodes", path = ".status.nodes"),
    column(name = "Up", path = ".status.readyNodes")
)]
pub struct Cluster {
    pub metadata: Metadata,
    pub spec: ClusterSpec,
    pub status: ClusterStatus,
}

/// What the user asks for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSpec {
    /// The names of its nodes. Node `a` of cluster `lab` is the object `lab-a`.
    #[schemars(
        length(min = 1, max = 100),
        inner(length(max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))
    )]
    pub nodes: BTreeSet<String>,
    /// Whether its nodes should be switched on.
    #[serde(default)]
    pub power: Power,
    /// How long each of them takes to boot.
    #[serde(default = "default_boot")]
    #[schemars(range(max = 3600))]
    pub boot_seconds: u32,
}

fn default_boot() -> u32 {
    5
}

/// What was observed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterStatus {
    /// How many nodes there are.
    pub nodes: usize,
    /// How many of them are ready.
    pub ready_nodes: usize,
    /// What is true of the cluster.
    pub conditions: Conditions,
}

/// Makes the nodes what the spec says, and counts those that are ready.
///
/// It needs no timer and no watch: a change of a node wakes its owner. When the cluster is deleted its nodes follow, and
/// there is nothing to do for that either.
#[reconciler]
async fn reconcile_cluster(cluster: &mut Cluster, ctx: &Context) -> Result<Action> {
    let ClusterSpec { nodes, power, boot_seconds } = &cluster.spec;
    let node = |name| {
        let spec = NodeSpec { power: *power, boot_seconds: *boot_seconds };
        Node::new(format!("{}-{name}", cluster.name()), spec)
    };
    let done = ctx.converge_owned(nodes.iter().map(node).collect()).await?;
    if !done.is_unchanged() {
        info!("{}: {} nodes are new, {} are gone", cluster.name(), done.created.len(), done.deleted.len());
    }

    let nodes = ctx.owned::<Node>();
    let missing: Vec<_> = nodes.iter().filter(|node| !node.is_ready()).map(|node| node.name()).collect();
    let (all, ready) = (nodes.len(), nodes.len() - missing.len());
    cluster.status.nodes = all;
    cluster.status.ready_nodes = ready;
    let news = if missing.is_empty() {
        cluster.set_ready(true, "AllNodesReady", format!("{all} of {all} nodes are ready"))
    } else {
        let message = format!("{ready} of {all} nodes are ready, not so {}", missing.join(", "));
        cluster.set_ready(false, "NodesNotReady", message)
    };
    if news {
        info!("{}: {ready} of {all} nodes are ready", cluster.name());
    }
    Ok(Action::AwaitChange)
}
