//! What a report says: enough to see the bug, and everything that was left out.

use fabrica::prelude::*;

use super::things::{Child, ChildSpec, Parent, child, delete_parent, life_of_a_parent, nameless};

#[reconciler(register = false)]
async fn loses(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    if parent.status.child.is_none() {
        let child = ctx.client().create(nameless(parent)).await?;
        parent.status.child = Some(child.name().to_owned());
    }
    Ok(Action::AwaitChange)
}

#[reconciler(register = false)]
async fn converges(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    ctx.converge_owned((0..parent.spec.children).map(|number| child(parent, number)).collect()).await?;
    ctx.emit("io.example.parent.converged", parent).await?;
    parent.status.value = parent.spec.value;
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn one_scenario_has_one_log_byte_for_byte() {
    let explored = async || life_of_a_parent::<converges>().step("delete", delete_parent).strict().run().await;
    let (one, other) = (explored().await, explored().await);
    assert!(one.plans() > 60 && one.log().lines().count() > 1_000, "{one}");
    assert!(one.log() == other.log(), "two runs of one scenario differ");
    let failing = async || life_of_a_parent::<loses>().run().await;
    let (one, other) = (failing().await, failing().await);
    let shown = |report: &fabrica::testing::Report| format!("{:?}", report.failures());
    assert_eq!(shown(&one), shown(&other));
}

#[tokio::test]
async fn a_failure_shows_the_plan_the_difference_and_the_way_there() {
    let report = life_of_a_parent::<loses>().run().await;
    let failure = report.failures().iter().find(|failure| failure.plan() == "step=1,crash-after=1").unwrap();
    let expected = "\
FAIL step=1,crash-after=1
  after step 1:        Child p-~: there are 2, reference 1
  created and deleted: Child p-~ was created x2, reference x1
     0.000s  user      writes  r1 created Namespace default
     0.000s  ---- step 0: start ----
     0.000s  ---- process 1 starts ----
   600.000s  ---- step 1: create ----
   600.000s  user      writes  r2 created Parent p
   600.000s  run #1    begins  Parent p, because: changed at 2
   600.000s  **** step=1,crash-after=1 ****
   600.000s  run #1    writes  r3 created Child p-6jwvs
   600.000s  ---- the process ends here ----
   600.000s  ---- process 2 starts ----
   600.000s  run #2    begins  Parent p, because: started  <- differs from here on
";
    let shown = failure.to_string();
    assert!(shown.starts_with(expected), "{shown}");
    assert!(
        shown.contains("  the reference goes on with: status Parent p status.child = \"p-~\", status.value = 0\n"),
        "{shown}"
    );
    assert!(shown.ends_with("  replay: FABRICA_PLAN='step=1,crash-after=1' cargo test <this test>\n"), "{shown}");
}

#[tokio::test]
async fn what_was_not_played_is_listed_with_the_reason() {
    let report = life_of_a_parent::<loses>().run().await;
    let pruned = ("step=1,crash-before=2".to_owned(), "the same as step=1,crash-after=1".to_owned());
    assert!(report.pruned_plans().contains(&pruned), "{report}");
    assert!(report.to_string().contains("  step=1,crash-before=2: the same as step=1,crash-after=1\n"), "{report}");
}

#[tokio::test]
async fn what_is_allowed_to_fail_is_played_and_listed() {
    let scenario = life_of_a_parent::<loses>();
    let scenario =
        scenario.allow("a lost child is swept up by hand", "step=1,crash-after=1").allow("nothing", "step=7");
    let report = scenario.run().await;
    assert!(report.failures().iter().all(|failure| failure.plan() != "step=1,crash-after=1"), "{report}");
    let text = report.to_string();
    let head = "allowed: \"step=1,crash-after=1\" (a lost child is swept up by hand): 1 failed";
    assert!(text.contains(head), "{text}");
    assert!(text.contains("allowed: \"step=7\" (nothing), and nothing of it failed: take it out"), "{text}");
}

#[reconciler(register = false)]
async fn fails_by_itself(parent: &mut Parent) -> Result<Action> {
    parent.status.history.push(1);
    Ok(Action::AwaitChange)
}

#[tokio::test]
#[should_panic(expected = "the reconciler is not reliable\nFAILED without any fault")]
async fn a_report_that_is_not_clean_panics_when_it_is_asserted() {
    life_of_a_parent::<fails_by_itself>().run().await.assert_clean();
}

#[tokio::test]
async fn what_exists_at_first_is_step_zero() {
    let given = Child::new("given", ChildSpec { value: 1 });
    let scenario = fabrica::testing::explore().reconciler::<loses>().resource::<Child>();
    let report = scenario.given(given).given(super::things::parent(1, 1)).run().await;
    assert!(report.failures().iter().any(|failure| failure.plan() == "step=0,crash-after=1"), "{report}");
}
