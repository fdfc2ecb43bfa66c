//! The kind `Chassis`: it owns blades.

use fabrica::prelude::*;

use super::blade::{self, Blade};
use super::counts::{Counts, Tally, is_ready, one_if};
use super::hardware::{self, Hardware};
use super::template::{BladeConfig, ChassisConfig, RackTemplateSpec};

/// An enclosure in a rack, with slots for blades.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "rack.example.io",
    version = "v1",
    plural = "chassis",
    short_names(ch),
    categories(all),
    conditions(Ready),
    column(name = "Nodes", path = ".status.ready.nodes"),
    column(name = "Of", path = ".status.total.nodes")
)]
pub struct Chassis {
    pub metadata: Metadata,
    pub spec: ChassisSpec,
    pub status: ChassisStatus,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChassisSpec {
    /// Its place in the rack, from 0.
    pub number: u32,
    pub chassis_config: ChassisConfig,
    pub blade_config: BladeConfig,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChassisStatus {
    /// What is in the chassis.
    #[serde(flatten)]
    pub tally: Tally,
    pub conditions: Conditions,
}

/// The chassis that a rack should have. Their names follow from their places, so that one that is there is found again
/// by whoever asks for it a second time.
pub fn of_rack(rack: &str, template: &RackTemplateSpec) -> Vec<Chassis> {
    let RackTemplateSpec { chassis_count, chassis_config, blade_config, .. } = *template;
    let spec = |number| ChassisSpec { number, chassis_config, blade_config };
    (0..chassis_count).map(|number| Chassis::new(format!("{rack}-c{number}"), spec(number))).collect()
}

impl Chassis {
    /// What it adds to its rack.
    pub fn tally(&self) -> Tally {
        let count = |chassis| Counts { chassis, ..Counts::default() };
        self.status.tally + Tally { total: count(1), ready: count(one_if(is_ready(self))) }
    }

    /// What it has when it is complete.
    fn wanted(&self) -> Counts {
        let (blades, config) = (self.spec.chassis_config.blade_count, self.spec.blade_config);
        Counts { chassis: 0, blades, nodes: blades * config.node_count, bmcs: blades * config.bmc_count() }
    }
}

/// Runs when the chassis changes, or one of its blades.
#[reconciler]
pub async fn fill(chassis: &mut Chassis, State(hardware): State<Hardware>, ctx: &Context) -> Result<Action> {
    if let Some(left) = hardware::left(chassis.name(), chassis.metadata.creation_timestamp, hardware.chassis) {
        chassis.set_ready(false, "PoweringOn", "Its power supplies come up");
        return Ok(Action::RequeueAfter(left));
    }
    ctx.converge_owned(blade::of_chassis(chassis.name(), &chassis.spec)).await?;

    let tally: Tally = ctx.owned::<Blade>().iter().map(|blade| blade.tally()).sum();
    chassis.status.tally = tally;
    let wanted = chassis.wanted();
    if tally.is_complete(wanted) {
        chassis.set_ready(true, "Complete", wanted.to_string());
    } else {
        chassis.set_ready(false, "Incomplete", tally.progress(wanted));
    }
    Ok(Action::AwaitChange)
}
