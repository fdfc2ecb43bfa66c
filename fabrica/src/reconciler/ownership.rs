//! The objects that belong to the one at hand.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};

use super::Context;
use crate::client::{Applied, Client, Owned, Owner, namespace_of, typed};
use crate::resource::{GroupKind, ObjectKey, Resource, Uid};
use crate::{Error, ErrorKind, Fault, Result};

/// How many children are written at once: a durable store lets writes that come together share their way to the disk.
const AT_ONCE: usize = 32;

/// What [`Context::converge_owned`] did: the uids of the children, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converged {
    /// They were missing.
    pub created: Vec<Uid>,
    /// They were there and different.
    pub updated: Vec<Uid>,
    /// They were as they should be; nothing was written.
    pub unchanged: Vec<Uid>,
    /// Nobody wants them any more. One with finalizers goes later.
    pub deleted: Vec<Uid>,
    /// They are wanted, but an object of that name is still on its way out, or something that belonged to one of that uid:
    /// the uids of what is in the way. The owner is woken when it is gone.
    pub waiting: Vec<Uid>,
}

impl Converged {
    /// Was everything as it should be?
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.created.is_empty() && self.updated.is_empty() && self.deleted.is_empty() && self.waiting.is_empty()
    }
}

/// What happened to one child.
enum Fate {
    Written(Result<(Uid, Owned)>),
    /// With whether it still belonged to the owner.
    Deleted(Uid, Result<bool>),
}

impl Context {
    /// Creates an object that belongs to the one at hand, or makes the existing one of its name as given, as
    /// [`Client::apply`] does: without a difference nothing is written.
    ///
    /// The child gets an owner reference: this object is its controller, is woken by its changes, and takes it along
    /// when it goes. A child that names no namespace gets its owner's. Give children names that follow from their owner
    /// (`rack-1-chassis-2`, not random ones): a run that was cut short then finds what it had made, and makes nothing
    /// twice. An object of that name without a controller is taken over.
    ///
    /// # Errors
    /// `Conflict` if the object of that name belongs to another controller; if it is on its way out, or something is that
    /// belonged to an object of the child's uid (its end wakes this one); or if this one is being deleted. `NotFound` if
    /// this one is gone; `Invalid` with every fault, also for another namespace than the owner's, and for a cluster-wide
    /// child of an owner in a namespace; what the store answers.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// # #[derive(Clone, Debug, Resource)]
    /// # #[resource(group = "example.io", version = "v1")]
    /// # struct Cluster { metadata: Metadata, spec: Spec }
    /// # #[derive(Clone, Debug, Resource)]
    /// # #[resource(group = "example.io", version = "v1")]
    /// # struct Node { metadata: Metadata, spec: Spec }
    /// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    /// # struct Spec {}
    ///
    /// #[reconciler]
    /// async fn reconcile_cluster(cluster: &mut Cluster, ctx: &Context) -> Result<Action> {
    ///     ctx.own(Node::new(format!("{}-head", cluster.name()), Spec::default())).await?;
    ///     Ok(Action::AwaitChange)
    /// }
    /// ```
    pub async fn own<T: Resource>(&self, mut child: T) -> Result<Arc<T>> {
        let owner = self.owner().await?;
        owner.adopt(&mut child)?;
        let written = self.client().own_object(&owner, &child).await?;
        self.await_going(&written);
        typed(&written.into_child()?)
    }

    /// The objects of a kind whose controller is the one at hand, as of now, ordered by namespace and name. They are
    /// looked up in an index. One that can't be decoded is not shown.
    #[must_use]
    pub fn owned<T: Resource>(&self) -> Vec<Arc<T>> {
        let owned = self.client().controlled(T::TYPE, self.key());
        owned.iter().filter_map(|(_, object)| typed(object).ok()).collect()
    }

