//! Each fault: that it happens where its plan says, and what it looks like from within.

use fabrica::prelude::*;
use fabrica::reconciler::Reason;
use fabrica::testing::Report;

use super::things::{Child, Parent, child, delete_parent, life_of_a_parent};

#[reconciler(register = false)]
async fn converges(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    let children = (0..parent.spec.children).map(|number| child(parent, number));
    ctx.converge_owned(children.collect()).await?;
    parent.status.value = u32::try_from(ctx.owned::<Child>().len())?;
    Ok(Action::AwaitChange)
}

/// The part of the log that tells of one plan.
fn log_of(report: &Report, plan: &str) -> String {
    let log = report.log();
    let mut parts = log.split("==== ");
    parts.find(|part| part.starts_with(plan)).unwrap_or_else(|| panic!("{plan} was not played: {report}")).to_owned()
}

async fn explored() -> Report {
    let report = life_of_a_parent::<converges>().step("delete", delete_parent).strict().run().await;
    report.assert_clean();
    report
}

#[tokio::test]
async fn every_planned_fault_happens() {
    let report = explored().await;
    assert!(!report.to_string().contains("was not reached"), "{report}");
    for (name, row) in [
        ("crash-before=1", "the process ends here"),
        ("crash-after=1", "process 2 starts"),
        ("unavailable=1", "fails   "),
        ("unknown=1", "1200.310s  run #3    writes"),
        ("travel-back=1", "process 2 starts"),
    ] {
        let log = log_of(&report, &format!("step=2,{name}\n"));
        assert!(log.contains(&format!("**** step=2,{name} ****")) && log.contains(row), "{log}");
    }
}

#[tokio::test]
async fn a_process_that_ends_before_its_write_has_not_made_it_and_one_that_ends_after_it_has() {
    let report = explored().await;
    for (plan, made_by_the_first) in [("step=1,crash-before=1\n", false), ("step=1,crash-after=1\n", true)] {
        let log = log_of(&report, plan);
        let (first, second) = log.split_once("process 2 starts").unwrap();
        assert_eq!(first.contains("created Child p-0"), made_by_the_first, "{log}");
        assert_eq!(second.contains("created Child p-0"), !made_by_the_first, "{log}");
    }
}

#[tokio::test]
async fn a_view_that_stands_still_goes_on_by_itself() {
    let report = explored().await;
    let log = log_of(&report, "step=2,late=Parent:1\n");
    assert!(log.contains("1203.000s  run #"), "the change is seen three seconds late: {log}");
    let log = log_of(&report, "step=2,expire=Parent:1\n");
    assert!(log.contains("because: found changed at "), "it is found by a list: {log}");
}

/// Acts on what a list can't tell.
#[reconciler(register = false)]
async fn deaf_to_relists(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    if !ctx.reasons().iter().any(|reason| matches!(reason, Reason::Relisted { .. } | Reason::Resync)) {
        parent.status.value = parent.spec.value;
    }
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn a_broken_watch_and_nothing_else_finds_who_does_not_listen_to_a_list() {
    let report = life_of_a_parent::<deaf_to_relists>().run().await;
    let plans: Vec<&str> = report.failures().iter().map(fabrica::testing::Failure::plan).collect();
    let expected =
        ["step=1,coalesce=Parent:1", "step=1,expire=Parent:1", "step=2,coalesce=Parent:1", "step=2,expire=Parent:1"];
    assert_eq!(plans, expected, "{report}");
}
