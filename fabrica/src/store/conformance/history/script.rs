//! A fixed history, for the checks that stand for one guarantee of a watch each.

use super::judge::{Guarantee, Session};
use super::replay::{Record, replay};
use crate::store::conformance::bench::Bench;
use crate::store::{Key, Revision, Transaction, Watch, WatchItem};

const PREFIXES: [&str; 3] = ["", "/a/", "/b/"];

/// A history that is about to be played, with watches open that will see it live.
pub(in crate::store::conformance) struct Script<'a> {
    bench: &'a Bench,
    base: Revision,
    live: Vec<(Key, Watch)>,
}

/// A history that was played.
pub(in crate::store::conformance) struct Played<'a> {
    script: Script<'a>,
    records: Vec<Record>,
    last: Revision,
}

impl<'a> Script<'a> {
    pub(in crate::store::conformance) async fn begin(bench: &'a Bench) -> Result<Self, String> {
        let base = bench.revision().await?;
        let mut live = Vec::new();
        for prefix in PREFIXES {
            live.push((prefix.into(), bench.watch(prefix, base).await?));
        }
        Ok(Self { bench, base, live })
    }

    pub(in crate::store::conformance) async fn play(self) -> Result<Played<'a>, String> {
        let (mut records, mut last) = (Vec::new(), self.base);
        for txn in transactions() {
            let revision = self.bench.commit(txn.clone()).await?;
            records.push(Record { txn, floor: last, answer: Ok(revision) });
            last = revision;
        }
        Ok(Played { script: self, records, last })
    }
}

impl Played<'_> {
    /// Everything that any watch got wrong.
    pub(in crate::store::conformance) async fn judge(self) -> Result<Vec<(Guarantee, String)>, String> {
        let Self { script: Script { bench, base, live }, records, last } = self;
        let is_last = |item: &WatchItem| match item {
            WatchItem::Batch(batch) => batch.revision >= last,
            WatchItem::Progress(mark) => *mark >= last,
            WatchItem::Expired { .. } => true,
        };
        let mut sessions = Vec::new();
        for (prefix, watch) in live {
            sessions.push(Session::record(watch, &prefix, base, false, usize::MAX, is_last).await.0);
        }
        for prefix in PREFIXES.map(Key::from) {
            sessions.push(Session::observe(bench, &prefix, base, false, usize::MAX, is_last).await?.0);
            let (mut after, mut done) = (base, false);
            while !done {
                let resumed = after > base;
                let session;
                (session, done) = Session::observe(bench, &prefix, after, resumed, 4, is_last).await?;
                after = session.until();
                sessions.push(session);
            }
        }
        // What the answers themselves get wrong is for other checks to say.
        let (truth, _) = replay(base, &records, &std::collections::BTreeMap::new());
        Ok(sessions.iter().flat_map(|session| session.judge(&truth)).collect())
    }
}

/// Creates, changes, deletes and creates again under two prefixes, alone and together.
fn transactions() -> impl Iterator<Item = Transaction> {
    let rounds = (0..6).flat_map(|i| {
        [
            Transaction::new().put("/a/1", format!("{i}")),
            Transaction::new().put("/a/1", format!("{i}, together")).put("/a/2", format!("{i}")),
            Transaction::new().put("/b/1", format!("{i}")).put("/a/3", format!("{i}")).put("/b/2", format!("{i}")),
            Transaction::new().delete("/a/1").delete("/b/2"),
            Transaction::new().put("/b/1", format!("{i}, alone")),
            Transaction::new().delete("/b/1").put("/a/1", format!("{i}, again")),
        ]
    });
    rounds.chain((0..3).map(|i| Transaction::new().put("/a/end", format!("{i}")).put("/b/end", format!("{i}"))))
}
