//! Checks of what a transaction does.

use bytes::Bytes;

use super::bench::{Bench, Maker, Outcome, batch, ensure, keys};
use crate::store::{Guard, Page, Revision, StoreError, Transaction};

pub(super) async fn a_fresh_store_is_empty(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let page = bench.list("", Page::all()).await?;
    ensure!(page.entries.is_empty(), "it holds {:?}", keys(&page.entries));
    let revision = bench.revision().await?;
    ensure!(page.revision == revision, "a list is at {}, the store at {revision}", page.revision);
    Ok(())
}

pub(super) async fn a_put_is_read_back(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let revision = bench.put("/a", "1").await?;
    let entry = bench.existing("/a").await?;
    ensure!(entry.key == "/a".into() && entry.value == "1", "it came back as {entry:?}");
    ensure!(entry.created == revision && entry.modified == revision, "put at {revision}, it says {entry:?}");
    Ok(())
}

pub(super) async fn revisions_strictly_increase(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let mut last = bench.revision().await?;
    for i in 0..20 {
        let txn = Transaction::new();
        let txn = if i % 3 == 2 { txn.delete("/a") } else { txn.put("/a", format!("{i}")) };
        let revision = bench.commit(txn).await?;
        ensure!(revision > last, "revision {revision} came after {last}");
        let now = bench.revision().await?;
        ensure!(now == revision, "after the transaction at {revision} the store is at {now}");
        last = revision;
    }
    Ok(())
}

pub(super) async fn a_transaction_is_one_revision(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.put("/gone", "1").await?;
    let txn = Transaction::new().put("/a", "1").delete("/gone").put("/b", "1");
    let revision = bench.commit(txn).await?;
    for key in ["/a", "/b"] {
        let entry = bench.existing(key).await?;
        ensure!(entry.modified == revision, "{key} was put at {}, not {revision}", entry.modified);
    }
    let now = bench.revision().await?;
    ensure!(now == revision, "the transaction answered {revision} and left the store at {now}");
    Ok(())
}

pub(super) async fn a_second_put_moves_modified_and_keeps_created(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let first = bench.put("/a", "1").await?;
    let second = bench.put("/a", "2").await?;
    let entry = bench.existing("/a").await?;
    ensure!(entry.value == "2", "it still holds {:?}", entry.value);
    ensure!((entry.created, entry.modified) == (first, second), "put at {first} and {second}, it says {entry:?}");
    Ok(())
}

pub(super) async fn a_deleted_key_is_gone(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.put("/a", "1").await?;
    bench.delete("/a").await?;
    ensure!(bench.entry("/a").await?.is_none(), "get still finds it");
    ensure!(bench.list("", Page::all()).await?.entries.is_empty(), "a list still has it");
    Ok(())
}

pub(super) async fn a_key_that_is_created_again_has_a_new_created(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.put("/a", "1").await?;
    bench.delete("/a").await?;
    let again = bench.put("/a", "1").await?;
    let entry = bench.existing("/a").await?;
    ensure!((entry.created, entry.modified) == (again, again), "created again at {again}, it says {entry:?}");
    Ok(())
}

pub(super) async fn a_put_of_equal_bytes_changes_nothing(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.put("/a", "1").await?;
    changes_nothing(&bench, Transaction::new().put("/a", "1")).await
}

pub(super) async fn a_delete_of_an_absent_key_changes_nothing(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.put("/a", "1").await?;
    changes_nothing(&bench, Transaction::new().delete("/b")).await
}

pub(super) async fn a_transaction_without_operations_changes_nothing(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.put("/a", "1").await?;
    changes_nothing(&bench, Transaction::new()).await
}

async fn changes_nothing(bench: &Bench, txn: Transaction) -> Outcome {
    let (before, entry) = (bench.revision().await?, bench.entry("/a").await?);
    let answer = bench.commit(txn).await?;
    ensure!(answer == before, "it answered revision {answer}, the store was at {before}");
    let now = bench.revision().await?;
    ensure!(now == before, "the store went from {before} to {now}");
    let entry_now = bench.entry("/a").await?;
    ensure!(entry_now == entry, "the entry went from {entry:?} to {entry_now:?}");
    Ok(())
}

pub(super) async fn an_equal_put_beside_a_change_does_not_move(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let first = bench.put("/same", "1").await?;
    let mut watch = bench.watch("", first).await?;
    let second = bench.commit(Transaction::new().put("/same", "1").put("/new", "1")).await?;
    let (same, new) = (bench.existing("/same").await?, bench.existing("/new").await?);
    ensure!(same.modified == first, "the equal put moved `modified` from {first} to {}", same.modified);
    ensure!(new.modified == second, "the change happened at {}, not {second}", new.modified);
    let batch = batch(&mut watch).await?;
    ensure!(batch.changes.len() == 1, "one key changed, a watch shows {}", batch.changes.len());
    Ok(())
}

