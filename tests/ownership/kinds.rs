//! What the tests own.

use std::sync::Arc;
use std::time::Duration;

use fabrica::client::{DeleteOptions, Propagation};
use fabrica::prelude::*;
use fabrica::reconciler::{Converged, Reasons};
use fabrica::store::MemoryStore;
use parking_lot::Mutex;

/// A rack wants so many nodes.
#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", conditions(Ready), register = false)]
pub struct Rack {
    pub metadata: Metadata,
    pub spec: RackSpec,
    pub status: RackStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RackSpec {
    #[serde(default)]
    pub nodes: usize,
    #[serde(default)]
    pub watts: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RackStatus {
    pub nodes: usize,
    pub conditions: Conditions,
}

/// A node of a rack; or a leaf that belongs to a node.
#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", register = false)]
pub struct Node {
    pub metadata: Metadata,
    pub spec: NodeSpec,
    pub status: NodeStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeSpec {
    #[serde(default)]
    #[schemars(range(max = 1000))]
    pub watts: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NodeStatus {
    pub up: bool,
}

/// A kind that lives in namespaces.
#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", namespaced, register = false)]
pub struct Cable {
    pub metadata: Metadata,
    pub spec: NodeSpec,
}

pub fn rack(uid: &str, nodes: usize) -> Rack {
    Rack::new(uid, RackSpec { nodes, watts: 0 }).with_uid(uid)
}

pub fn node(uid: &str) -> Node {
    Node::new(uid, NodeSpec::default()).with_uid(uid)
}

pub fn cable(uid: &str) -> Cable {
    Cable::new(uid, NodeSpec::default()).with_uid(uid)
}

/// Why a run was, and what its convergence did.
type Run = (Reasons, std::result::Result<Converged, String>);

/// What the runs of racks did.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Run>>>);

impl Log {
    pub fn count(&self) -> usize {
        self.0.lock().len()
    }

    pub fn reasons(&self) -> Vec<String> {
        self.0.lock().iter().map(|(reasons, _)| reasons.to_string()).collect()
    }

    pub fn last(&self) -> std::result::Result<Converged, String> {
        self.0.lock().last().unwrap().1.clone()
    }
}

/// Makes the nodes that a rack wants: `<rack>-0`, `<rack>-1`, ..
#[reconciler(register = false)]
pub async fn racks(rack: &mut Rack, ctx: &Context, State(log): State<Log>) -> Result<Action> {
    let node = |n| {
        let name = format!("{}-{n}", rack.name());
        Node::new(&name, NodeSpec { watts: rack.spec.watts }).with_uid(name)
    };
    let done = ctx.converge_owned((0..rack.spec.nodes).map(node).collect()).await;
    log.0.lock().push((ctx.reasons().clone(), done.as_ref().map(Clone::clone).map_err(ToString::to_string)));
    done?;
    rack.status.nodes = ctx.owned::<Node>().len();
    Ok(Action::AwaitChange)
}

/// A controller of racks on a store, started.
pub async fn start(store: &Arc<MemoryStore>, log: &Log) -> Controller {
    let builder = Controller::empty().reconciler::<racks>().resource::<Node>().resource::<Cable>();
    let controller = builder.state(log.clone()).shared_store(Arc::clone(store) as _).build().await.unwrap();
    controller.start().await.unwrap();
    controller
}

pub fn names(client: &Client) -> Vec<String> {
    client.cache::<Node>().all().iter().map(|node| node.name().to_owned()).collect()
}

/// Lets everything that is due now happen: on the paused clock, time stands still while anybody can run.
pub async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Waits until a condition holds, at most ten minutes of the test's clock.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(600), waiting).await.is_ok(), "waited in vain until {what}");
}

/// A controller that knows the kinds and reconciles none, started: only the built-in parts are at work.
pub async fn bare(store: &Arc<MemoryStore>) -> Controller {
    let builder = Controller::empty().resource::<Rack>().resource::<Node>().resource::<Cable>();
    let controller = builder.shared_store(Arc::clone(store) as _).build().await.unwrap();
    controller.start().await.unwrap();
    controller
}

/// The names of all racks and nodes, and whom each names as its owners.
pub fn picture(client: &Client) -> Vec<String> {
    let line = |name: &str, owners: &[OwnerReference]| {
        let owners: Vec<_> = owners.iter().map(|owner| owner.uid.as_str()).collect();
        if owners.is_empty() { name.to_owned() } else { format!("{name} of {}", owners.join(" and ")) }
    };
    let (racks, nodes) = (client.cache::<Rack>().all(), client.cache::<Node>().all());
    let racks = racks.iter().map(|rack| line(rack.name(), &rack.metadata.owner_references));
    racks.chain(nodes.iter().map(|node| line(node.name(), &node.metadata.owner_references))).collect()
}

/// A node that blocks the foreground deletion of its owner.
pub fn node_of(uid: &str, owner: &impl Resource) -> Node {
    node(uid).with_owner(OwnerReference::to_controller(owner))
}

pub fn by(propagation: Propagation) -> DeleteOptions {
    DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() }
}

pub const EVERY_WAY: [Propagation; 3] = [Propagation::Background, Propagation::Foreground, Propagation::Orphan];
