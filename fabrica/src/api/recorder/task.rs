//! The one task that writes and deletes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tracing::{debug, info, warn};

use super::budget::Budget;
use super::counts::Counters;
use super::plan::{Plan, Reporter, Write};
use super::sweep;
use super::write::{Written, write};
use crate::client::Client;
use crate::controller::{Noticed, Notices, Subject};
use crate::resource::{ObjectRef, RecordedEvent};

/// How long what is said is collected, so that equal ones are one write.
const WINDOW: Duration = Duration::from_millis(500);
/// How many writes are under way at once: a durable store lets them share their way to the disk.
const AT_ONCE: usize = 16;
/// The first and the longest pause before a store that can't answer is asked again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How often it is said, at most, that events are dropped.
const SAID: Duration = Duration::from_secs(5 * 60);

pub(super) struct Task {
    client: Client,
    notices: Arc<Notices>,
    ttl: Duration,
    budget: Budget,
    counters: Arc<Counters>,
    /// Ends with the recorder.
    stopping: watch::Receiver<()>,
    dropped: Unsaid,
    lost: Unsaid,
    failed: Unsaid,
}

impl Task {
    pub(super) fn new(
        client: Client,
        notices: Arc<Notices>,
        ttl: Duration,
        counters: Arc<Counters>,
        stopping: watch::Receiver<()>,
    ) -> Self {
        let (budget, dropped, lost, failed) = Default::default();
        Self { client, notices, ttl, budget, counters, stopping, dropped, lost, failed }
    }

    pub(super) async fn run(mut self) {
        // Late by a small part of the time for which an event is kept.
        let mut sweeps = interval((self.ttl / 60).clamp(Duration::from_secs(1), Duration::from_secs(60)));
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let notices = Arc::clone(&self.notices);
        let mut stopping = self.stopping.clone();
        loop {
            tokio::select! {
                _ = stopping.changed() => break,
                () = notices.wait() => {
                    tokio::select! {
                        _ = stopping.changed() => break,
                        () = sleep(WINDOW) => self.record().await,
                    }
                }
                _ = sweeps.tick() => self.sweep().await,
            }
        }
        notices.listen(false);
        self.record().await;
    }

    /// Writes all that was said.
    async fn record(&mut self) {
        let (noticed, lost) = self.notices.take();
        self.counters.lost.add(lost);
        self.lost.say(lost, |lost| warn!("{lost} events were lost: too many different ones came at once"));
        let writes = self.plan(noticed).await;
        self.write_all(writes).await;
    }

    async fn plan(&mut self, mut noticed: Vec<Noticed>) -> Vec<Write> {
        noticed.sort_by(|one, two| one.notice.about.cmp(&two.notice.about));
        let mut noticed = noticed.into_iter().peekable();
        let (mut writes, mut surplus) = (Vec::new(), Vec::new());
        while let Some(first) = noticed.next() {
            let about = first.notice.about.clone();
            let mut of_one = vec![first];
            of_one.extend(std::iter::from_fn(|| noticed.next_if(|next| next.notice.about == about)));
            let reporter = Reporter { program: self.client.field_manager() };
            let plan = Plan::new(&about, stored(&self.client, &about), of_one, &reporter, &mut self.budget);
            self.counters.dropped.add(plan.dropped);
            self.dropped.say(plan.dropped, |dropped| {
                let Subject { kind, uid, .. } = &about;
                warn!("{dropped} events were dropped, the last about {kind}/{uid}: too many about one object");
            });
            writes.extend(plan.writes);
            surplus.extend(plan.surplus);
        }
        if !surplus.is_empty() {
            self.delete(&surplus).await;
        }
        writes
    }

    /// Writes until all is written. While the store can't answer, what is said meanwhile waits with the notices.
    async fn write_all(&mut self, mut writes: Vec<Write>) {
        let mut pause = PAUSE.0;
        let mut is_said = false;
        loop {
            let is_last = self.stopping.has_changed().is_err();
            let (again, error) = self.write(writes).await;
            let Some(error) = error else { break };
            if is_last {
                self.counters.failed.add(again.iter().map(|write| u64::from(write.count)).sum());
                warn!("{} events were not recorded: {error}", again.len());
                return;
            }
            if !std::mem::replace(&mut is_said, true) {
                warn!("{} events can't be recorded now, and are tried again: {error}", again.len());
            }
            writes = again;
            tokio::select! {
                _ = self.stopping.changed() => {}
                () = sleep(pause) => {}
            }
            pause = PAUSE.1.min(pause * 2);
        }
        if is_said {
            info!("Events are recorded again");
        }
    }

    /// What is to be tried again, and why.
    async fn write(&mut self, writes: Vec<Write>) -> (Vec<Write>, Option<crate::Error>) {
        let client = self.client.clone();
        let mut done = stream::iter(writes).map(|one| write(&client, one)).buffer_unordered(AT_ONCE);
        let (mut again, mut why) = (Vec::new(), None);
        while let Some(written) = done.next().await {
            match written {
                Written::Done => self.counters.written.add(1),
                Written::Dropped => {}
                Written::Again(write, error) => {
                    again.push(write);
                    why = Some(error);
                }
                Written::Failed(write, error) => {
                    self.counters.failed.add(write.count.into());
                    self.failed.say(write.count.into(), |failed| warn!("{failed} events were not recorded: {error}"));
                }
            }
        }
        (again, why)
    }

    async fn sweep(&mut self) {
        self.budget.forget_full(Instant::now());
        let outdated = sweep::outdated(&self.client, self.ttl);
        if !outdated.is_empty() {
            self.delete(&outdated).await;
        }
    }

    async fn delete(&self, events: &[Arc<RecordedEvent>]) {
        match sweep::delete(&self.client, events).await {
            Ok(deleted) => self.counters.expired.add(deleted as u64),
            Err(error) => debug!("old events can't be deleted now: {error}"),
        }
    }
}

/// The stored events of an object.
fn stored(client: &Client, about: &Subject) -> Vec<Arc<RecordedEvent>> {
    let mut events = client.cache::<RecordedEvent>().select(".spec.involvedObject.uid", &about.uid);
    events.retain(|event| is_about(&event.spec.involved_object, about));
    events
}

/// A uid is one within a kind. The kind of an object that the program doesn't know has no group here.
fn is_about(object: &ObjectRef, about: &Subject) -> bool {
    let group = object.api_version.as_deref().map(|version| version.rsplit_once('/').map_or("", |(group, _)| group));
    object.kind.as_deref() == Some(&about.kind) && group.is_none_or(|group| group == about.group)
}

/// What was not said yet, since it was said a short time ago.
#[derive(Default)]
struct Unsaid {
    count: u64,
    said: Option<Instant>,
}

impl Unsaid {
    fn say(&mut self, more: u64, say: impl FnOnce(u64)) {
        self.count += more;
        let is_time = self.said.is_none_or(|said| said.elapsed() >= SAID);
        if more > 0 && is_time {
            self.said = Some(Instant::now());
            say(std::mem::take(&mut self.count));
        }
    }
}
