//! Everything that a store holds, as JSON, whatever its kind.

use serde_json::Value;

use super::keys;
use super::trouble;
use crate::Result;
use crate::store::{Page, Revision, Store};

/// How many objects are read at once.
const PAGE: usize = 1000;

/// What [`export`] has read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// How many objects there were.
    pub objects: usize,
    /// The revision that all of them are of.
    pub revision: Revision,
    /// The keys of those that are no JSON, and were left out.
    pub unreadable: Vec<String>,
}

/// Hands out every object of a store, as it was at one revision: whole, with all metadata and the status, ordered by kind
/// and uid. Also objects of kinds that no program here knows.
///
/// What is handed out is what [`import`](super::import::import) takes. Costs one pass over all objects, a page of them in
/// memory at a time; who writes meanwhile is not held up.
///
/// ```
/// use std::sync::Arc;
/// use fabrica::client::{Client, ClientSettings, ImportDocument, ImportOptions, export, import};
/// use fabrica::event::EventBus;
/// use fabrica::store::MemoryStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> fabrica::Result<()> {
/// let (from, to) = (Arc::new(MemoryStore::new()), MemoryStore::new());
/// let client = Client::start(from.clone(), vec![], EventBus::new(), ClientSettings::default()).await?;
/// let mut documents = Vec::new();
/// export(&*from, |object| {
///     documents.push(ImportDocument::new(format!("object {}", documents.len() + 1), object));
///     Ok(())
/// })
/// .await?;
/// let imported = import(&to, documents, ImportOptions::default()).await?;
/// assert_eq!(imported.created, 1, "the namespace `default`");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// What `each` answers. `Expired` if so much is written meanwhile that the store doesn't keep the revision long enough;
/// `Unavailable` if it can't be read.
pub async fn export(store: &dyn Store, mut each: impl FnMut(Value) -> Result<()>) -> Result<Exported> {
    let mut exported = Exported::default();
    let prefix = keys::objects();
    let mut page = Page::first(PAGE);
    loop {
        let part =
            store.list(&prefix, page).await.map_err(|error| trouble::reading("the list of all objects", &error))?;
        exported.revision = part.revision;
        for entry in part.entries {
            let Some((kind, uid)) = keys::split_object(&entry.key) else { continue };
            let Some(object) = whole(&entry.value, uid, entry.modified) else {
                exported.unreadable.push(format!("{kind}/{uid}"));
                continue;
            };
            exported.objects += 1;
            each(object)?;
        }
        let Some(next) = part.next else { return Ok(exported) };
        page = Page::first(PAGE).after(next);
    }
}

/// The object with what stands beside it in the store: its uid and its version.
fn whole(json: &[u8], uid: &str, modified: Revision) -> Option<Value> {
    let mut object: Value = serde_json::from_slice(json).ok()?;
    let metadata = object.get_mut("metadata")?.as_object_mut()?;
    metadata.insert("uid".to_owned(), uid.into());
    metadata.insert("resourceVersion".to_owned(), modified.to_string().into());
    Some(object)
}
