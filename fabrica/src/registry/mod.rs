//! What was declared: the resources and reconcilers that are linked into the program, and whether they fit together.

mod check;

use crate::Result;
use crate::reconciler::{Reconciler, ReconcilerType, States};
use crate::resource::{Resource, ResourceType};

/// A resource type that was linked in; the derive submits one.
#[doc(hidden)]
#[derive(Debug)]
pub struct RegisteredResource(pub &'static ResourceType);

/// A reconciler that was linked in; the attribute submits one.
#[doc(hidden)]
#[derive(Debug)]
pub struct RegisteredReconciler(pub &'static ReconcilerType);

inventory::collect!(RegisteredResource);
inventory::collect!(RegisteredReconciler);

/// The resource types and reconcilers of a program, in the order of their kinds.
///
/// ```
/// use fabrica::registry::Registry;
///
/// assert!(Registry::empty().resources().is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    resources: Vec<&'static ResourceType>,
    reconcilers: Vec<&'static ReconcilerType>,
    discovered: bool,
}

impl Registry {
    /// Everything that is linked into the program.
    ///
    /// A crate that is only named in `Cargo.toml` is not linked in: say `use my_crate as _;` in the program.
    #[must_use]
    pub fn discover() -> Self {
        let mut registry = Self { discovered: true, ..Self::default() };
        for RegisteredResource(resource) in inventory::iter::<RegisteredResource> {
            registry.add_resource(resource);
        }
        for RegisteredReconciler(reconciler) in inventory::iter::<RegisteredReconciler> {
            registry.add_reconciler(reconciler);
        }
        registry
    }

    /// Nothing yet.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds a resource type; one that is there already is not added twice.
    #[must_use]
    pub fn resource<T: Resource>(mut self) -> Self {
        self.add_resource(T::TYPE);
        self
    }

    /// Adds a reconciler and the kinds that it reconciles and watches; one that is there already is not added twice.
    #[must_use]
    pub fn reconciler<R: Reconciler>(mut self) -> Self {
        self.add_reconciler(R::TYPE);
        self
    }

    /// The resource types, in the order of their groups and kinds.
    #[must_use]
    pub fn resources(&self) -> &[&'static ResourceType] {
        &self.resources
    }

    /// The reconcilers, in the order of their kinds.
    #[must_use]
    pub fn reconcilers(&self) -> &[&'static ReconcilerType] {
        &self.reconcilers
    }

    /// Does everything fit together? Every problem is listed, with the file, line and column of what it is about.
    ///
    /// # Errors
    /// [`ErrorKind::Startup`](crate::ErrorKind::Startup), if there is any problem.
    pub fn check(&self, states: &States) -> Result<()> {
        check::verdict(&check::problems(self, Some(states)))
    }

    // The order in which linked items are found differs from build to build; logs and errors must not.
    fn add_resource(&mut self, resource: &'static ResourceType) {
        if !self.resources.iter().any(|known| known.is_same_type(resource)) {
            self.resources.push(resource);
            self.resources.sort_by_key(|r| (r.group, r.kind, (r.type_name)()));
        }
    }

    fn add_reconciler(&mut self, reconciler: &'static ReconcilerType) {
        if self.reconcilers.iter().any(|known| known.location == reconciler.location && known.name == reconciler.name) {
            return;
        }
        self.add_resource(reconciler.resource);
        for watch in reconciler.options().watches {
            self.add_resource(watch.resource());
        }
        self.reconcilers.push(reconciler);
        self.reconcilers.sort_by_key(|r| (r.resource.group, r.resource.kind, (r.type_name)()));
    }
}

/// Checks everything that is linked into the program, all but the values of `State<..>`: one line in a unit test.
///
/// ```standalone_crate
/// # use fabrica::prelude::*;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1")]
/// # struct Device { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec {}
/// fabrica::check().unwrap();
/// ```
///
/// # Errors
/// [`ErrorKind::Startup`](crate::ErrorKind::Startup): two reconcilers or two types for one kind, nothing linked in, and
/// whatever else would keep a controller from starting; every problem, with its place.
pub fn check() -> Result<()> {
    check::verdict(&check::problems(&Registry::discover(), None))
}
