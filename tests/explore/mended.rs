//! What differs by itself is found, said and left out of the comparison; what must not differ is not.

use std::sync::atomic::{AtomicU32, Ordering};

use fabrica::prelude::*;
use fabrica::resource::Uid;

use super::things::{Child, ChildSpec, Parent, life_of_a_parent, nameless};

/// Writes down when it was created, under a name of its own, and what the child is called.
#[reconciler(register = false)]
async fn names_and_dates(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    if ctx.owned::<Child>().is_empty() {
        ctx.client().create(nameless(parent)).await?;
    }
    if parent.status.seen_at.is_none() {
        parent.status.seen_at = Some(Timestamp::now());
    }
    parent.status.child = ctx.owned::<Child>().first().map(|child| child.name().to_owned());
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn times_are_found_to_differ_and_generated_names_are_compared_by_their_prefix() {
    let report = life_of_a_parent::<names_and_dates>().run().await;
    report.assert_clean();
    assert_eq!(report.nondeterministic(), ["Parent status.seenAt"], "{report}");
    assert!(
        report.to_string().contains("two runs without a fault differ there (1):\n  Parent status.seenAt"),
        "{report}"
    );
}

/// Makes up a name, and writes down which.
#[reconciler(register = false)]
async fn makes_up_a_name(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    let child = match ctx.owned::<Child>().first() {
        Some(child) => child.name().to_owned(),
        None => format!("job-{}", parent.uid()),
    };
    ctx.own(Child::new(child.clone(), ChildSpec { value: parent.spec.value })).await?;
    parent.status.child = Some(child);
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn names_that_user_code_makes_up_are_found_and_compared_by_their_prefix() {
    let report = life_of_a_parent::<makes_up_a_name>().run().await;
    report.assert_clean();
    assert!(report.to_string().contains("names that are made up anew each time (1):\n  Child job-"), "{report}");
}

/// Ends otherwise each time.
#[reconciler(register = false)]
async fn rolls_a_die(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    static ROLLED: AtomicU32 = AtomicU32::new(0);
    if parent.status.child.is_none() {
        let rolled = ROLLED.fetch_add(1, Ordering::Relaxed);
        for number in 0..=rolled {
            ctx.own(Child::new(format!("c-{number}"), ChildSpec::default())).await?;
        }
        parent.status.child = Some("done".into());
    }
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn a_reconciler_that_ends_otherwise_each_time_can_not_be_compared() {
    let report = life_of_a_parent::<rolls_a_die>().run().await;
    let found = report.failures()[0].findings();
    assert!(found[0].starts_with("scenario: two runs without a fault do not end alike: "), "{report}");
    assert!(found[0].contains("Child c-1 should not be there"), "{report}");
}

/// Ends with a count of its failures.
#[reconciler(register = false)]
async fn counts_failures(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    ctx.own(Child::new("c", ChildSpec { value: parent.spec.value })).await?;
    parent.status.value = ctx.attempt();
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn a_mask_excuses_a_field_and_says_how_many_it_hides() {
    let report = life_of_a_parent::<counts_failures>().mask("Parent/status.value").mask("status.nothing").run().await;
    let text = report.to_string();
    assert!(text.contains("Parent/status.value: 1 fields of the reference"), "{text}");
    assert!(text.contains("status.nothing: 0 fields of the reference"), "{text}");
    report.assert_clean();
    let report = life_of_a_parent::<counts_failures>().run().await;
    let found = report.failures()[0].findings();
    assert!(found[0].starts_with("after step 1: Parent p: status.value is "), "{report}");
}

#[tokio::test]
async fn uids_of_an_exploration_are_its_own_and_leave_those_of_others_alone() {
    life_of_a_parent::<counts_failures>().run().await;
    assert_ne!(Uid::new_random(), Uid::new_random());
    assert!(!Uid::new_random().starts_with("00000000-"));
}
