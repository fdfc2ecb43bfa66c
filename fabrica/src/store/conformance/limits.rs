//! Checks of the sizes that a store accepts.

use super::bench::{Bench, Maker, Outcome, ensure};
use crate::store::{Guard, Key, Limits, Revision, StoreError, Transaction};

pub(super) async fn a_value_of_the_greatest_size_is_kept(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let value = vec![7; bench.store.limits().max_value_bytes];
    bench.put("/a", value.clone()).await?;
    let read = bench.existing("/a").await?.value;
    ensure!(read == value, "{} bytes were put and {} came back", value.len(), read.len());
    Ok(())
}

pub(super) async fn a_larger_value_is_refused(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let value = vec![7; bench.store.limits().max_value_bytes + 1];
    let error = bench.refusal(Transaction::new().put("/b", "1").put("/a", value)).await?;
    ensure!(matches!(error, StoreError::TooLarge { .. }), "expected TooLarge, got: {error}");
    is_untouched(&bench, "/b").await
}

pub(super) async fn a_longer_key_is_refused(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let limit = bench.store.limits().max_key_bytes;
    bench.put(vec![b'k'; limit], "1").await?;
    let error = bench.refusal(Transaction::new().put(vec![b'k'; limit + 1], "1")).await?;
    ensure!(matches!(error, StoreError::TooLarge { .. }), "expected TooLarge, got: {error}");
    Ok(())
}

pub(super) async fn an_empty_key_is_refused(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let guard = Guard::Absent(Key::EVERYTHING);
    for txn in [Transaction::new().put("", "1"), Transaction::new().delete(""), Transaction::new().when(guard)] {
        let error = bench.refusal(txn).await?;
        ensure!(matches!(error, StoreError::Invalid(_)), "expected Invalid, got: {error}");
    }
    Ok(())
}

pub(super) async fn as_many_operations_as_allowed_are_done(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let Limits { max_ops, .. } = bench.store.limits();
    let revision = bench.commit(of_size(max_ops)).await?;
    for i in [0, max_ops - 1] {
        let entry = bench.existing(format!("/many/{i}")).await?;
        ensure!(entry.modified == revision, "operation {i} happened at {}, not {revision}", entry.modified);
    }
    Ok(())
}

pub(super) async fn more_operations_or_guards_are_refused(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let Limits { max_ops, .. } = bench.store.limits();
    let guards = (0..=max_ops).map(|i| Guard::Absent(format!("/many/{i}").into())).collect();
    for txn in [of_size(max_ops + 1), Transaction { guards, ops: Vec::new() }] {
        let error = bench.refusal(txn).await?;
        ensure!(matches!(error, StoreError::TooManyOps { .. }), "expected TooManyOps, got: {error}");
    }
    is_untouched(&bench, "/many/0").await
}

pub(super) async fn two_operations_on_one_key_are_refused(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    for second in [Transaction::new().put("/a", "1").put("/a", "1"), Transaction::new().put("/a", "1").delete("/a")] {
        let error = bench.refusal(second).await?;
        ensure!(matches!(error, StoreError::Invalid(_)), "expected Invalid, got: {error}");
    }
    is_untouched(&bench, "/a").await
}

pub(super) async fn limits_come_before_guards(maker: &Maker<'_>) -> Outcome {
    let bench = maker.bench().await;
    let fails = Guard::Modified("/absent".into(), Revision::new(1));
    let value = vec![7; bench.store.limits().max_value_bytes + 1];
    let error = bench.refusal(Transaction::new().when(fails).put("/a", value)).await?;
    ensure!(matches!(error, StoreError::TooLarge { .. }), "expected TooLarge, got: {error}");
    Ok(())
}

fn of_size(ops: usize) -> Transaction {
    (0..ops).fold(Transaction::new(), |txn, i| txn.put(format!("/many/{i}"), "1"))
}

async fn is_untouched(bench: &Bench, key: &str) -> Outcome {
    ensure!(bench.entry(key).await?.is_none(), "the transaction was refused, yet {key} was put");
    Ok(())
}