pub(super) async fn keys_and_values_are_any_bytes(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let any: Bytes = (0..=255).collect::<Vec<u8>>().into();
    bench.put(any.clone(), any.clone()).await?;
    bench.put("/empty", "").await?;
    ensure!(bench.existing(any.clone()).await?.value == any, "a value of all bytes came back changed");
    ensure!(bench.existing("/empty").await?.value.is_empty(), "an empty value came back changed");
    Ok(())
}

pub(super) async fn an_absent_guard_lets_a_new_key_in(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let create = Transaction::new().when(Guard::Absent("/a".into())).put("/a", "1");
    bench.commit(create.clone()).await?;
    bench.delete("/a").await?;
    bench.commit(create).await?;
    Ok(())
}

pub(super) async fn an_absent_guard_refuses_a_key_that_exists(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.put("/a", "1").await?;
    let txn = Transaction::new().when(Guard::Absent("/a".into())).put("/a", "2");
    conflicts(&bench, txn, 0, "/a").await
}

pub(super) async fn a_current_modified_guard_holds(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.put("/a", "1").await?;
    let revision = bench.put("/a", "2").await?;
    bench.commit(Transaction::new().when(Guard::Modified("/a".into(), revision)).put("/a", "3")).await?;
    Ok(())
}

pub(super) async fn a_stale_modified_guard_is_refused(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let stale = bench.put("/a", "1").await?;
    bench.put("/a", "2").await?;
    let txn = Transaction::new().when(Guard::Modified("/a".into(), stale)).put("/a", "3");
    conflicts(&bench, txn, 0, "/a").await
}

pub(super) async fn a_modified_guard_refuses_an_absent_key(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let revision = bench.put("/a", "1").await?;
    bench.delete("/a").await?;
    for revision in [revision, Revision::ZERO] {
        let txn = Transaction::new().when(Guard::Modified("/a".into(), revision)).put("/a", "2");
        conflicts(&bench, txn, 0, "/a").await?;
    }
    Ok(())
}

/// Refused with `Conflict`, with the right index and the entry that is there, and nothing changed.
async fn conflicts(bench: &Bench, txn: Transaction, index: usize, key: &str) -> Outcome {
    let (before, entry) = (bench.revision().await?, bench.entry(key).await?);
    let error = bench.refusal(txn).await?;
    let expected = StoreError::Conflict { index, current: entry.clone() };
    ensure!(error == expected, "expected {expected:?}, got {error:?}");
    ensure!(bench.entry(key).await? == entry, "{key} changed, though the transaction was refused");
    ensure!(bench.revision().await? == before, "the refused transaction got a revision");
    Ok(())
}

pub(super) async fn a_created_guard_survives_updates(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let token = bench.put("/claim", "me").await?;
    bench.put("/claim", "me, renewed").await?;
    bench.commit(Transaction::new().when(Guard::Created("/claim".into(), token)).put("/a", "1")).await?;
    Ok(())
}

pub(super) async fn a_created_guard_fences_off_an_old_claim(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let token = bench.put("/claim", "me").await?;
    let work = Transaction::new().when(Guard::Created("/claim".into(), token)).put("/a", "1");
    bench.delete("/claim").await?;
    let lost = bench.refusal(work.clone()).await?;
    ensure!(matches!(lost, StoreError::Fenced { index: 0, .. }), "without the claim, expected Fenced, got: {lost}");
    bench.put("/claim", "another").await?;
    let stolen = bench.refusal(work).await?;
    ensure!(matches!(stolen, StoreError::Fenced { index: 0, .. }), "under another's, expected Fenced, got: {stolen}");
    ensure!(bench.entry("/a").await?.is_none(), "a fenced transaction was applied");
    Ok(())
}

pub(super) async fn the_first_guard_that_fails_is_named(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let revision = bench.put("/a", "1").await?;
    let txn = Transaction::new()
        .when(Guard::Modified("/a".into(), revision))
        .when(Guard::Absent("/a".into()))
        .when(Guard::Created("/claim".into(), revision))
        .put("/b", "1");
    conflicts(&bench, txn.clone(), 1, "/a").await?;
    let fence_first = Transaction { guards: txn.guards.into_iter().rev().collect(), ops: txn.ops };
    let error = bench.refusal(fence_first).await?;
    ensure!(matches!(error, StoreError::Fenced { index: 0, .. }), "the fence came first, got: {error}");
    Ok(())
}