    /// Makes the objects of a kind that belong to the one at hand the desired ones: creates what is missing, changes
    /// what is different as [`Context::own`] does, deletes what is not desired, and says what it did. Objects of that
    /// kind that have another controller, or none, are left alone. Up to 32 writes are under way at once.
    ///
    /// A `finalize` that wants its children gone first desires none.
    ///
    /// A desired child whose name is still taken by an object on its way out is made later: the end of that one wakes this
    /// object.
    ///
    /// # Errors
    /// `Invalid`, before anything is done, if two desired ones have one name, or one has none. Otherwise as for
    /// [`Context::own`]; a child that fails keeps no other from being done, and the error lists all that failed.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// # #[derive(Clone, Debug, Resource)]
    /// # #[resource(group = "example.io", version = "v1")]
    /// # struct Cluster { metadata: Metadata, spec: ClusterSpec }
    /// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    /// # struct ClusterSpec { nodes: usize }
    /// # #[derive(Clone, Debug, Resource)]
    /// # #[resource(group = "example.io", version = "v1")]
    /// # struct Node { metadata: Metadata, spec: Spec }
    /// # #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    /// # struct Spec {}
    ///
    /// #[reconciler]
    /// async fn reconcile_cluster(cluster: &mut Cluster, ctx: &Context) -> Result<Action> {
    ///     let node = |n| Node::new(format!("{}-{n}", cluster.name()), Spec::default());
    ///     let done = ctx.converge_owned((0..cluster.spec.nodes).map(node).collect()).await?;
    ///     info!("{} nodes are new, {} are gone", done.created.len(), done.deleted.len());
    ///     Ok(Action::AwaitChange)
    /// }
    /// ```
    pub async fn converge_owned<T: Resource>(&self, mut desired: Vec<T>) -> Result<Converged> {
        let owner = self.owner().await?;
        desired.iter_mut().try_for_each(|child| owner.adopt(child))?;
        let names = distinct_names(&desired)?;
        let client = self.client();
        // Its children may be deleted also by an owner that is being deleted itself.
        let makes_some = !desired.is_empty();
        if makes_some {
            client.check_alive(&owner, T::PLURAL)?;
        }
        let undesired = client.controlled(T::TYPE, self.key()).into_iter().filter(|(uid, cached)| {
            let metadata = cached.metadata_ref(uid);
            !metadata.is_deleting() && !names.contains(&(metadata.namespace.clone(), metadata.name.clone()))
        });
        let undesired: Vec<Uid> = undesired.map(|(uid, _)| uid).collect();

        let steps: Vec<_> = desired.into_iter().map(Step::Own).chain(undesired.into_iter().map(Step::Delete)).collect();
        let fates = stream::iter(steps).map(|step| step.take(client, &owner)).buffered(AT_ONCE);
        let fates: Vec<Fate> = fates.collect().await;
        for fate in &fates {
            if let Fate::Written(Ok((_, owned))) = fate {
                self.await_going(owned);
            }
        }
        // If the owner went meanwhile, that is all there is to say.
        if makes_some {
            client.check_alive(&owner, T::PLURAL)?;
        }
        summary::<T>(fates)
    }

    /// If something is in a child's way, its end wakes the object at hand.
    fn await_going(&self, written: &Owned) {
        if let Owned::Going { key, seen, .. } = written {
            self.wake_after(key.clone(), *seen);
        }
    }

    /// The object at hand as an owner; in a context without a controller, as the client knows it.
    async fn owner(&self) -> Result<Owner> {
        let base = self.base().await.or_else(|| self.client().cached(self.key()));
        base.as_ref().and_then(Owner::new).ok_or_else(|| {
            let message = format!("{} can't own anything: it does not exist; create it first", self.key());
            Error::new(ErrorKind::NotFound, message)
        })
    }
}

/// What is to be done with one child.
enum Step<T> {
    Own(T),
    Delete(Uid),
}

impl<T: Resource> Step<T> {
    async fn take(self, client: &Client, owner: &Owner) -> Fate {
        match self {
            Self::Own(child) => {
                let written = client.own_object(owner, &child).await;
                Fate::Written(written.map(|child| (child.uid(), child)))
            }
            Self::Delete(uid) => {
                let key = ObjectKey { kind: GroupKind::of::<T>(), uid: uid.clone() };
                let deleted = client.delete_owned(owner, &key).await;
                Fate::Deleted(uid, deleted)
            }
        }
    }
}

fn distinct_names<T: Resource>(desired: &[T]) -> Result<BTreeSet<(String, String)>> {
    let mut names = BTreeSet::new();
    let mut faults = Vec::new();
    for (index, child) in desired.iter().enumerate() {
        let (namespace, name) = (namespace_of(T::TYPE, child.namespace()), child.name());
        let path = format!("desired[{index}].metadata.name");
        if name.is_empty() {
            faults.push(Fault::new(path, "is required: what is made again must be found again"));
        } else if !names.insert((namespace.to_owned(), name.to_owned())) {
            faults.push(Fault::new(path, format!("is `{name}`, as that of another one: give each its own")));
        }
    }
    if faults.is_empty() { Ok(names) } else { Err(Error::invalid(format!("the desired {}", T::PLURAL), faults)) }
}

fn summary<T: Resource>(fates: Vec<Fate>) -> Result<Converged> {
    let (mut converged, mut errors, all) = (Converged::default(), Vec::new(), fates.len());
    for fate in fates {
        match fate {
            Fate::Written(Ok((uid, owned))) => match owned {
                Owned::Done(Applied::Created, _) => converged.created.push(uid),
                Owned::Done(Applied::Configured, _) => converged.updated.push(uid),
                Owned::Done(Applied::Unchanged, _) => converged.unchanged.push(uid),
                Owned::Going { .. } => converged.waiting.push(uid),
            },
            Fate::Deleted(uid, Ok(true)) => converged.deleted.push(uid),
            // Somebody else was faster: took it over, or deleted it.
            Fate::Deleted(_, Ok(false)) => {}
            Fate::Deleted(_, Err(error)) if error.is_not_found() => {}
            Fate::Written(Err(error)) | Fate::Deleted(_, Err(error)) => errors.push(error),
        }
    }
    match errors.len() {
        0 => Ok(converged),
        1 => Err(errors.remove(0)),
        failed => {
            // A retry helps if it helps one of them.
            let kind = errors.iter().map(Error::kind).find(|kind| **kind != ErrorKind::Terminal);
            let kind = kind.cloned().unwrap_or(ErrorKind::Terminal);
            let list = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            Err(Error::new(kind, format!("{failed} of {all} {} failed: {list}", T::PLURAL)))
        }
    }
}
