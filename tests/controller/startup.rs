//! The checks of the start: every problem at once, with its place.

use fabrica::prelude::*;
use std::time::Duration;

use fabrica::reconciler::{Needs, Options, Reconciler, ReconcilerType};
use fabrica::resource::Namespace;

use super::kinds::{Gadget, GadgetSpec, Script, scripted};

#[reconciler(register = false)]
async fn a_second_one(gadget: &mut Gadget, State(number): State<u32>) -> Result<Action> {
    let _ = (gadget, number);
    Ok(Action::AwaitChange)
}

mod twin {
    use super::*;

    #[derive(Clone, Debug, Resource)]
    #[resource(group = "tests.example.io", version = "v2", kind = "Gadget", register = false)]
    pub struct GadgetOfTomorrow {
        pub metadata: Metadata,
        pub spec: GadgetSpec,
    }
}

/// Written by hand: the attribute would not compile with such a pattern.
struct BadPattern;

impl Reconciler for BadPattern {
    type Resource = Other;

    const NAME: &'static str = "bad_pattern";
    const HAS_FINALIZE: bool = false;
    const TYPE: &'static ReconcilerType = &ReconcilerType::of::<Self>();

    fn options() -> Options {
        Options::new().events("io.**x")
    }

    fn needs(_: &mut Needs) {}

    async fn reconcile(_: &mut Other, _: &Context) -> Result<Action> {
        Ok(Action::AwaitChange)
    }
}

#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", plural = "gadgets", register = false)]
struct Other {
    metadata: Metadata,
    spec: GadgetSpec,
}

#[test]
fn every_problem_of_the_start_is_reported_at_once_with_its_place() {
    let builder = Controller::empty()
        .reconciler::<scripted>()
        .reconciler::<a_second_one>()
        .reconciler::<BadPattern>()
        .resource::<twin::GadgetOfTomorrow>()
        .resource::<Gadget>();
    let error = builder.check().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Startup);
    let text = error.to_string();
    let problems: Vec<&str> = text.split("\n  - ").skip(1).collect();
    assert_eq!(problems.len(), 6, "{text}");
    let place = |file: &str| format!("{file}:");
    for (expected, file) in [
        ("kind `Gadget.tests.example.io` is claimed by 2 types", "tests/controller/startup.rs"),
        ("the plural `gadgets.tests.example.io` is claimed by two kinds", "tests/controller/startup.rs"),
        ("kind `Gadget.tests.example.io` has 2 reconcilers", "tests/controller/kinds.rs"),
        ("is woken by events `io.**x`", "tests/controller/startup.rs"),
        ("`State<u32>`", "tests/controller/startup.rs"),
        ("Script>`", "tests/controller/kinds.rs"),
    ] {
        let problem = problems.iter().find(|problem| problem.contains(expected));
        let problem = problem.unwrap_or_else(|| panic!("nothing says {expected:?} in:\n{text}"));
        assert!(problem.contains(&place(file)), "no place in {problem}");
    }
}

#[tokio::test]
async fn a_program_with_a_problem_is_not_built() {
    let error = Controller::empty().reconciler::<scripted>().build().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Startup);
}

#[test]
fn what_was_registered_is_not_asked_for() {
    let script = Script::answering(Action::AwaitChange);
    Controller::empty().reconciler::<scripted>().state(script).check().unwrap();
}

#[test]
fn a_program_in_which_nothing_was_found_is_told_how_to_link_it() {
    // This test program registers nothing.
    let error = fabrica::check().unwrap_err();
    assert!(error.to_string().contains("use my_crate as _;"), "{error}");
    assert!(Controller::discover().check().is_err());
}

/// Written by hand: the attribute would not compile with these zeros.
struct Zeros;

impl Reconciler for Zeros {
    type Resource = Gadget;

    const NAME: &'static str = "zeros";
    const HAS_FINALIZE: bool = false;
    const TYPE: &'static ReconcilerType = &ReconcilerType::of::<Self>();

    fn options() -> Options {
        Options::new().concurrency(0).timeout(Duration::ZERO).resync(Duration::ZERO)
    }

    fn needs(_: &mut Needs) {}

    async fn reconcile(_: &mut Gadget, _: &Context) -> Result<Action> {
        Ok(Action::AwaitChange)
    }
}

#[reconciler(register = false)]
async fn of_namespaces(namespace: &mut Namespace) -> Result<Action> {
    let _ = namespace;
    Ok(Action::AwaitChange)
}

#[test]
fn options_of_zero_and_a_second_reconciler_of_namespaces_are_problems_of_the_start() {
    let error = Controller::empty().reconciler::<Zeros>().reconciler::<of_namespaces>().check().unwrap_err();
    let text = error.to_string();
    assert_eq!(text.matches("tests/controller/startup.rs:").count(), 4, "{text}");
    for expected in ["`concurrency` of 0", "`timeout` of 0", "`resync` of 0", "is for `Namespace`"] {
        assert!(text.contains(expected), "nothing says {expected:?} in:\n{text}");
    }
}
