//! Where a program keeps its things.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder in which a program keeps everything, as `run --data DIR` says; a [`State`](crate::prelude::State) of every
/// program with a command line. The objects are in there; a program may keep files of its own beside them.
///
/// ```
/// use fabrica::cli::DataDir;
/// use fabrica::prelude::*;
/// # #[derive(Clone, Debug, Resource)]
/// # #[resource(group = "example.io", version = "v1")]
/// # struct Device { metadata: Metadata, spec: Spec }
/// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// # struct Spec {}
///
/// #[reconciler]
/// async fn reconcile_device(device: &mut Device, State(data): State<DataDir>) -> Result<Action> {
///     if let Some(folder) = data.path() {
///         std::fs::create_dir_all(folder.join("firmware"))?;
///     }
///     Ok(Action::AwaitChange)
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataDir(Option<Arc<Path>>);

impl DataDir {
    pub(super) fn at(path: PathBuf) -> Self {
        Self(Some(path.into()))
    }

    /// The folder; it is there. `None` if the program has none: with `--memory`, with a store of its own, and by
    /// default in tests.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}
