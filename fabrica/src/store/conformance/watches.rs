//! Checks of what a watch delivers.

use futures_util::future::FutureExt as _;

use super::bench::{Bench, Maker, Outcome, batch, ensure, item};
use super::history::{Guarantee, Script};
use crate::store::{Batch, Key, Page, Revision, StoreError, Transaction, Watch, WatchItem};

/// Far smaller than what the checks write.
const NARROW: usize = 4;

pub(super) async fn a_watch_misses_nothing(maker: &Maker<'_>) -> Outcome {
    keeps(maker, Guarantee::Reliable).await
}

pub(super) async fn a_watch_repeats_nothing(maker: &Maker<'_>) -> Outcome {
    keeps(maker, Guarantee::Unique).await
}

pub(super) async fn a_watch_keeps_the_order(maker: &Maker<'_>) -> Outcome {
    keeps(maker, Guarantee::Ordered).await
}

pub(super) async fn a_watch_delivers_each_revision_whole(maker: &Maker<'_>) -> Outcome {
    keeps(maker, Guarantee::Atomic).await
}

pub(super) async fn a_watch_tells_what_happened(maker: &Maker<'_>) -> Outcome {
    keeps(maker, Guarantee::Truthful).await
}

pub(super) async fn a_watch_resumes_where_another_stopped(maker: &Maker<'_>) -> Outcome {
    keeps(maker, Guarantee::Resumable).await
}

pub(super) async fn a_progress_mark_never_runs_ahead(maker: &Maker<'_>) -> Outcome {
    keeps(maker, Guarantee::Bookmarkable).await
}

/// Plays a fixed script, and judges watches that see it live, from its beginning, and in parts.
async fn keeps(maker: &Maker<'_>, guarantee: Guarantee) -> Outcome {
    let bench = maker.bench().await;
    let script = Script::begin(&bench).await?;
    let played = script.play().await?;
    match played.judge().await?.into_iter().find(|(broken, _)| *broken == guarantee) {
        Some((_, reason)) => Err(reason),
        None => Ok(()),
    }
}

pub(super) async fn a_watch_after_a_list_misses_nothing(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.churn("/a/1", 3).await?;
    let listed = bench.list("/a/", Page::all()).await?.revision;
    let next = bench.put("/a/2", "1").await?;
    let mut watch = bench.watch("/a/", listed).await?;
    is_at(&batch(&mut watch).await?, next)
}

pub(super) async fn a_watch_shows_its_prefix_only(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let mut watch = bench.watch("/a/", bench.revision().await?).await?;
    bench.put("/b/1", "1").await?;
    let revision = bench.commit(Transaction::new().put("/a", "1").put("/a/1", "1").put("/a0", "1")).await?;
    let shown = batch(&mut watch).await?;
    is_at(&shown, revision)?;
    let keys: Vec<String> = shown.changes.iter().map(|change| change.key.to_string()).collect();
    ensure!(keys == ["/a/1"], "a watch of /a/ shows {keys:?}");
    Ok(())
}

pub(super) async fn a_delete_carries_the_last_value(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.put("/a", "1").await?;
    let put = bench.put("/a", "last").await?;
    let last = bench.existing("/a").await?;
    let deleted = bench.delete("/a").await?;
    let mut watch = bench.watch("", put).await?;
    let shown = batch(&mut watch).await?;
    is_at(&shown, deleted)?;
    let previous = shown.changes.first().and_then(|change| change.previous.as_ref());
    ensure!(previous == Some(&last), "the delete of {last:?} shows {previous:?}");
    Ok(())
}

pub(super) async fn a_watch_hears_nothing_of_what_changes_nothing(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let before = bench.put("/a", "1").await?;
    let mut watch = bench.watch("", before).await?;
    bench.put("/a", "1").await?;
    bench.delete("/absent").await?;
    bench.commit(Transaction::new()).await?;
    let revision = bench.put("/a", "2").await?;
    is_at(&batch(&mut watch).await?, revision)
}

pub(super) async fn a_quiet_watch_tells_of_progress(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let mut watch = bench.watch("/quiet/", bench.revision().await?).await?;
    for _ in 0..3 {
        let revision = bench.churn("/busy", 10).await?;
        loop {
            match item(&mut watch).await? {
                WatchItem::Progress(mark) if mark >= revision => break,
                WatchItem::Progress(_) => {}
                other => return Err(format!("nothing changed under its prefix, yet it shows {other:?}")),
            }
        }
    }
    Ok(())
}

