//! The kind `RackTemplate`: what a rack is made of. It can't go while a rack uses it.

use std::sync::Arc;

use fabrica::prelude::*;

use super::counts::Counts;
use super::rack::Rack;

/// What racks are made of.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "rack.example.io",
    version = "v1",
    short_names(rt),
    categories(all),
    conditions(InUse),
    column(name = "Chassis", path = ".spec.chassisCount"),
    column(name = "Blades", path = ".spec.chassisConfig.bladeCount"),
    column(name = "Nodes", path = ".spec.bladeConfig.nodeCount"),
    column(name = "BMCs", path = ".spec.bladeConfig.bmcMode"),
    column(name = "Racks", path = ".status.usageCount")
)]
pub struct RackTemplate {
    pub metadata: Metadata,
    pub spec: RackTemplateSpec,
    pub status: RackTemplateStatus,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RackTemplateSpec {
    #[serde(default)]
    pub description: String,
    /// How many chassis a rack has.
    #[schemars(range(min = 1, max = 42))]
    pub chassis_count: u32,
    pub chassis_config: ChassisConfig,
    pub blade_config: BladeConfig,
}

/// What each chassis is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChassisConfig {
    /// How many blades a chassis has.
    #[schemars(range(min = 1, max = 16))]
    pub blade_count: u32,
}

/// What each blade is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BladeConfig {
    /// How many nodes a blade has.
    #[schemars(range(min = 1, max = 8))]
    pub node_count: u32,
    /// Who manages the nodes.
    #[serde(default)]
    pub bmc_mode: BmcMode,
}

/// How nodes are managed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BmcMode {
    /// One BMC manages all nodes of a blade.
    #[default]
    Shared,
    /// Each node has a BMC of its own.
    Dedicated,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RackTemplateStatus {
    /// How many racks are made of it.
    pub usage_count: usize,
    /// `InUse`: does any rack hold it? While one does it can't go.
    pub conditions: Conditions,
}

impl RackTemplateSpec {
    /// What a rack has when it is complete.
    pub fn counts(&self) -> Counts {
        let blades = self.chassis_count * self.chassis_config.blade_count;
        let BladeConfig { node_count, .. } = self.blade_config;
        Counts {
            chassis: self.chassis_count,
            blades,
            nodes: blades * node_count,
            bmcs: blades * self.blade_config.bmc_count(),
        }
    }
}

impl BladeConfig {
    /// How many BMCs a blade has.
    pub fn bmc_count(self) -> u32 {
        match self.bmc_mode {
            BmcMode::Shared => 1,
            BmcMode::Dedicated => self.node_count,
        }
    }

    /// The number of the BMC that manages a node.
    pub fn bmc_of(self, node: u32) -> u32 {
        match self.bmc_mode {
            BmcMode::Shared => 0,
            BmcMode::Dedicated => node,
        }
    }
}

/// Runs when the template changes, or a rack that uses it.
#[allow(clippy::unused_async)] // it has nothing to wait for
#[reconciler(finalize = release, watches(Rack = template_of))]
pub async fn count_uses(template: &mut RackTemplate, ctx: &Context) -> Result<Action> {
    let racks = racks_using(template, ctx.client());
    template.status.usage_count = racks.len();
    if racks.is_empty() {
        template.set_in_use(false, "Unused", "No rack uses it");
    } else {
        template.set_in_use(true, "Used", format!("Used by {}", names(&racks)));
    }
    Ok(Action::AwaitChange)
}

/// Runs when the template is to be deleted, until no rack uses it any more.
#[allow(clippy::unused_async)]
pub async fn release(template: &mut RackTemplate, ctx: &Context) -> Result<Finalize> {
    let racks = racks_using(template, ctx.client());
    template.status.usage_count = racks.len();
    if racks.is_empty() {
        return Ok(Finalize::Done);
    }
    let message = format!("Its deletion waits for {} to be deleted or to use another template", names(&racks));
    template.set_in_use(true, "DeletionWaits", message);
    Ok(Finalize::AwaitChange)
}

/// The racks that name a template.
pub fn racks_using(template: &RackTemplate, client: &Client) -> Vec<Arc<Rack>> {
    client.cache::<Rack>().select(".spec.template", template.name())
}

fn template_of(rack: &Rack, client: &Client) -> Vec<Uid> {
    let template = client.cache::<RackTemplate>().by_name("", &rack.spec.template);
    template.iter().map(|template| template.uid().clone()).collect()
}

fn names(racks: &[Arc<Rack>]) -> String {
    racks.iter().map(|rack| rack.name()).collect::<Vec<_>>().join(", ")
}
