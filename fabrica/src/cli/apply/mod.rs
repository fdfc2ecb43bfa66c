//! `run --apply`: objects as manifests in files say.
//!
//! Every source is looked at when the program starts and whenever it changes. What its documents say is applied; an
//! object that was applied from the source, and that no document names any more, is deleted.
//!
//! - Only a document that is absent from a wholly readable source is deleted. One that can't be read, or a folder that
//!   is gone, may hide any object: nothing of that source is deleted until it can be read again.
//! - A bad document costs nothing but itself. It is reported once, with its file, number, line and field.
//! - What was applied from a source that isn't given any more is left alone.
//! - What somebody else changed is made again as the document says at the next look; nobody is hindered meanwhile.

mod documents;
mod manifest;
mod mark;
mod parse;
mod plan;
mod source;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info, warn};

#[cfg(feature = "testing")]
pub(crate) use parse::read;

use manifest::{Identity, Manifest};
use plan::Plan;
pub(super) use source::Reading;
use source::Source;
use watch::FileWatch;

use crate::client::{Applied, Client, DeleteOptions, Patch};
use crate::resource::{Metadata, Object, ObjectKey, ResourceType};
use crate::{Error, Result};

/// How long after a failure everything that failed is tried again: doubled with each failure, up to the longest.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// Keeps objects as the manifests of some sources say.
pub(super) struct Applier {
    client: Client,
    sources: Vec<Source>,
    watch: FileWatch,
    /// What was applied as it stands here.
    applied: BTreeMap<Identity, Value>,
    /// What was reported at the last look. It is not reported again until it was otherwise.
    reported: BTreeSet<String>,
    retry: Option<(Instant, Duration)>,
}

/// Why the sources are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// They may have changed: everything is made as they say.
    Changed,
    /// Something failed: only that is tried again.
    Retry,
}

/// What one look leaves.
#[derive(Default)]
struct Look {
    reported: BTreeSet<String>,
    failed: bool,
}

