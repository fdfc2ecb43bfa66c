//! Lists.

use std::sync::Arc;

use super::cache::{Cache, place};
use super::cached::CachedObject;
use super::lifecycle::Client;
use super::place::Place;
use super::select::Selection;
use crate::Result;
use crate::resource::{FieldSelector, LabelSelector, ResourceType, ResourceVersion};

/// Which objects to list, and how many at once. The default is all of them.
///
/// ```
/// use fabrica::client::ListOptions;
/// use fabrica::resource::LabelSelector;
///
/// let options = ListOptions { labels: LabelSelector::parse("rack=r1,!retired")?, limit: 100, ..ListOptions::default() };
/// assert_eq!(options.namespace, None);
/// # Ok::<(), fabrica::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Only objects of this namespace. Default: all namespaces.
    pub namespace: Option<String>,
    /// Only objects with such labels. Default: whatever labels. Costs a look at every object.
    pub labels: LabelSelector,
    /// Only objects with such fields: `metadata.name`, `metadata.namespace`, and what the kind declares as
    /// `selectable`. Default: whatever fields. A field that must equal a value is looked up in an index.
    pub fields: FieldSelector,
    /// At most so many objects; 0 means all. Default: 0.
    pub limit: usize,
    /// Where to go on: [`List::continue_`] of the page before. Default: at the beginning.
    pub continue_: Option<String>,
}

/// A list of objects, ordered by namespace and name.
#[derive(Debug)]
pub struct List<T: ?Sized> {
    /// The objects.
    pub items: Vec<Arc<T>>,
    /// Where the next page begins; `None` on the last page.
    ///
    /// Each page shows the objects as of when it is asked for. One that is there all the time is on exactly one page.
    pub continue_: Option<String>,
    /// The version of the whole store that the list is not older than.
    pub resource_version: ResourceVersion,
}

impl Client {
    /// Lists objects of any kind; see [`Client::list`].
    pub(crate) fn list_cached(
        &self,
        type_: &ResourceType,
        options: ListOptions,
    ) -> Result<(Vec<CachedObject>, Option<String>, ResourceVersion)> {
        let kind = self.inner.shared.kinds.of_type(type_)?;
        let ListOptions { namespace, labels, fields, limit, continue_ } = options;
        let selection = Selection::new(kind, namespace, labels, &fields)?;
        let after = continue_.map(|token| Place::parse(kind.type_.plural, &token)).transpose()?;
        // Read first: the list may be newer than it says, never older.
        let version = ResourceVersion::new(self.seen().get());
        let cache = kind.cache.read();
        let mut found = candidates(&cache, &selection, after.as_ref()).filter(|(_, object)| selection.matches(object));
        let limit = if limit == 0 { usize::MAX } else { limit };
        let mut last = "";
        let items: Vec<CachedObject> =
            found.by_ref().take(limit).inspect(|(place, _)| last = place).map(|(_, o)| o.clone()).collect();
        let more = items.len() == limit && found.next().is_some();
        let next = more.then(|| Place::new(last).to_string());
        Ok((items, next, version))
    }
}

/// The objects that can be meant, in the order of a list, after a place.
pub(super) fn candidates<'a>(
    cache: &'a Cache,
    selection: &'a Selection,
    after: Option<&'a Place>,
) -> Box<dyn Iterator<Item = (&'a str, &'a CachedObject)> + 'a> {
    let after = after.map(Place::as_str);
    if let Some((field, value)) = selection.indexes().min_by_key(|(field, value)| cache.count_with_field(*field, value))
    {
        return Box::new(cache.with_field(field, value, after));
    }
    let Some(namespace) = selection.namespace() else { return Box::new(cache.after(after)) };
    // Names are not empty: every object of the namespace comes after this.
    let start = place(namespace, "");
    let from = after.filter(|after| **after > *start).unwrap_or(&start);
    Box::new(cache.after(Some(from)).take_while(move |(place, _)| place.starts_with(&start)))
}
