//! The kind `BMC`: the small computer that switches nodes on and off.

use fabrica::prelude::*;

use super::counts::{Counts, Tally, is_ready, one_if};
use super::hardware::{self, Hardware};
use super::template::BladeConfig;

/// A baseboard management controller.
#[derive(Clone, Debug, Resource)]
#[resource(group = "rack.example.io", version = "v1", kind = "BMC", categories(all), conditions(Ready))]
pub struct Bmc {
    pub metadata: Metadata,
    pub spec: BmcSpec,
    pub status: BmcStatus,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BmcSpec {
    /// Its place on the blade, from 0.
    pub number: u32,
    /// The numbers of the nodes that it manages.
    pub manages: Vec<u32>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BmcStatus {
    /// `Ready`: does it answer?
    pub conditions: Conditions,
}

/// The BMCs that a blade should have.
pub fn of_blade(blade: &str, config: BladeConfig) -> Vec<Bmc> {
    let managed_by = |bmc| (0..config.node_count).filter(|node| config.bmc_of(*node) == bmc).collect();
    let spec = |number| BmcSpec { number, manages: managed_by(number) };
    (0..config.bmc_count()).map(|number| Bmc::new(name(blade, number), spec(number))).collect()
}

/// What a BMC of a blade is called.
pub fn name(blade: &str, number: u32) -> String {
    format!("{blade}-bmc{number}")
}

impl Bmc {
    /// What it adds to its blade.
    pub fn tally(&self) -> Tally {
        let count = |bmcs| Counts { bmcs, ..Counts::default() };
        Tally { total: count(1), ready: count(one_if(is_ready(self))) }
    }
}

/// Waits until it answers.
#[allow(clippy::unused_async)] // a real one would be asked
#[reconciler]
pub async fn reach(bmc: &mut Bmc, State(hardware): State<Hardware>) -> Result<Action> {
    if let Some(left) = hardware::left(bmc.name(), bmc.metadata.creation_timestamp, hardware.bmc) {
        bmc.set_ready(false, "Starting", "It does not answer yet");
        return Ok(Action::RequeueAfter(left));
    }
    bmc.set_ready(true, "Reachable", "It answers");
    Ok(Action::AwaitChange)
}
