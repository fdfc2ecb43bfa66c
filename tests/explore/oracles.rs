//! Each oracle, seen red.

use fabrica::prelude::*;
use fabrica::testing::{Failure, explore};

use super::things::{Child, ChildSpec, Parent, delete_parent, life_of_a_parent, parent};

/// Copies the value.
#[reconciler(register = false)]
async fn copies(parent: &mut Parent) -> Result<Action> {
    parent.status.value = parent.spec.value;
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn an_invariant_is_asked_at_every_revision() {
    let scenario = life_of_a_parent::<copies>();
    let scenario = scenario.always("never one", |objects| objects.list::<Parent>().iter().all(|p| p.status.value != 1));
    let report = scenario.run().await;
    let found = report.failures()[0].findings();
    assert_eq!(found, ["invariant: \"never one\" does not hold at r3"], "the state came and went: {report}");
}

#[tokio::test]
async fn an_invariant_that_panics_does_not_hold() {
    let scenario = life_of_a_parent::<copies>();
    let scenario = scenario.always("asserted", |objects| {
        assert!(objects.get::<Parent>("p").is_none_or(|parent| parent.status.value == 0));
        true
    });
    let report = scenario.run().await;
    assert_eq!(report.failures()[0].findings(), ["invariant: \"asserted\" panics at r3"], "{report}");
}

#[reconciler(register = false)]
async fn panics_on_an_error(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    let child = Child::new("c", ChildSpec { value: parent.spec.value });
    ctx.own(child).await.expect("it worked on my machine");
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn a_panic_is_a_failure_though_the_object_is_tried_again() {
    let report = life_of_a_parent::<panics_on_an_error>().run().await;
    let plans: Vec<&str> = report.failures().iter().map(Failure::plan).collect();
    assert!(plans.contains(&"step=1,unavailable=1") && plans.contains(&"step=1,unknown=1"), "{report}");
    assert!(report.failures()[0].findings()[0].starts_with("panic: Parent p: "), "{report}");
}

/// Is never content, and writes nothing.
#[reconciler(register = false)]
async fn runs_hot(parent: &mut Parent) -> Result<Action> {
    let _ = parent;
    Ok(Action::Requeue)
}

#[tokio::test]
async fn a_loop_that_writes_nothing_is_over_the_budget() {
    let report = life_of_a_parent::<runs_hot>().run().await;
    let found = report.failures()[0].findings();
    assert_eq!(found, ["budget: Parent p ran 1000 times without a pause, the last because: requeued"], "{report}");
}

/// Counts how often it ran.
#[reconciler(register = false)]
async fn counts_its_runs(parent: &mut Parent) -> Result<Action> {
    parent.status.value += 1;
    Ok(Action::RequeueAfter(Duration::from_secs(300)))
}

#[tokio::test]
async fn what_writes_once_in_a_while_for_ever_is_never_at_rest() {
    let report = life_of_a_parent::<counts_its_runs>().run().await;
    assert!(report.failures()[0].findings()[0].starts_with("no rest: "), "{report}");
}

/// Does one more thing each time it is tried after a failure, without end.
#[reconciler(register = false)]
async fn never_calms_down(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    if parent.status.value == parent.spec.value {
        return Ok(Action::AwaitChange);
    }
    if ctx.attempt() > 0 || !parent.status.history.is_empty() {
        parent.status.history.push(ctx.attempt());
        return Ok(Action::Requeue);
    }
    ctx.own(Child::new("c", ChildSpec { value: parent.spec.value })).await?;
    parent.status.value = parent.spec.value;
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn a_fault_that_sets_off_a_loop_of_writes_is_found_by_the_budget() {
    let report = life_of_a_parent::<never_calms_down>().run().await;
    let flaws: Vec<String> = report.failures().iter().flat_map(Failure::findings).collect();
    assert!(flaws.iter().any(|flaw| flaw.starts_with("budget: more than 1") && flaw.contains("writes")), "{report}");
}

/// Makes a child that nobody lets go.
#[reconciler(register = false)]
async fn holds_for_ever(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    let mut child = Child::new("c", ChildSpec { value: parent.spec.value });
    child.metadata.finalizers.push("tests.example.io/held".into());
    ctx.own(child).await?;
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn a_child_that_stays_when_its_owner_is_gone_is_leaked_and_its_finalizer_stuck() {
    let report = life_of_a_parent::<holds_for_ever>().step("delete", delete_parent).run().await;
    let found = report.failures()[0].findings();
    let expected = [
        "leaked child: Child c is there, and its owner is not: Parent p",
        "stuck finalizer: Child c is being deleted for ever: nobody takes away [\"tests.example.io/held\"]",
    ];
    assert_eq!(found, expected, "{report}");
}

#[reconciler(register = false)]
async fn asks(parent: &mut Parent, State(number): State<u64>) -> Result<Action> {
    let _ = (parent, number);
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn a_step_that_fails_and_a_program_that_does_not_start_are_told_of() {
    let scenario = explore().reconciler::<copies>();
    let report = scenario.step("wrong", async |client| client.get_by_name::<Parent>("", "p").await).run().await;
    let found = report.failures()[0].findings();
    assert!(found[0].starts_with("scenario: the step \"wrong\" failed: "), "{report}");

    let report = explore().reconciler::<asks>().given(parent(1, 1)).run().await;
    assert!(
        report.failures()[0].findings()[0].contains("asks for `State<u64>`, but no value of that type was registered"),
        "{report}"
    );
}
