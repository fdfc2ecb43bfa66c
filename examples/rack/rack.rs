//! The kind `Rack`: it owns chassis, as its template says.

use std::fmt;

use fabrica::prelude::*;

use super::chassis::{self, Chassis};
use super::counts::Tally;
use super::template::{self, RackTemplate};

/// A rack of machines.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "rack.example.io",
    version = "v1",
    short_names(rk),
    categories(all),
    conditions(Ready, TemplateAvailable),
    selectable = ".spec.template",
    column(name = "Template", path = ".spec.template"),
    column(name = "Phase", path = ".status.phase"),
    column(name = "Nodes", path = ".status.ready.nodes"),
    column(name = "Of", path = ".status.total.nodes")
)]
pub struct Rack {
    pub metadata: Metadata,
    pub spec: RackSpec,
    pub status: RackStatus,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RackSpec {
    /// The name of the template that it is made of.
    pub template: String,
    #[serde(default)]
    pub location: Option<String>,
    #[serde(default)]
    pub datacenter: Option<String>,
    #[serde(default)]
    pub row: Option<String>,
    #[serde(default)]
    pub position: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RackStatus {
    pub phase: Phase,
    /// What is in the rack.
    #[serde(flatten)]
    pub tally: Tally,
    /// `Ready`: is everything there and up? `TemplateAvailable`: is its template there, to stay?
    pub conditions: Conditions,
}

/// How far a rack has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// Nobody has looked at it yet.
    #[default]
    Pending,
    /// Something is missing, too much, or not up yet.
    Provisioning,
    /// All is there, and up.
    Ready,
    /// It can't be provisioned; the conditions say why.
    Error,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Rack {
    /// Makes known how far it has come, in its status, the condition `Ready`, and the log if the phase is new.
    fn enter(&mut self, phase: Phase, reason: &str, message: &str) {
        if self.status.phase != phase {
            info!("{} is {phase}: {message}", self.name());
        }
        self.status.phase = phase;
        self.set_ready(phase == Phase::Ready, reason, message);
    }

    fn note(&mut self, template: &RackTemplate) {
        let name = template.name();
        if template.metadata.is_deleting() {
            let message = format!("Template {name} is being deleted, and waits for this rack to go or to use another");
            self.set_template_available(false, "Deleting", message);
        } else {
            self.set_template_available(true, "Found", format!("Made of template {name}"));
        }
    }
}

/// Runs when the rack changes, its template, or one of its chassis.
#[reconciler(watches(RackTemplate = racks_using))]
pub async fn provision(rack: &mut Rack, ctx: &Context) -> Result<Action> {
    let name = rack.spec.template.clone();
    let Some(template) = ctx.client().cache::<RackTemplate>().by_name("", &name) else {
        let message = format!("There is no template {name}: create it, or name another in spec.template");
        rack.set_template_available(false, "NotFound", &*message);
        rack.enter(Phase::Error, "TemplateNotFound", &message);
        return Ok(Action::AwaitChange); // or the template: its creation asks for a reconcile too
    };
    rack.note(&template);
    ctx.converge_owned(chassis::of_rack(rack.name(), &template.spec)).await?;

    let (tally, wanted): (Tally, _) =
        (ctx.owned::<Chassis>().iter().map(|chassis| chassis.tally()).sum(), template.spec.counts());
    rack.status.tally = tally;
    if tally.is_complete(wanted) {
        if rack.status.phase != Phase::Ready {
            ctx.emit("io.example.rack.ready", rack).await?;
        }
        rack.enter(Phase::Ready, "Provisioned", &wanted.to_string());
    } else {
        rack.enter(Phase::Provisioning, "Provisioning", &tally.progress(wanted));
    }
    Ok(Action::AwaitChange)
}

fn racks_using(template: &RackTemplate, client: &Client) -> Vec<Uid> {
    template::racks_using(template, client).iter().map(|rack| rack.uid().clone()).collect()
}
