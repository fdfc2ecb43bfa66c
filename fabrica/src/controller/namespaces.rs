//! Deleting a namespace deletes what is in it.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tracing::info;

use crate::Result;
use crate::client::{Client, DeleteOptions};
use crate::reconciler::{Action, Context, Finalize, Needs, Options, Reconciler, ReconcilerType, Watch};
use crate::resource::{Metadata, Namespace, ObjectKey, Resource, Uid};

/// How many objects are deleted at once: a durable store lets writes that come together share their way to the disk.
const AT_ONCE: usize = 32;

/// The built-in reconciler of namespaces; it only finalizes.
struct Contents;

/// The reconciler of namespaces. A program without a kind that lives in them needs it, too: each is born with its
/// finalizer.
pub(super) fn reconciler(client: &Client) -> (&'static ReconcilerType, Options) {
    let namespaced = client.kinds().iter().filter(|resource| resource.namespaced);
    // What goes from a namespace wakes it, so that it learns when the last is gone.
    let watches = namespaced.map(|resource| Watch::dynamic(resource, namespace_of)).collect();
    (Contents::TYPE, Options { watches, ..Options::default() })
}

/// The namespace that an object is in, if it is going.
fn namespace_of(metadata: &Metadata, client: &Client) -> Vec<Uid> {
    let namespace = client.cache::<Namespace>().by_name("", &metadata.namespace);
    let going = namespace.filter(|namespace| namespace.metadata.is_deleting());
    going.map(|namespace| namespace.metadata.uid.clone()).into_iter().collect()
}

impl Reconciler for Contents {
    type Resource = Namespace;

    const NAME: &'static str = "namespace_contents";
    const HAS_FINALIZE: bool = true;
    const TYPE: &'static ReconcilerType = &ReconcilerType::of::<Self>();

    fn options() -> Options {
        Options::default()
    }

    fn needs(_: &mut Needs) {}

    async fn reconcile(_: &mut Namespace, _: &Context) -> Result<Action> {
        Ok(Action::AwaitChange)
    }

    async fn finalize(namespace: &mut Namespace, ctx: &Context) -> Result<Finalize> {
        let client = ctx.client();
        let contents = client.contents_of(namespace.name());
        if contents.is_empty() {
            return Ok(Finalize::Done);
        }
        let deletions = stream::iter(contents).map(|key| delete(client, key)).buffer_unordered(AT_ONCE);
        deletions
            .try_collect::<()>()
            .await
            .map_err(|error| error.context(format_args!("deleting namespace {}", namespace.name())))?;
        let left = client.contents_of(namespace.name()).len();
        if left == 0 {
            return Ok(Finalize::Done);
        }
        info!("Namespace {} goes when the {left} objects in it are gone", namespace.name());
        Ok(Finalize::AwaitChange)
    }
}

async fn delete(client: &Client, key: ObjectKey) -> Result<()> {
    if client.cached(&key).is_none_or(|object| object.is_deleting()) {
        return Ok(());
    }
    match client.delete_object(&key, DeleteOptions::default()).await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}
