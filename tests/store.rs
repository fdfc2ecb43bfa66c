//! The contract of a store: the memory store keeps it, and the suite that says so can tell who does not.
//!
//! Each planted bug is one way in which real stores were wrong. The suite must reject it, and its verdict must
//! name the check that stands for the broken promise.

#[path = "store/planted.rs"]
mod planted;

use std::sync::Arc;

use fabrica::store::conformance::{Failures, Settings, TestStore, conformance};
use fabrica::store::{Fault, MemoryStore};
use planted::{Bug, Planted};

fn memory(settings: Settings) -> TestStore {
    let store = MemoryStore::with_window(settings.watch_window);
    let faults = store.clone();
    TestStore::new(store).inject_unknown(move || faults.faults().fail_next(1, Fault::UnknownApplied))
}

#[tokio::test(start_paused = true)]
async fn the_memory_store_passes_on_a_paused_clock() {
    conformance(async |settings| memory(settings)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_memory_store_passes_on_many_threads() {
    conformance(async |settings| memory(settings)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shared_store_is_a_store() {
    let shared = async |settings: Settings| TestStore::new(Arc::new(MemoryStore::with_window(settings.watch_window)));
    conformance(shared).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wrapper_without_a_bug_passes() {
    verdict(Bug::None).await.unwrap();
}

async fn verdict(bug: Bug) -> Result<(), Failures> {
    conformance(async |settings: Settings| {
        let store = MemoryStore::with_window(settings.watch_window);
        let faults = store.clone();
        TestStore::new(Planted::new(store, bug))
            .inject_unknown(move || faults.faults().fail_next(1, Fault::UnknownApplied))
    })
    .await
}

/// The suite rejects the bug, by these checks among others.
async fn is_caught(bug: Bug, checks: &[&str]) {
    let failures = verdict(bug).await.expect_err("the suite accepts a store with this bug");
    println!("{failures}");
    for check in checks {
        assert!(failures.iter().any(|failure| failure.check == *check), "{check} does not see it: {failures}");
    }
}

macro_rules! planted {
    ($($name:ident: $bug:ident is caught by $($check:ident),+;)+) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                is_caught(Bug::$bug, &[$(stringify!($check)),+]).await;
            }
        )+
    };
}

planted! {
    a_store_that_drops_an_event_is_rejected: DropsAnEvent
        is caught by a_watch_misses_nothing, a_history_is_watched_without_a_gap;
    a_store_that_repeats_an_event_is_rejected: RepeatsAnEvent
        is caught by a_watch_repeats_nothing, a_history_is_watched_without_repetition;
    a_store_that_splits_a_revision_is_rejected: SplitsARevision
        is caught by a_watch_delivers_each_revision_whole, a_history_is_watched_in_whole_revisions;
    a_store_that_drops_a_part_of_a_revision_is_rejected: DropsAPart
        is caught by a_watch_delivers_each_revision_whole, a_history_is_watched_in_whole_revisions;
    a_store_that_reorders_two_revisions_is_rejected: ReordersTwo
        is caught by a_watch_keeps_the_order, a_history_is_watched_in_order;
    a_store_that_resumes_one_too_early_is_rejected: ResumesTooEarly
        is caught by a_watch_resumes_where_another_stopped, a_history_is_watched_on_where_a_watch_stopped;
    a_store_that_resumes_one_too_late_is_rejected: ResumesTooLate
        is caught by a_watch_resumes_where_another_stopped, a_history_is_watched_on_where_a_watch_stopped;
    a_store_whose_marks_run_ahead_is_rejected: MarksRunAhead
        is caught by a_progress_mark_never_runs_ahead, a_history_is_watched_with_true_marks;
    a_store_that_never_marks_progress_is_rejected: NeverMarks
        is caught by a_quiet_watch_tells_of_progress;
    a_store_whose_watches_ignore_the_prefix_is_rejected: IgnoresThePrefix
        is caught by a_watch_shows_its_prefix_only;
    a_store_that_forgets_the_last_value_is_rejected: ForgetsTheLastValue
        is caught by a_delete_carries_the_last_value, a_watch_tells_what_happened;
    a_store_whose_watches_end_without_expired_is_rejected: EndsWithoutExpired
        is caught by a_watch_from_before_the_window_expires_or_is_whole,
            a_watch_that_lags_beyond_the_window_expires_or_is_whole, a_mirror_survives_expiry;
    a_store_whose_watches_fall_silent_is_rejected: FallsSilent
        is caught by a_watch_from_before_the_window_expires_or_is_whole,
            a_watch_that_lags_beyond_the_window_expires_or_is_whole, a_mirror_survives_expiry;
    a_store_that_skips_what_it_lost_is_rejected: SkipsWhatItLost
        is caught by a_watch_from_before_the_window_expires_or_is_whole,
            a_watch_that_lags_beyond_the_window_expires_or_is_whole, a_mirror_survives_expiry;
    a_store_that_watches_the_future_is_rejected: WatchesTheFuture
        is caught by a_watch_of_the_future_is_an_error;
    a_store_that_serves_a_page_of_now_is_rejected: ServesAPageOfNow
        is caught by pages_show_one_revision, a_history_is_read_as_it_was;
    a_store_that_reports_unknown_as_failure_is_rejected: ReportsUnknownAsFailure
        is caught by a_lost_answer_is_not_reported_as_failure, a_history_denies_nothing_that_happened;
    a_store_that_accepts_a_stale_guard_is_rejected: AcceptsAStaleGuard
        is caught by a_stale_modified_guard_is_refused, a_history_has_one_order;
    a_store_that_checks_guards_too_early_is_rejected: ChecksGuardsTooEarly
        is caught by concurrent_guarded_increments_lose_nothing, a_history_has_one_order;
    a_store_that_reports_a_lost_claim_as_conflict_is_rejected: ReportsFencedAsConflict
        is caught by a_created_guard_fences_off_an_old_claim;
    a_store_that_gives_a_no_op_a_revision_is_rejected: GivesANoOpARevision
        is caught by a_put_of_equal_bytes_changes_nothing, a_delete_of_an_absent_key_changes_nothing,
            a_transaction_without_operations_changes_nothing;
    a_store_that_gives_each_operation_a_revision_is_rejected: GivesEachOperationARevision
        is caught by a_transaction_is_one_revision;
    a_store_that_applies_a_part_of_what_it_refuses_is_rejected: AppliesAPart
        is caught by a_refused_transaction_changes_nothing;
    a_store_that_answers_from_the_past_is_rejected: AnswersFromThePast
        is caught by a_get_tells_its_revision;
    a_store_that_checks_limits_last_is_rejected: ChecksLimitsLast
        is caught by limits_come_before_guards;
}
