//! The kind `Blade`: it owns nodes, and the BMCs that manage them.

use fabrica::prelude::*;

use super::bmc::{self, Bmc};
use super::chassis::ChassisSpec;
use super::counts::{Counts, Tally, is_ready, one_if};
use super::hardware::{self, Hardware};
use super::node::{self, Node};
use super::template::BladeConfig;

/// A board in a slot of a chassis, with nodes on it.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "rack.example.io",
    version = "v1",
    short_names(bl),
    categories(all),
    conditions(Ready),
    column(name = "Nodes", path = ".status.ready.nodes"),
    column(name = "Of", path = ".status.total.nodes")
)]
pub struct Blade {
    pub metadata: Metadata,
    pub spec: BladeSpec,
    pub status: BladeStatus,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BladeSpec {
    /// Its slot in the chassis, from 0.
    pub number: u32,
    pub blade_config: BladeConfig,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BladeStatus {
    /// What is on the blade.
    #[serde(flatten)]
    pub tally: Tally,
    pub conditions: Conditions,
}

/// The blades that a chassis should have.
pub fn of_chassis(chassis: &str, spec: &ChassisSpec) -> Vec<Blade> {
    let ChassisSpec { chassis_config, blade_config, .. } = *spec;
    let blade = |number| Blade::new(format!("{chassis}-b{number}"), BladeSpec { number, blade_config });
    (0..chassis_config.blade_count).map(blade).collect()
}

impl Blade {
    /// What it adds to its chassis.
    pub fn tally(&self) -> Tally {
        let count = |blades| Counts { blades, ..Counts::default() };
        self.status.tally + Tally { total: count(1), ready: count(one_if(is_ready(self))) }
    }

    /// What it has when it is complete.
    fn wanted(&self) -> Counts {
        let config = self.spec.blade_config;
        Counts { nodes: config.node_count, bmcs: config.bmc_count(), ..Counts::default() }
    }
}

/// Runs when the blade changes, or one of its nodes or BMCs.
#[reconciler]
pub async fn populate(blade: &mut Blade, State(hardware): State<Hardware>, ctx: &Context) -> Result<Action> {
    if let Some(left) = hardware::left(blade.name(), blade.metadata.creation_timestamp, hardware.blade) {
        blade.set_ready(false, "PoweringOn", "Its power comes on");
        return Ok(Action::RequeueAfter(left));
    }
    ctx.converge_owned(bmc::of_blade(blade.name(), blade.spec.blade_config)).await?;
    ctx.converge_owned(node::of_blade(blade.name(), blade.spec.blade_config)).await?;

    let bmcs: Tally = ctx.owned::<Bmc>().iter().map(|bmc| bmc.tally()).sum();
    let nodes: Tally = ctx.owned::<Node>().iter().map(|node| node.tally()).sum();
    let (tally, wanted) = (bmcs + nodes, blade.wanted());
    blade.status.tally = tally;
    if tally.is_complete(wanted) {
        blade.set_ready(true, "Complete", wanted.to_string());
    } else {
        blade.set_ready(false, "Incomplete", tally.progress(wanted));
    }
    Ok(Action::AwaitChange)
}
