//! Eight bugs that reconcilers have, each with the reconciler as it should be: the bug is found, and nothing else is.

use std::collections::BTreeSet;

use fabrica::prelude::*;
use fabrica::reconciler::{Reason, Reconciler};
use fabrica::testing::{Failure, Report};

use super::things::{Child, ChildSpec, Parent, child, delete_parent, life_of_a_parent, nameless};

/// The name of a finalizer that a parent puts on its children.
const HELD: &str = "tests.example.io/held";

/// Who has to find it.
#[derive(Clone, Copy, PartialEq)]
enum By {
    /// The scenario without any fault.
    Reference,
    /// A plan that is played always.
    Default,
    /// A plan of `strict`, and none before.
    Strict,
}

async fn explored<R: Reconciler>(strict: bool) -> Report {
    let scenario = life_of_a_parent::<R>().step("delete", delete_parent);
    if strict { scenario.strict().run().await } else { scenario.run().await }
}

/// The bug is found by what must find it, in words that tell of it; and the reconciler as it should be passes, even `strict`.
async fn found<Planted: Reconciler, Right: Reconciler>(by: By, flaw: &str) {
    let report = explored::<Planted>(false).await;
    if by == By::Strict {
        report.assert_clean();
    }
    let report = if by == By::Strict { explored::<Planted>(true).await } else { report };
    let flaws: BTreeSet<String> = report.failures().iter().flat_map(Failure::findings).collect();
    assert!(flaws.iter().any(|found| found.contains(flaw)), "{flaw} is not among {flaws:#?}\n{report}");
    assert_eq!(by == By::Reference, report.failures()[0].plan().is_empty(), "{report}");
    explored::<Right>(true).await.assert_clean();
}

/// Creates a child, and then writes down its name: a crash between the two loses it.
mod lost_child {
    use super::*;

    #[reconciler(register = false)]
    pub async fn planted(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        if parent.status.child.is_none() {
            let child = ctx.client().create(nameless(parent)).await?;
            parent.status.child = Some(child.name().to_owned());
        }
        Ok(Action::AwaitChange)
    }

    #[reconciler(register = false)]
    pub async fn right(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        let child = ctx.own(child(parent, 0)).await?;
        parent.status.child = Some(child.name().to_owned());
        Ok(Action::AwaitChange)
    }
}

#[tokio::test]
async fn a_child_that_is_created_and_then_written_down_is_found_by_the_default_run() {
    found::<lost_child::planted, lost_child::right>(By::Default, "Child p-~ was created x2, reference x1").await;
}

/// Appends on every run.
mod appends {
    use super::*;

    #[reconciler(register = false)]
    pub async fn planted(parent: &mut Parent) -> Result<Action> {
        parent.status.history.push(parent.spec.value);
        Ok(Action::AwaitChange)
    }

    #[reconciler(register = false)]
    pub async fn right(parent: &mut Parent) -> Result<Action> {
        if parent.status.history.last() != Some(&parent.spec.value) {
            parent.status.history.push(parent.spec.value);
        }
        Ok(Action::AwaitChange)
    }
}

#[tokio::test]
async fn a_list_that_grows_on_every_run_is_found_by_the_default_run() {
    let report = life_of_a_parent::<appends::planted>().run().await;
    let found = report.failures()[0].findings();
    assert_eq!(report.failures()[0].plan(), "");
    assert_eq!(found[0], "not quiet: status Parent p, though nothing had changed", "{report}");
    life_of_a_parent::<appends::right>().strict().run().await.assert_clean();
}

/// Trusts the count of its cache, and makes up the difference with children that have no names of their own.
mod counts {
    use super::*;

    #[reconciler(register = false)]
    pub async fn planted(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        let there = ctx.owned::<Child>().len();
        if there < parent.spec.children {
            ctx.client().create(nameless(parent)).await?;
            return Ok(Action::Requeue);
        }
        Ok(Action::AwaitChange)
    }

    #[reconciler(register = false)]
    pub async fn right(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        let children = (0..parent.spec.children).map(|number| child(parent, number));
        ctx.converge_owned(children.collect()).await?;
        Ok(Action::AwaitChange)
    }
}

#[tokio::test]
async fn a_count_that_is_taken_from_the_cache_is_found_by_the_strict_run() {
    found::<counts::planted, counts::right>(By::Strict, "Child p-~ was created").await;
}

/// Acts on the edge of an event: what it does not hear, it does not do.
mod edge {
    use super::*;

    #[reconciler(register = false)]
    pub async fn planted(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        if ctx.reasons().iter().any(|reason| matches!(reason, Reason::Changed { .. })) {
            parent.status.value = parent.spec.value;
        }
        Ok(Action::AwaitChange)
    }

    #[reconciler(register = false)]
    pub async fn right(parent: &mut Parent) -> Result<Action> {
        parent.status.value = parent.spec.value;
        Ok(Action::AwaitChange)
    }
}

#[tokio::test]
async fn an_action_on_the_edge_of_an_event_is_found_by_the_default_run() {
    let report = life_of_a_parent::<edge::planted>().run().await;
    let flaws: Vec<String> = report.failures().iter().flat_map(Failure::findings).collect();
    assert!(flaws.contains(&"final state: Parent p: status.value is 1, reference 2".to_owned()), "{report}");
    life_of_a_parent::<edge::right>().strict().run().await.assert_clean();
}

