//! Who watches all objects of a kind over every end of the program, and misses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::kinds::Device;
use super::model::Counts;

const AGAIN: Duration = Duration::from_millis(20);

pub trait Kind: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static {}

impl<T: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static> Kind for T {}

impl Device {
    pub fn runs_as_desired(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.power == self.spec.desired)
            && self.metadata.deletion_timestamp.is_none()
    }
}

/// What the changes so far make, and the version of the last.
struct Seen<T> {
    version: u64,
    objects: BTreeMap<String, T>,
    /// The uids of objects that are gone.
    gone: BTreeSet<String>,
}

pub struct Mirror<T: Kind> {
    api: Api<T>,
    seen: watch::Receiver<Seen<T>>,
}

impl<T: Kind> Mirror<T> {
    /// Watches from now on, when there is nothing yet.
    pub async fn watch(api: Api<T>, counts: Arc<Counts>) -> Self {
        let version = api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
        let seen = Seen { version: version.parse().unwrap(), objects: BTreeMap::new(), gone: BTreeSet::new() };
        let (sender, receiver) = watch::channel(seen);
        tokio::spawn(follow(api.clone(), sender, counts));
        Self { api, seen: receiver }
    }

    /// Waits until it has seen what a list holds: the two are equal then.
    pub async fn is_what_is_listed(&self) {
        let list = loop {
            match self.api.list(&ListParams::default()).await {
                Ok(list) => break list,
                Err(_) => sleep(AGAIN).await,
            }
        };
        let listed: BTreeMap<_, _> = list.items.iter().map(|item| (item.name_any(), item.resource_version())).collect();
        let version: u64 = list.metadata.resource_version.unwrap().parse().unwrap();
        let newest = list.items.iter().filter_map(|item| item.resource_version()?.parse().ok()).max().unwrap_or(0);
        let mut seen = self.seen.clone();
        let equal = |seen: &Seen<T>| {
            let objects = seen.objects.iter().map(|(name, object)| (name.clone(), object.resource_version()));
            // Beyond the list's version the two may differ: somebody may go on writing.
            seen.version > version || seen.version >= newest && objects.collect::<BTreeMap<_, _>>() == listed
        };
        let waited = timeout(super::DEADLINE, seen.wait_for(equal)).await.map(|seen| seen.is_ok());
        if waited != Ok(true) {
            let seen = self.seen.borrow();
            panic!(
                "the watch of {} at {} has {:?}, the list at {version} {listed:?}",
                T::kind(&()),
                seen.version,
                seen.objects
            );
        }
    }

    /// Waits until every object is as it should be.
    pub async fn comes_to_rest(&self, right: fn(&T) -> bool) {
        let mut seen = self.seen.clone();
        let rest = seen.wait_for(|seen| seen.objects.values().all(right));
        let rests = matches!(timeout(super::DEADLINE, rest).await, Ok(Ok(_)));
        assert!(rests, "these do not come to rest: {:?}", self.seen.borrow().objects);
    }
}

async fn follow<T: Kind>(api: Api<T>, sender: watch::Sender<Seen<T>>, counts: Arc<Counts>) {
    loop {
        let version = sender.borrow().version.to_string();
        let params = WatchParams::default();
        if let Ok(events) = api.watch(&params, &version).await {
            counts.resumed.fetch_add(1, Relaxed);
            let mut events = pin!(events);
            while let Some(Ok(event)) = events.next().await {
                if let WatchEvent::Error(status) = &event {
                    // A program that ends may say so; nothing may be forgotten that was not seen.
                    assert!(status.code >= 500, "{status:?}");
                    break;
                }
                sender.send_modify(|seen| seen.take(event));
                counts.changes.fetch_add(1, Relaxed);
            }
        }
        sleep(AGAIN).await;
    }
}

impl<T: Kind> Seen<T> {
    /// Takes a change, which must follow from those before it.
    fn take(&mut self, event: WatchEvent<T>) {
        let (what, object) = match event {
            WatchEvent::Added(object) => ("added", object),
            WatchEvent::Modified(object) => ("modified", object),
            WatchEvent::Deleted(object) => ("deleted", object),
            WatchEvent::Bookmark(_) | WatchEvent::Error(_) => return,
        };
        let (name, uid) = (object.name_any(), object.uid().unwrap());
        let version: u64 = object.resource_version().unwrap().parse().unwrap();
        let shown = format!("{} {name} of uid {uid} is {what} at {version}", T::kind(&()));
        assert!(version > self.version, "{shown}, after {}", self.version);
        assert!(!self.gone.contains(&uid), "{shown}, but was deleted before");
        self.version = version;
        let before = self.objects.get(&name).and_then(T::uid);
        match what {
            "added" => assert_eq!(before, None, "{shown}"),
            _ => assert_eq!(before.as_ref(), Some(&uid), "{shown}"),
        }
        if what == "deleted" {
            self.objects.remove(&name);
            self.gone.insert(uid);
        } else {
            self.objects.insert(name, object);
        }
    }
}
