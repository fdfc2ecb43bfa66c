//! Random writers, readers and watchers, all at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::judge::{Guarantee, Session};
use super::replay::{Record, Violation, replay};
use super::seeded::Seeded;
use super::under;
use crate::store::conformance::Failure;
use crate::store::conformance::bench::{Bench, keys};
use crate::store::{Entry, Guard, Key, Page, Revision, Transaction, WatchItem};

const WRITERS: u64 = 4;
const TRANSACTIONS: u64 = 60;
const READS: u64 = 40;
const KEYS: [&str; 10] = ["/a/0", "/a/1", "/a/2", "/a/3", "/a/4", "/b/0", "/b/1", "/b/2", "/b/3", "/c/0"];
/// The last transaction changes one key under each prefix, so that every watch learns that it is the last.
const ENDS: [&str; 3] = ["/a/end", "/b/end", "/c/end"];

/// The greatest revision that anyone was answered.
#[derive(Clone, Default)]
struct Answered(Arc<AtomicU64>);

impl Answered {
    fn floor(&self) -> Revision {
        Revision::new(self.0.load(Ordering::SeqCst))
    }

    fn saw(&self, revision: Revision) {
        self.0.fetch_max(revision.get(), Ordering::SeqCst);
    }
}

/// A list or, of a whole key, a get.
struct Reading {
    of: Key,
    floor: Revision,
    revision: Revision,
    entries: Vec<Entry>,
}

/// All that was seen.
pub(super) struct History {
    base: Revision,
    records: Vec<Record>,
    readings: Vec<Reading>,
    sessions: Vec<Session>,
}

/// Runs everyone to their end.
pub(super) async fn run(bench: &Bench, seed: u64) -> Result<History, String> {
    let base = bench.revision().await?;
    let answered = Answered::default();
    answered.saw(base);
    // A short session is one that resumes often.
    let watchers: Vec<_> = [("", usize::MAX), ("", 7), ("/a/", 5), ("/b/", usize::MAX), ("/c/", 1)]
        .into_iter()
        .map(|(prefix, most)| tokio::spawn(watch(bench.clone(), prefix.into(), base, most)))
        .collect();
    let reader = tokio::spawn(read(bench.clone(), answered.clone(), Seeded::new(seed + 1000)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| tokio::spawn(write(bench.clone(), answered.clone(), n, Seeded::new(seed * WRITERS + n))))
        .collect();
    let mut history = History { base, records: Vec::new(), readings: Vec::new(), sessions: Vec::new() };
    for writer in writers {
        history.records.extend(writer.await.map_err(|error| error.to_string())??);
    }
    let txn = ENDS.into_iter().fold(Transaction::new(), |txn, key| txn.put(key, "end"));
    let floor = answered.floor();
    let end = bench.commit(txn.clone()).await?;
    history.records.push(Record { txn, floor, answer: Ok(end) });
    history.readings = reader.await.map_err(|error| error.to_string())??;
    for watcher in watchers {
        history.sessions.extend(watcher.await.map_err(|error| error.to_string())??);
    }
    Ok(history)
}

/// Writes blindly, with guards that may be stale, and what is there already.
async fn write(bench: Bench, answered: Answered, writer: u64, mut random: Seeded) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    for i in 0..TRANSACTIONS {
        let mut txn = Transaction::new();
        let mut chosen: Vec<&str> = (0..=random.below(3)).filter_map(|_| random.one_of(&KEYS).copied()).collect();
        chosen.sort_unstable();
        chosen.dedup();
        for key in chosen {
            let current = if random.percent(60) { Some(bench.entry(key).await?) } else { None };
            if let Some(current) = &current
                && random.percent(70)
            {
                txn = txn.when(match current {
                    None => Guard::Absent(key.into()),
                    Some(entry) if random.percent(30) => Guard::Created(key.into(), entry.created),
                    Some(entry) => Guard::Modified(key.into(), entry.modified),
                });
            }
            txn = match current {
                Some(Some(entry)) if random.percent(10) => txn.put(key, entry.value),
                _ if random.percent(25) => txn.delete(key),
                _ => txn.put(key, format!("{writer}.{i}")),
            };
            random.dawdle(2).await;
        }
        if let Some(inject) = bench.inject_unknown.as_ref().filter(|_| random.percent(5)) {
            inject();
        }
        let floor = answered.floor();
        let answer = bench.store.txn(txn.clone()).await;
        if let Ok(revision) = answer {
            answered.saw(revision);
        }
        records.push(Record { txn, floor, answer });
        random.dawdle(2).await;
    }
    Ok(records)
}

