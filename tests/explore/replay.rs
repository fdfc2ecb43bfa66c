//! One plan, again.

use std::process::{Command, Output};

use fabrica::prelude::*;

use super::things::{Child, ChildSpec, Parent, life_of_a_parent};

#[reconciler(register = false)]
async fn swallows(parent: &mut Parent, ctx: &Context) -> Result<Action> {
    let _ = ctx.own(Child::new("c", ChildSpec { value: parent.spec.value })).await;
    Ok(Action::AwaitChange)
}

/// What `plan` runs in a process of its own, which has it in its environment.
#[tokio::test]
#[ignore = "it fails: another test looks at how"]
async fn of_the_plan_in_the_environment() {
    life_of_a_parent::<swallows>().run().await.assert_clean();
}

fn played(plan: &str) -> (bool, String) {
    let test = "replay::of_the_plan_in_the_environment";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]).env("FABRICA_PLAN", plan).env("RUST_BACKTRACE", "0");
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.success(), String::from_utf8(stderr).unwrap())
}

#[test]
fn the_plan_in_the_environment_is_the_only_one_and_its_whole_trace_is_shown() {
    let (is_clean, shown) = played("step=2,unavailable=1");
    assert!(!is_clean && shown.contains("FAILED in 1 of 1 plans"), "{shown}");
    assert!(shown.contains("  600.000s  ---- step 1: create ----"), "{shown}");

    let (is_clean, shown) = played("step=2,crash-after=1");
    assert!(is_clean && shown.contains("**** step=2,crash-after=1 ****"), "{shown}");
}

#[test]
fn a_text_that_is_no_plan_is_refused() {
    let (is_clean, shown) = played("crash");
    assert!(
        !is_clean && shown.contains("FABRICA_PLAN: \"crash\" is not a plan: write `step=2,crash-after=3`"),
        "{shown}"
    );
}
