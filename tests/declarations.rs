//! DESIGN sections 3 and 4: what a declaration becomes, and that each form of a reconciler is called with what it asks for.

use std::sync::Arc;
use std::time::Duration;

use fabrica::prelude::*;
use fabrica::reconciler::{Reconciler, States};

/// A switch in a rack.
///
/// It forwards.
#[derive(Clone, Debug, Resource)]
#[resource(
    group = "declarations.example.io",
    version = "v1beta1",
    namespaced,
    short_names(sw),
    categories(all, "network"),
    conditions(Ready, HTTPReachable),
    column(name = "Ports", path = ".spec.ports"),
    column(name = "Up", path = ".status.up"),
    selectable = ".spec.ports",
    register = false
)]
struct Switch {
    metadata: Metadata,
    spec: SwitchSpec,
    status: SwitchStatus,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct SwitchSpec {
    ports: u32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct SwitchStatus {
    up: u32,
    conditions: Conditions,
}

/// A rack, which has no status.
#[derive(Clone, Debug, Resource)]
#[resource(group = "declarations.example.io", version = "v1", register = false)]
struct Chassis {
    metadata: Metadata,
    spec: SwitchSpec,
}

#[derive(Clone, Copy, Debug)]
struct Offset(u32);

/// An extractor of the user's own: the length of the object's uid.
struct UidLength(usize);

impl Extract<'_> for UidLength {
    fn extract(ctx: &Context) -> Result<Self> {
        Ok(Self(ctx.key().uid.len()))
    }
}

#[reconciler(
    register = false,
    name = "switches",
    finalize = release,
    timeout = "1m30s",
    concurrency = 3,
    backoff(base = "250ms", max = "1h"),
    resync = "1d",
    watches(Chassis = switches_of),
    events("io.example.*.wanted", "io.fabrica.**")
)]
async fn reconcile_switch(
    switch: &mut Switch,
    UidLength(length): UidLength,
    ctx: &Context,
    State(offset): State<Offset>,
) -> Result<Action> {
    switch.status.up = switch.spec.ports + offset.0 + u32::try_from(length).map_err(Error::terminal)?;
    switch.set_http_reachable(ctx.attempt() < 2, "Probed", "It answers");
    Ok(Action::RequeueAfter(Duration::from_secs(1)))
}

#[allow(clippy::unused_async)] // A finalizer is async.
async fn release(switch: &mut Switch, _: &Context) -> Result<()> {
    switch.status.up = 0;
    Ok(())
}

fn switches_of(_: &Chassis, _: &Client) -> Vec<Uid> {
    Vec::new()
}

#[reconciler(register = false)]
impl Chassis {
    async fn reconcile(&mut self, State(offset): State<Offset>) -> Result<Action> {
        self.spec.ports = offset.0;
        Ok(Action::Requeue)
    }

    async fn finalize(&mut self, _: &Context, State(offset): State<Offset>) -> Result<Finalize> {
        self.spec.ports = offset.0 + 1;
        Ok(Finalize::AwaitChange)
    }
}

/// A reconciler with its own dependencies.
struct SwitchController {
    ports: u32,
}

#[reconciler(register = false)]
impl SwitchController {
    async fn reconcile(&self, switch: &mut Switch, _: &Context) -> Result<Action, std::io::Error> {
        switch.status.up = self.ports;
        Ok(Action::AwaitChange)
    }

    async fn finalize(&self, switch: &mut Switch) -> Result<(), std::io::Error> {
        switch.status.up = self.ports + 1;
        Ok(())
    }
}

fn states() -> States {
    let mut states = States::default();
    states.insert(Offset(10));
    states.insert(Arc::new(SwitchController { ports: 7 }));
    states
}

async fn context(object: &impl Resource) -> Context {
    let controller =
        Controller::empty().reconciler::<reconcile_switch>().state(Offset(10)).build().await.expect("a controller");
    Context::detached(controller.client().clone(), object, states())
}

#[test]
fn a_resource_type_holds_what_the_attributes_say() {
    let switch = Switch::TYPE;
    assert_eq!((switch.group, switch.version, switch.kind), ("declarations.example.io", "v1beta1", "Switch"));
    assert_eq!(switch.api_version, "declarations.example.io/v1beta1");
    assert_eq!((switch.plural, switch.singular), ("switches", "switch"));
    assert_eq!(switch.description, "A switch in a rack.\n\nIt forwards.");
    assert!(switch.namespaced && switch.has_status);
    assert_eq!(switch.short_names, ["sw"]);
    assert_eq!(switch.categories, ["all", "network"]);
    assert_eq!(switch.conditions, ["Ready", "HTTPReachable"]);
    assert_eq!(switch.selectable, [".spec.ports"]);
    let columns: Vec<_> = switch.columns.iter().map(|column| (column.name, column.path)).collect();
    assert_eq!(columns, [("Ports", ".spec.ports"), ("Up", ".status.up")]);

    let chassis = <Chassis as Resource>::TYPE;
    assert_eq!((chassis.plural, chassis.namespaced, chassis.has_status), ("chassis", false, false));
    assert!(chassis.location.file().ends_with("declarations.rs"));
}

