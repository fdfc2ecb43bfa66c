//! One suite of checks that every [`Store`] passes, usable by anyone who writes one.
//!
//! ```
//! use fabrica::store::MemoryStore;
//! use fabrica::store::conformance::{TestStore, conformance};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conformance(async |settings| TestStore::new(MemoryStore::with_window(settings.watch_window)))
//!     .await
//!     .unwrap();
//! # }
//! ```

mod bench;
mod history;
mod limits;
mod reads;
mod transactions;
mod watches;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{FutureExt as _, LocalBoxFuture};
use tokio::time::timeout;

use super::Store;
use bench::{Maker, Outcome};

/// The longest time that one check may take.
const DEADLINE: Duration = Duration::from_mins(1);

/// How the suite wants a store to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How many revisions the store keeps for watches and pages. The store may keep a few more, not fewer.
    pub watch_window: usize,
}

/// A fresh, empty store to be checked.
pub struct TestStore {
    store: Arc<dyn Store>,
    inject_unknown: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl TestStore {
    /// A store that can't lose an answer on demand; the checks that need it are left out.
    pub fn new(store: impl Store) -> Self {
        Self { store: Arc::new(store), inject_unknown: None }
    }

    /// Adds a function after whose call the next transaction is applied, but its answer gets lost.
    #[must_use]
    pub fn inject_unknown(mut self, inject: impl Fn() + Send + Sync + 'static) -> Self {
        self.inject_unknown = Some(Arc::new(inject));
        self
    }
}

/// A check that a store did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of the check: what a right store does.
    pub check: &'static str,
    /// What this one did instead.
    pub reason: String,
}

/// The checks that a store did not pass, one a line when shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Failures(Vec<Failure>);

impl Deref for Failures {
    type Target = [Failure];

    fn deref(&self) -> &[Failure] {
        &self.0
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store failed {} of the suite's checks:", self.len())?;
        self.iter().try_for_each(|failure| write!(f, "\n- {}: {}", failure.check, failure.reason))
    }
}

/// The same as `Display`, so that a test that unwraps shows a readable list.
impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failures {}

type Run = for<'a> fn(&'a Maker<'a>) -> LocalBoxFuture<'a, Outcome>;

macro_rules! checks {
    ($($file:ident: $($name:ident),+;)+) => {
        const CHECKS: &[(&str, Run)] = &[$($((stringify!($name), |maker| $file::$name(maker).boxed_local())),+),+];
    };
}

checks! {
    transactions:
        a_fresh_store_is_empty,
        a_put_is_read_back,
        revisions_strictly_increase,
        a_transaction_is_one_revision,
        a_second_put_moves_modified_and_keeps_created,
        a_deleted_key_is_gone,
        a_key_that_is_created_again_has_a_new_created,
        a_put_of_equal_bytes_changes_nothing,
        a_delete_of_an_absent_key_changes_nothing,
        a_transaction_without_operations_changes_nothing,
        an_equal_put_beside_a_change_does_not_move,
        keys_and_values_are_any_bytes,
        an_absent_guard_lets_a_new_key_in,
        an_absent_guard_refuses_a_key_that_exists,
        a_current_modified_guard_holds,
        a_stale_modified_guard_is_refused,
        a_modified_guard_refuses_an_absent_key,
        a_created_guard_survives_updates,
        a_created_guard_fences_off_an_old_claim,
        the_first_guard_that_fails_is_named,
        a_refused_transaction_changes_nothing,
        guards_see_the_state_before_the_operations,
        guards_count_without_operations,
        one_of_many_concurrent_creates_wins,
        concurrent_guarded_increments_lose_nothing,
        a_lost_answer_is_not_reported_as_failure,
        a_lost_answer_has_one_outcome;
    limits:
        a_value_of_the_greatest_size_is_kept,
        a_larger_value_is_refused,
        a_longer_key_is_refused,
        an_empty_key_is_refused,
        as_many_operations_as_allowed_are_done,
        more_operations_or_guards_are_refused,
        two_operations_on_one_key_are_refused,
        limits_come_before_guards;
    reads:
        a_get_tells_its_revision,
        a_get_of_the_future_waits_or_says_so,
        a_list_is_ordered_and_of_its_prefix_only,
        the_empty_prefix_lists_everything,
        pages_make_up_the_list,
        pages_show_one_revision,
        a_page_that_is_too_old_expires_or_is_right,
        a_page_of_nothing_is_refused,
        a_token_of_another_list_is_refused;
    watches:
        a_watch_misses_nothing,
        a_watch_repeats_nothing,
        a_watch_keeps_the_order,
        a_watch_delivers_each_revision_whole,
        a_watch_tells_what_happened,
        a_watch_resumes_where_another_stopped,
        a_watch_after_a_list_misses_nothing,
        a_watch_shows_its_prefix_only,
        a_delete_carries_the_last_value,
        a_watch_hears_nothing_of_what_changes_nothing,
        a_quiet_watch_tells_of_progress,
        a_progress_mark_never_runs_ahead,
        a_watch_of_the_future_is_an_error,
        a_watch_from_before_the_window_expires_or_is_whole,
        a_watch_that_lags_beyond_the_window_expires_or_is_whole,
        a_watch_that_keeps_up_never_expires,
        a_watch_can_start_after_the_oldest_revision,
        a_dropped_watch_harms_no_other;
}

/// Runs all checks against stores that `make` makes, a fresh one for each.
///
/// It runs on any tokio runtime that has its timer enabled. On a paused clock it takes no real time to
/// notice that something never comes; a store that works on threads of its own needs the real clock.
///
/// # Errors
///
/// All checks that failed, each with what went wrong.
pub async fn conformance<F>(make: impl Fn(Settings) -> F) -> Result<(), Failures>
where
    F: Future<Output = TestStore>,
{
    let make = |settings| make(settings).boxed_local();
    let maker = Maker::new(&make);
    let mut failures = Vec::new();
    for (check, run) in CHECKS {
        if let Err(reason) = before_the_deadline(run(&maker)).await {
            failures.push(Failure { check, reason });
        }
    }
    match timeout(DEADLINE, history::run(&maker)).await {
        Ok(found) => failures.extend(found),
        Err(_) => failures.push(history::unfinished()),
    }
    if failures.is_empty() { Ok(()) } else { Err(Failures(failures)) }
}

async fn before_the_deadline(check: LocalBoxFuture<'_, Outcome>) -> Outcome {
    timeout(DEADLINE, check).await.unwrap_or_else(|_| Err(format!("it was not done after {DEADLINE:?}")))
}
