//! Kubernetes-style reconciliation without a Kubernetes cluster.

// The macros name this crate; with this, they work inside it too.
#[allow(unused_extern_crates)]
extern crate self as fabrica;

#[doc(hidden)]
pub mod __private;
#[cfg(feature = "api")]
pub mod api;
#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
pub mod controller;
mod error;
pub mod event;
pub mod prelude;
pub mod queue;
pub mod reconciler;
pub mod registry;
pub mod resource;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "cli")]
pub use cli::main;
pub use error::{Error, ErrorKind, Fault, FaultReason, Result};
/// Makes a struct a resource: a kind of thing that is kept and reconciled.
///
/// It stands on a struct with the fields `metadata: Metadata`, `spec` and, if it has one, `status`, and gives it
/// [`resource::Resource`], `new(name, spec)`, a schema, a place in the [`registry`](registry::Registry), and for each
/// condition `X` of `conditions(X)` the methods `is_x`, `set_x` and `x`. Spec and status need `Clone`, serde's
/// `Serialize` and `Deserialize`, and `JsonSchema`; the status `Default` too. Attributes in `#[resource(..)]`:
///
/// | attribute | meaning | default |
/// |---|---|---|
/// | `group = "example.io"` | the API group, a DNS name | required |
/// | `version = "v1"` | the version, as in `v1` or `v2beta1` | required |
/// | `kind = "Device"` | the kind, in PascalCase | the struct's name |
/// | `plural = "devices"`, `singular = "device"` | the names in URLs and on the command line | from the kind |
/// | `namespaced` | its objects live in namespaces | they don't |
/// | `short_names(dev)`, `categories(all)` | abbreviations, and groups of kinds that it is listed with | none |
/// | `conditions(Ready)` | its conditions, kept in the status' `conditions: Conditions` | none |
/// | `column(name = "State", path = ".status.state")` | a column of its tables; may be repeated | none |
/// | `selectable = ".spec.rack"` | an indexed field selector; may be repeated | none |
/// | `register = false` | only explicit registration finds it | `true` |
/// | `crate = path` | where this crate is, if renamed | `::fabrica` |
///
/// ```
/// use fabrica::prelude::*;
///
/// /// A machine that should be running or stopped.
/// #[derive(Clone, Debug, Resource)]
/// #[resource(group = "example.io", version = "v1", conditions(Ready), column(name = "On", path = ".status.on"))]
/// struct Machine {
///     metadata: Metadata,
///     spec: MachineSpec,
///     status: MachineStatus,
/// }
///
/// #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
/// struct MachineSpec {
///     on: bool,
/// }
///
/// #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// #[serde(default)]
/// struct MachineStatus {
///     on: bool,
///     conditions: Conditions,
/// }
///
/// let mut machine = Machine::new("m-1", MachineSpec { on: true });
/// assert!(machine.set_ready(true, "PoweredOn", "It answers"));
/// assert!(machine.is_ready());
/// ```
pub use fabrica_derive::Resource;
/// Makes a function or an `impl` block the reconciler of a kind.
///
/// It stands on one of
///
/// - `async fn f(object: &mut T, ..) -> Result<Action>`, which then also names a type for
///   `.reconciler::<f>()`;
/// - `impl T { async fn reconcile(&mut self, ..) -> Result<Action> }` on the resource itself;
/// - `impl C { async fn reconcile(&self, object: &mut T, ..) -> Result<Action> }`, where `C` holds the reconciler's own
///   dependencies: register it with `.state(Arc::new(C { .. }))`.
///
/// Behind the resource come [extractors](reconciler::Extract) in any order. The item stays as it is, so that a test can
/// call it. An `impl` block may also have a method `finalize` with the same receiver, which answers `Result<Finalize>` or
/// `Result<()>`. Options; durations are written `250ms`, `30s`, `5m`, `1h30m`, `2d`:
///
/// | option | meaning | default |
/// |---|---|---|
/// | `finalize = path` | an `async fn(&mut T, &Context) -> Result<Finalize>` (or `Result<()>`) that runs before an object goes | none |
/// | `timeout = "30s"` | how long a run may take | no limit |
/// | `concurrency = 8` | how many objects are reconciled at once | the controller's `workers` |
/// | `backoff(base = "1s", max = "5m")` | the pause after a failure, doubled with each up to `max` | 1 s, 5 min |
/// | `resync = "10m"` | how often each object is reconciled even if nothing happens | never |
/// | `watches(Rack = f)` | a change of a `Rack` wakes what `fn f(&Rack, &Client)` lists: anything that iterates over uids | none |
/// | `events("io.example.**")` | the user events that wake an object | `**` |
/// | `name = "devices"` | its name in logs and errors | the function's or type's |
/// | `register = false` | only explicit registration finds it | `true` |
/// | `crate = path` | where this crate is, if renamed | `::fabrica` |
///
/// ```
/// use fabrica::prelude::*;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1")]
/// # struct Machine { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec {}
///
/// #[reconciler(finalize = power_off, timeout = "30s")]
/// async fn power(machine: &mut Machine, ctx: &Context) -> Result<Action> {
///     info!("{} is looked at because of {}", machine.name(), ctx.reasons());
///     Ok(Action::RequeueAfter(Duration::from_secs(300)))
/// }
///
/// async fn power_off(machine: &mut Machine, _: &Context) -> Result<()> {
///     info!("{} is switched off", machine.name());
///     Ok(())
/// }
///
/// Controller::empty().reconciler::<power>().check().unwrap();
/// ```
pub use fabrica_derive::reconciler;
pub use registry::check;