pub(super) async fn a_watch_of_the_future_is_an_error(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let now = bench.put("/a", "1").await?;
    bench.watch("", now).await?;
    match bench.store.watch(&Key::EVERYTHING, now.next()).await {
        Err(StoreError::FutureRevision { asked, current }) if (asked, current) == (now.next(), now) => Ok(()),
        Err(error) => Err(format!("at {now}, expected FutureRevision for {}, got: {error}", now.next())),
        Ok(_) => Err(format!("at {now}, a watch after {} was opened", now.next())),
    }
}

pub(super) async fn a_watch_from_before_the_window_expires_or_is_whole(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench_with_window(NARROW).await;
    let start = bench.revision().await?;
    let written = revisions(&bench, 8 * NARROW).await?;
    let mut watch = bench.watch("", start).await?;
    expires_or_is_whole(&mut watch, &written).await
}

pub(super) async fn a_watch_that_lags_beyond_the_window_expires_or_is_whole(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench_with_window(NARROW).await;
    let mut watch = bench.watch("", bench.revision().await?).await?;
    let first = bench.put("/n/1", "first").await?;
    is_at(&batch(&mut watch).await?, first)?;
    let written = revisions(&bench, 8 * NARROW).await?;
    expires_or_is_whole(&mut watch, &written).await
}

/// Shows these revisions from the first on without a gap, and either all of them or `Expired` and the end.
async fn expires_or_is_whole(watch: &mut Watch, written: &[Revision]) -> Outcome {
    let mut expected = written.iter();
    while !expected.as_slice().is_empty() {
        match item(watch).await? {
            WatchItem::Batch(batch) => {
                let next = expected.next().copied().unwrap_or_default();
                ensure!(batch.revision == next, "a gap: {next} was to come, {} came", batch.revision);
            }
            WatchItem::Progress(mark) => {
                let next = expected.as_slice().first().copied().unwrap_or_default();
                ensure!(mark < next, "a gap: {next} was to come, a mark of {mark} came");
            }
            WatchItem::Expired { oldest } => {
                let next = expected.as_slice().first().copied().unwrap_or_default();
                ensure!(oldest >= next, "it expired at {next}, though history is kept from {oldest}");
                let more = watch.next().await;
                ensure!(more.is_none(), "after Expired came {more:?}");
                return Ok(());
            }
        }
    }
    Ok(())
}

pub(super) async fn a_watch_that_keeps_up_never_expires(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench_with_window(NARROW).await;
    let start = bench.revision().await?;
    let (mut busy, mut quiet) = (bench.watch("/n/", start).await?, bench.watch("/quiet/", start).await?);
    for _ in 0..4 {
        for revision in revisions(&bench, NARROW / 2).await? {
            is_at(&batch(&mut busy).await?, revision)?;
        }
        let told = item(&mut quiet).await?;
        ensure!(matches!(told, WatchItem::Progress(_)), "the quiet watch got {told:?}");
    }
    Ok(())
}

pub(super) async fn a_watch_can_start_after_the_oldest_revision(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench_with_window(NARROW).await;
    let start = bench.revision().await?;
    let written = revisions(&bench, 8 * NARROW).await?;
    let mut watch = bench.watch("", start).await?;
    while let Some(item) = watch.next().await {
        let WatchItem::Expired { oldest } = item else { return Ok(()) };
        let mut again = bench.watch("", oldest).await?;
        for revision in written.iter().filter(|revision| **revision > oldest) {
            is_at(&batch(&mut again).await?, *revision)?;
        }
    }
    Ok(())
}

pub(super) async fn a_dropped_watch_harms_no_other(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let start = bench.revision().await?;
    let (mut one, mut other) = (bench.watch("", start).await?, bench.watch("", start).await?);
    let first = bench.put("/a", "1").await?;
    is_at(&batch(&mut one).await?, first)?;
    // It was waiting when it is dropped.
    let _ = one.next().now_or_never();
    drop(one);
    let second = bench.put("/a", "2").await?;
    is_at(&batch(&mut other).await?, first)?;
    is_at(&batch(&mut other).await?, second)
}

/// Writes under one key, one revision each.
async fn revisions(bench: &Bench, n: usize) -> Result<Vec<Revision>, String> {
    let mut written = Vec::new();
    for i in 0..n {
        let now = bench.revision().await?;
        written.push(bench.put("/n/1", format!("{now} {i}")).await?);
    }
    Ok(written)
}

fn is_at(batch: &Batch, revision: Revision) -> Outcome {
    ensure!(batch.revision == revision, "expected the batch of {revision}, got that of {}", batch.revision);
    Ok(())
}
