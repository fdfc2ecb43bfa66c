//! What an invariant looks at.

use std::fmt;
use std::sync::Arc;

use crate::client::Client;
use crate::resource::Resource;

/// All objects at one revision of the store, whatever the program under test sees of them.
pub struct Objects {
    client: Client,
}

impl Objects {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The objects of a kind, ordered by namespace and name.
    #[must_use]
    pub fn list<T: Resource>(&self) -> Vec<Arc<T>> {
        self.client.cache::<T>().all()
    }

    /// The object of a name, if there is one; `namespace/name` for one outside the namespace `default`.
    #[must_use]
    pub fn get<T: Resource>(&self, name: &str) -> Option<Arc<T>> {
        let (namespace, name) = name.split_once('/').unwrap_or(("", name));
        self.client.cache::<T>().by_name(namespace, name)
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("client", &self.client).finish()
    }
}