pub(super) async fn a_refused_transaction_changes_nothing(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.put("/a", "1").await?;
    bench.put("/c", "1").await?;
    let before = bench.list("", Page::all()).await?;
    let txn = Transaction::new().put("/a", "2").put("/b", "1").delete("/c").when(Guard::Absent("/a".into()));
    bench.refusal(txn).await?;
    let after = bench.list("", Page::all()).await?;
    ensure!(after == before, "the store went from {before:?} to {after:?}");
    Ok(())
}

pub(super) async fn guards_see_the_state_before_the_operations(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let revision = bench.put("/old", "1").await?;
    let rename = Transaction::new()
        .delete("/old")
        .put("/new", "1")
        .when(Guard::Modified("/old".into(), revision))
        .when(Guard::Absent("/new".into()));
    bench.commit(rename).await?;
    Ok(())
}

pub(super) async fn guards_count_without_operations(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    bench.put("/a", "1").await?;
    conflicts(&bench, Transaction::new().when(Guard::Absent("/a".into())), 0, "/a").await?;
    let equal = Transaction::new().when(Guard::Absent("/a".into())).put("/a", "1");
    conflicts(&bench, equal, 0, "/a").await
}

pub(super) async fn one_of_many_concurrent_creates_wins(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let creates: Vec<_> = (0..8)
        .map(|i| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let value = format!("{i}");
                bench.store.txn(Transaction::new().when(Guard::Absent("/a".into())).put("/a", value)).await
            })
        })
        .collect();
    let mut winners = Vec::new();
    for (i, create) in creates.into_iter().enumerate() {
        match create.await.map_err(|error| error.to_string())? {
            Ok(revision) => winners.push((format!("{i}"), revision)),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(format!("expected Conflict, got: {error}")),
        }
    }
    let [(value, revision)] = &winners[..] else {
        return Err(format!("{} of 8 creates of one key succeeded", winners.len()));
    };
    let entry = bench.existing("/a").await?;
    ensure!(entry.value == *value && entry.created == *revision, "{value} won at {revision}, there is {entry:?}");
    Ok(())
}

pub(super) async fn concurrent_guarded_increments_lose_nothing(maker: &Maker<'_>) -> Outcome {
    const TASKS: usize = 4;
    const TIMES: usize = 10;
    let bench = maker.bench().await;
    bench.put("/count", "0").await?;
    let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(increments(bench.clone(), TIMES))).collect();
    for task in tasks {
        task.await.map_err(|error| error.to_string())??;
    }
    let count = bench.existing("/count").await?.value;
    ensure!(count == (TASKS * TIMES).to_string(), "{} increments made {count:?}", TASKS * TIMES);
    Ok(())
}

async fn increments(bench: Bench, times: usize) -> Outcome {
    let mut done = 0;
    while done < times {
        let entry = bench.existing("/count").await?;
        tokio::task::yield_now().await;
        let count: usize = String::from_utf8_lossy(&entry.value).parse().map_err(|_| format!("{entry:?}"))?;
        let guard = Guard::Modified(entry.key, entry.modified);
        match bench.store.txn(Transaction::new().when(guard).put("/count", (count + 1).to_string())).await {
            Ok(_) => done += 1,
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(format!("expected Conflict, got: {error}")),
        }
    }
    Ok(())
}

/// Any answer will do that does not deny what happened.
pub(super) async fn a_lost_answer_is_not_reported_as_failure(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let Some(inject) = &bench.inject_unknown else { return Ok(()) };
    inject();
    let answer = bench.store.txn(Transaction::new().put("/a", "1")).await;
    let applied = bench.entry("/a").await?.is_some();
    match answer {
        Err(StoreError::Unknown) => Ok(()),
        Err(error) if applied => Err(format!("the put was applied, yet the answer was: {error}")),
        Ok(revision) if !applied => Err(format!("the put was not applied, yet the answer was: {revision}")),
        Ok(_) | Err(_) => Ok(()),
    }
}

pub(super) async fn a_lost_answer_has_one_outcome(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let Some(inject) = &bench.inject_unknown else { return Ok(()) };
    let mut watch = bench.watch("/a", bench.revision().await?).await?;
    inject();
    let _ = bench.store.txn(Transaction::new().put("/a", "1").put("/a2", "1")).await;
    let found = bench.list("/a", Page::all()).await?.entries;
    ensure!(found.is_empty() || found.len() == 2, "half of the transaction was applied: {:?}", keys(&found));
    bench.put("/a-later", "1").await?;
    let first = batch(&mut watch).await?;
    let expected = found.first().map_or("/a-later".into(), |entry| entry.key.clone());
    let shown = first.changes.iter().any(|change| change.key == expected);
    ensure!(shown, "the first that a watch shows is {first:?}, a list says it is {expected}");
    Ok(())
}