#[test]
fn a_reconciler_type_holds_what_the_options_say() {
    let switches = reconcile_switch::TYPE;
    assert_eq!((switches.name, switches.has_finalize), ("switches", true));
    let options = switches.options();
    assert_eq!(options.timeout, Some(Duration::from_secs(90)));
    assert_eq!(options.concurrency, Some(3));
    assert_eq!(options.resync, Some(Duration::from_hours(24)));
    assert_eq!(options.events, ["io.example.*.wanted", "io.fabrica.**"]);
    assert_eq!(options.watches.iter().map(|watch| watch.resource().kind).collect::<Vec<_>>(), ["Chassis"]);
    let backoff = options.backoff.expect("a backoff");
    assert_eq!(
        format!("{backoff:?}"),
        format!("{:?}", fabrica::queue::Backoff::exponential(Duration::from_millis(250), Duration::from_hours(1)))
    );

    assert_eq!(Chassis::NAME, "Chassis");
    assert_eq!(SwitchController::NAME, "SwitchController");
    let options = SwitchController::TYPE.options();
    assert_eq!((options.timeout, options.concurrency, options.events.len()), (None, None, 0));
}

#[test]
fn each_form_says_which_states_it_needs() {
    let needs = |reconciler: &fabrica::reconciler::ReconcilerType| -> Vec<&'static str> {
        reconciler.needs().iter().map(|need| need.type_name).collect()
    };
    assert_eq!(needs(reconcile_switch::TYPE), [std::any::type_name::<Offset>()]);
    assert_eq!(needs(SwitchController::TYPE), [std::any::type_name::<Arc<SwitchController>>()]);
    // Once for `reconcile`, once for `finalize`.
    assert_eq!(needs(<Chassis as Reconciler>::TYPE).len(), 2);
}

#[tokio::test]
async fn a_function_is_called_with_what_it_asks_for() {
    let mut switch = Switch::new("s", SwitchSpec { ports: 100 }).with_uid("four");
    let ctx = context(&switch).await;
    let action = reconcile_switch::TYPE.reconcile(&mut switch, &ctx).await.unwrap();
    assert_eq!((action, switch.status.up), (Action::RequeueAfter(Duration::from_secs(1)), 114));
    assert!(switch.is_http_reachable() && !switch.is_ready() && switch.ready().is_none());
    assert_eq!(reconcile_switch::TYPE.finalize(&mut switch, &ctx).await.unwrap(), Finalize::Done);
    assert_eq!(switch.status.up, 0);
}

#[tokio::test]
async fn a_resource_reconciles_itself() {
    let mut chassis = Chassis::new("c", SwitchSpec::default()).with_uid("c");
    let ctx = context(&chassis).await;
    let reconciler = <Chassis as Reconciler>::TYPE;
    assert_eq!(reconciler.reconcile(&mut chassis, &ctx).await.unwrap(), Action::Requeue);
    assert_eq!(chassis.spec.ports, 10);
    assert_eq!(reconciler.finalize(&mut chassis, &ctx).await.unwrap(), Finalize::AwaitChange);
    assert_eq!(chassis.spec.ports, 11);
}

#[tokio::test]
async fn a_reconciler_with_dependencies_is_taken_from_the_states() {
    let mut switch = Switch::new("s", SwitchSpec::default()).with_uid("s");
    let ctx = context(&switch).await;
    assert_eq!(SwitchController::TYPE.reconcile(&mut switch, &ctx).await.unwrap(), Action::AwaitChange);
    assert_eq!(switch.status.up, 7);
    assert_eq!(SwitchController::TYPE.finalize(&mut switch, &ctx).await.unwrap(), Finalize::Done);
    assert_eq!(switch.status.up, 8);
}

#[test]
fn a_state_that_nobody_registered_is_told_before_anything_runs() {
    let message = Controller::empty().reconciler::<SwitchController>().check().unwrap_err().to_string();
    assert!(message.contains("SwitchController") && message.contains("declarations.rs:"), "{message}");
}