/// Writes the time on every run.
mod timestamp {
    use super::*;

    #[reconciler(register = false)]
    pub async fn planted(parent: &mut Parent) -> Result<Action> {
        parent.status.seen_at = Some(Timestamp::now());
        Ok(Action::RequeueAfter(Duration::from_secs(30)))
    }

    #[reconciler(register = false)]
    pub async fn right(parent: &mut Parent) -> Result<Action> {
        if parent.status.value != parent.spec.value {
            parent.status.value = parent.spec.value;
            parent.status.seen_at = Some(Timestamp::now());
        }
        Ok(Action::RequeueAfter(Duration::from_secs(30)))
    }
}

#[tokio::test]
async fn a_time_that_is_written_on_every_run_is_found_by_the_default_run_even_if_it_is_masked() {
    let report = life_of_a_parent::<timestamp::planted>().mask("status.seenAt").run().await;
    let found = report.failures()[0].findings();
    assert_eq!(report.failures()[0].plan(), "");
    assert!(found.iter().any(|found| found.starts_with("budget: ") || found.starts_with("no rest: ")), "{report}");
    life_of_a_parent::<timestamp::right>().strict().run().await.assert_clean();
}

/// Swallows an error: nobody tries again.
mod swallows {
    use super::*;

    #[reconciler(register = false)]
    pub async fn planted(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        if let Err(error) = ctx.own(child(parent, 0)).await {
            warn!("the child was not created: {error}");
        }
        Ok(Action::AwaitChange)
    }

    #[reconciler(register = false)]
    pub async fn right(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        ctx.own(child(parent, 0)).await?;
        Ok(Action::AwaitChange)
    }
}

#[tokio::test]
async fn an_error_that_is_swallowed_is_found_by_the_default_run() {
    let report = life_of_a_parent::<swallows::planted>().run().await;
    let flaws: Vec<String> = report.failures().iter().flat_map(Failure::findings).collect();
    assert!(flaws.contains(&"final state: Child p-0: spec.value is 1, reference 2".to_owned()), "{report}");
    life_of_a_parent::<swallows::right>().strict().run().await.assert_clean();
}

/// Puts a finalizer on its child, and forgets it there if taking it away fails once.
mod forgets {
    use super::*;

    async fn hold(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        let mut child = child(parent, 0);
        child.metadata.finalizers.push(HELD.into());
        ctx.own(child).await?;
        Ok(Action::AwaitChange)
    }

    async fn let_go(ctx: &Context) -> Result<()> {
        for child in ctx.owned::<Child>() {
            let mut child = Child::clone(&child);
            child.metadata.finalizers.retain(|finalizer| finalizer != HELD);
            ctx.client().update(child).await?;
        }
        Ok(())
    }

    #[reconciler(register = false, finalize = finalize)]
    pub async fn planted(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        hold(parent, ctx).await
    }

    async fn finalize(_: &mut Parent, ctx: &Context) -> Result<()> {
        if let Err(error) = let_go(ctx).await {
            warn!("the child is still held: {error}");
        }
        Ok(())
    }

    #[reconciler(register = false, finalize = finalize_rightly)]
    pub async fn right(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        hold(parent, ctx).await
    }

    async fn finalize_rightly(_: &mut Parent, ctx: &Context) -> Result<()> {
        let_go(ctx).await
    }
}

#[tokio::test]
async fn a_finalizer_that_is_forgotten_is_found_by_the_default_run() {
    let flaw = "stuck finalizer: Child p-0 is being deleted for ever: nobody takes away [\"tests.example.io/held\"]";
    found::<forgets::planted, forgets::right>(By::Default, flaw).await;
}

/// Takes "unavailable" for "gone", and makes anew what is still there.
mod takes_for_gone {
    use super::*;

    #[reconciler(register = false)]
    pub async fn planted(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        let Some(child) = ctx.owned::<Child>().into_iter().next() else {
            ctx.own(child(parent, 0)).await?;
            return Ok(Action::AwaitChange);
        };
        if child.spec.value != parent.spec.value {
            let mut wanted = Child::clone(&child);
            wanted.spec = ChildSpec { value: parent.spec.value };
            if ctx.client().update(wanted).await.is_err() {
                ctx.client().delete::<Child>(child.uid().clone()).await?;
                return Ok(Action::Requeue);
            }
        }
        Ok(Action::AwaitChange)
    }

    #[reconciler(register = false)]
    pub async fn right(parent: &mut Parent, ctx: &Context) -> Result<Action> {
        let Some(child) = ctx.owned::<Child>().into_iter().next() else {
            ctx.own(child(parent, 0)).await?;
            return Ok(Action::AwaitChange);
        };
        if child.spec.value != parent.spec.value {
            let mut wanted = Child::clone(&child);
            wanted.spec = ChildSpec { value: parent.spec.value };
            ctx.client().update(wanted).await?;
        }
        Ok(Action::AwaitChange)
    }
}

#[tokio::test]
async fn unavailable_that_is_taken_for_gone_is_found_by_the_default_run() {
    found::<takes_for_gone::planted, takes_for_gone::right>(By::Default, "Child p-0 was deleted x2, reference x1")
        .await;
}