async fn read(bench: Bench, answered: Answered, mut random: Seeded) -> Result<Vec<Reading>, String> {
    let mut readings = Vec::new();
    for _ in 0..READS {
        let floor = answered.floor();
        if let Some(key) = random.one_of(&KEYS).filter(|_| random.percent(40)) {
            let of = Key::from(*key);
            let (entry, revision) = bench.store.get(&of, Some(floor)).await.map_err(|error| error.to_string())?;
            answered.saw(revision);
            readings.push(Reading { of, floor, revision, entries: entry.into_iter().collect() });
        } else {
            let of = Key::from(random.one_of(&["", "/a/", "/b/"]).copied().unwrap_or_default());
            let mut page = bench.list(of.clone(), Page::first(2)).await?;
            answered.saw(page.revision);
            let (revision, mut entries) = (page.revision, page.entries);
            while let Some(token) = page.next {
                random.dawdle(4).await;
                page = bench.list(of.clone(), Page::first(2).after(token)).await?;
                entries.extend(page.entries);
            }
            readings.push(Reading { of, floor, revision, entries });
        }
        random.dawdle(6).await;
    }
    Ok(readings)
}

async fn watch(bench: Bench, prefix: Key, base: Revision, most: usize) -> Result<Vec<Session>, String> {
    let is_last = |item: &WatchItem| match item {
        WatchItem::Batch(batch) => batch.changes.iter().any(|c| ENDS.iter().any(|end| c.key == Key::from(*end))),
        _ => false,
    };
    let (mut sessions, mut after, mut done) = (Vec::new(), base, false);
    while !done {
        let session;
        (session, done) = Session::observe(&bench, &prefix, after, after > base, most, is_last).await?;
        after = session.until();
        sessions.push(session);
    }
    Ok(sessions)
}

impl History {
    /// Everything that does not fit.
    pub(super) fn judge(&self) -> Vec<Failure> {
        // The first session is the one that watches everything, from beginning to end.
        let mut witness: BTreeMap<Revision, Vec<_>> = BTreeMap::new();
        for batch in self.sessions.first().into_iter().flat_map(Session::batches) {
            witness.entry(batch.revision).or_default().extend_from_slice(&batch.changes);
        }
        let (truth, violations) = replay(self.base, &self.records, &witness);
        let answers = violations.into_iter().map(|violation| match violation {
            Violation::Order(reason) => Failure { check: "a_history_has_one_order", reason },
            Violation::Denied(reason) => Failure { check: "a_history_denies_nothing_that_happened", reason },
        });
        let watches = self.sessions.iter().flat_map(|session| session.judge(&truth));
        let watches = watches.map(|(guarantee, reason)| Failure { check: name(guarantee), reason });
        let readings = self.readings.iter().filter_map(|reading| {
            let expected = under(&truth.at(reading.revision), &reading.of);
            let fits = reading.revision >= reading.floor && reading.entries == expected;
            (!fits).then(|| Failure {
                check: "a_history_is_read_as_it_was",
                reason: format!(
                    "a reading of \"{}\" at revision {}, begun after {}, holds {:?} and not {:?}, or other values",
                    reading.of,
                    reading.revision,
                    reading.floor,
                    keys(&reading.entries),
                    keys(&expected)
                ),
            })
        });
        answers.chain(watches).chain(readings).collect()
    }
}

fn name(guarantee: Guarantee) -> &'static str {
    match guarantee {
        Guarantee::Ordered => "a_history_is_watched_in_order",
        Guarantee::Unique => "a_history_is_watched_without_repetition",
        Guarantee::Reliable => "a_history_is_watched_without_a_gap",
        Guarantee::Atomic => "a_history_is_watched_in_whole_revisions",
        Guarantee::Resumable => "a_history_is_watched_on_where_a_watch_stopped",
        Guarantee::Bookmarkable => "a_history_is_watched_with_true_marks",
        Guarantee::Truthful => "a_history_is_watched_as_it_was",
    }
}
