//! The kind `Node`: a machine that takes a while to boot.

use fabrica::prelude::*;

/// A machine of a cluster.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "cluster.example.io",
    version = "v1",
    short_names(no),
    conditions(Ready),
    column(name = "Power", path = ".spec.power"),
    column(name = "State", path = ".status.state")
)]
pub struct Node {
    pub metadata: Metadata,
    pub spec: NodeSpec,
    pub status: NodeStatus,
}

/// What its cluster asks for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSpec {
    /// Whether it should be switched on.
    pub power: Power,
    /// How long it takes from being switched on to being ready.
    #[schemars(range(max = 3600))]
    pub boot_seconds: u32,
}

/// Whether a machine should be switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    #[default]
    On,
    Off,
}

/// What was observed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeStatus {
    /// What the machine is doing.
    pub state: NodeState,
    /// When it was last switched on.
    pub booted_at: Option<Timestamp>,
    /// What is true of it.
    pub conditions: Conditions,
}

/// What a machine is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum NodeState {
    #[default]
    Off,
    Booting,
    Running,
}

/// Switches a node on or off. It never waits: while the node boots, it asks to look again when that should be over.
#[reconciler]
async fn reconcile_node(node: &mut Node) -> Result<Action> {
    let now = Timestamp::now();
    if node.spec.power == Power::Off {
        node.status.state = NodeState::Off;
        node.set_ready(false, "SwitchedOff", "It is to be off");
        return Ok(Action::AwaitChange);
    }
    if node.status.state == NodeState::Off {
        info!("Switching on {}", node.name());
        node.status.state = NodeState::Booting;
        node.status.booted_at = Some(now);
    }
    let boot = Duration::from_secs(node.spec.boot_seconds.into());
    let left = node.status.booted_at.map_or(boot, |at| boot.saturating_sub(now.since(at)));
    if node.status.state == NodeState::Booting && !left.is_zero() {
        node.set_ready(false, "Booting", "It was switched on and has not answered yet");
        return Ok(Action::RequeueAfter(left));
    }
    node.status.state = NodeState::Running;
    node.set_ready(true, "Running", "It answers");
    Ok(Action::AwaitChange)
}