impl Applier {
    pub(super) fn new(client: Client, paths: &[PathBuf]) -> Result<Self> {
        let mut sources = Vec::<Source>::new();
        for path in paths {
            let source = Source::new(path)?;
            if sources.iter().all(|known| known.name() != source.name()) {
                sources.push(source);
            }
        }
        let (applied, reported) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { client, sources, watch: FileWatch::new(), applied, reported, retry: None })
    }

    /// Applies what there is.
    pub(super) async fn begin(&mut self) {
        if !self.sources.is_empty() {
            self.look(Why::Changed).await;
            self.report_left_alone();
        }
    }

    /// Applies what changes, and what failed again and again until it doesn't.
    pub(super) async fn keep(&mut self) -> Infallible {
        loop {
            let due = self.retry.map(|(due, _)| due);
            let why = tokio::select! {
                biased;
                () = self.watch.changed() => Why::Changed,
                () = async { sleep_until(due.unwrap_or_else(Instant::now)).await }, if due.is_some() => Why::Retry,
            };
            self.look(why).await;
        }
    }

    async fn look(&mut self, why: Why) {
        // Watched first and read then: what changes in between is read twice, not missed.
        self.watch.arm(&self.sources);
        let sources = self.sources.clone();
        let read = tokio::task::spawn_blocking(move || sources.iter().map(Source::read).collect());
        // It ends otherwise only if the runtime does.
        let Ok(readings) = read.await else { return };
        let plan = Plan::new(readings, self.client.kinds());

        let mut look = Look::default();
        for problem in plan.sources.iter().flat_map(|present| &present.problems) {
            self.report(&mut look, problem.to_string());
        }
        let wanted: BTreeSet<_> = plan.sources.iter().flat_map(|present| present.objects.iter().cloned()).collect();
        self.applied.retain(|identity, _| wanted.contains(identity));
        for (source, manifest) in &plan.apply {
            let source = self.sources[*source].name().to_owned();
            self.apply(&source, manifest, why, &mut look).await;
        }
        for (index, present) in plan.sources.iter().enumerate() {
            self.prune(index, present.is_whole(), &wanted, &mut look).await;
        }

        let wait = self.retry.map_or(FIRST_RETRY, |(_, wait)| if why == Why::Retry { wait * 2 } else { FIRST_RETRY });
        let wait = wait.min(LONGEST_RETRY);
        self.retry = look.failed.then(|| (Instant::now() + wait, wait));
        self.reported = look.reported;
    }

    async fn apply(&mut self, source: &str, manifest: &Manifest, why: Why, look: &mut Look) {
        let Manifest { place, type_, identity, value } = manifest;
        let is_known = self.applied.get(identity) == Some(value);
        if is_known && why == Why::Retry {
            return;
        }
        let shown = identity.shown(type_);
        match self.apply_marked(source, manifest).await {
            Ok((_, object)) if object.metadata().is_deleting() => {
                look.failed = true;
                self.applied.remove(identity);
                self.report(look, format!("{place}: {shown} is being deleted; it is applied again when it is gone"));
            }
            Ok((applied, _)) => {
                match applied {
                    Applied::Created => info!("applied {shown} (created)"),
                    Applied::Configured => info!("applied {shown} (changed)"),
                    Applied::Unchanged if is_known => debug!("applied {shown} (unchanged)"),
                    Applied::Unchanged => info!("applied {shown} (unchanged)"),
                }
                self.applied.insert(identity.clone(), value.clone());
            }
            Err(error) => {
                look.failed = true;
                self.applied.remove(identity);
                for message in messages(&error) {
                    self.report(look, format!("{place}: {shown}: {message}"));
                }
            }
        }
    }

    async fn apply_marked(&self, source: &str, manifest: &Manifest) -> Result<(Applied, Arc<dyn Object>)> {
        let Manifest { type_, identity, value, .. } = manifest;
        let key = self.client.find(type_, &identity.namespace, &identity.name).ok();
        let before = key.and_then(|key| Some((self.client.cached(&key)?, key)));
        let gone = before.map(|(object, key)| mark::gone(&object.metadata(&key.uid), value)).unwrap_or_default();
        let mut marked = value.clone();
        mark::put(&mut marked, mark::mark(source, identity), &gone);
        let (applied, object) = self.client.apply_json(type_, marked).await?;
        if gone.is_empty() {
            return Ok((applied, object));
        }
        let removal = Patch::Merge(mark::removal(&gone, value));
        Ok((Applied::Configured, self.client.patch_object(&object.key(), removal).await?))
    }

    /// Deletes what was applied from a source and is named by none; or says that it can't be known.
    async fn prune(&self, source: usize, whole: bool, wanted: &BTreeSet<Identity>, look: &mut Look) {
        let source = &self.sources[source];
        let absent: Vec<_> = self
            .marked()
            .into_iter()
            .filter(|found| found.source == source.name() && !found.deleting && !wanted.contains(&found.identity))
            .collect();
        if !whole {
            let kept = absent.iter().map(|found| found.identity.shown(found.type_)).collect::<Vec<_>>().join(", ");
            let kept = if kept.is_empty() { kept } else { format!("; without a document, but kept: {kept}") };
            let message = format!("{source}: nothing of it is deleted while part of it can't be read{kept}");
            if !self.reported.contains(&message) {
                warn!("{message}");
            }
            look.reported.insert(message);
            return;
        }
        for found in absent {
            let shown = found.identity.shown(found.type_);
            match self.client.delete_object(&found.key, DeleteOptions::default()).await {
                Ok(true) => info!("deleted {shown}"),
                Ok(false) => info!("deleted {shown} (it goes when its finalizers are done)"),
                Err(error) if error.is_not_found() => {}
                Err(error) => {
                    look.failed = true;
                    self.report(look, format!("{source}: {shown} was not deleted: {error}"));
                }
            }
        }
    }

    /// Every object that was applied, namespaces last: what is in them goes first. Costs a look at every object.
    fn marked(&self) -> Vec<Marked> {
        let (namespaces, others): (Vec<&ResourceType>, Vec<&ResourceType>) =
            self.client.kinds().iter().copied().partition(|type_| plan::is_namespace(type_));
        let mut found = Vec::new();
        for type_ in others.into_iter().chain(namespaces) {
            let before = found.len();
            for key in self.client.keys(type_.group_kind()) {
                let Some(object) = self.client.cached(&key) else { continue };
                found.extend(Marked::read(type_, key.clone(), &object.metadata_ref(&key.uid)));
            }
            found[before..].sort_by(|one, other| one.identity.cmp(&other.identity));
        }
        found
    }

    /// A path that was moved is another source: nobody knows whether what was applied from the old one is still wanted.
    fn report_left_alone(&self) {
        let mut left = BTreeMap::<String, Vec<String>>::new();
        for found in self.marked() {
            if self.sources.iter().all(|source| source.name() != found.source) {
                left.entry(found.source).or_default().push(found.identity.shown(found.type_));
            }
        }
        for (source, objects) in left {
            info!("Left alone, since it was applied from {source}, which isn't given now: {}", objects.join(", "));
        }
    }

    fn report(&self, look: &mut Look, message: String) {
        if !self.reported.contains(&message) && !look.reported.contains(&message) {
            error!("{message}");
        }
        look.reported.insert(message);
    }
}

/// An object that bears the mark of a source.
struct Marked {
    type_: &'static ResourceType,
    key: ObjectKey,
    identity: Identity,
    source: String,
    deleting: bool,
}

impl Marked {
    fn read(type_: &'static ResourceType, key: ObjectKey, metadata: &Metadata) -> Option<Self> {
        let mark = metadata.annotations.get(mark::ANNOTATION)?;
        let (namespace, name) = (metadata.namespace.clone(), metadata.name.clone());
        let identity = Identity { kind: type_.group_kind(), namespace, name };
        let source = mark::source_of(mark, &identity)?.to_owned();
        Some(Self { type_, key, identity, source, deleting: metadata.is_deleting() })
    }
}

/// One message a fault, each with its path.
pub(super) fn messages(error: &Error) -> Vec<String> {
    if error.faults().is_empty() {
        vec![error.to_string()]
    } else {
        error.faults().iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests;
