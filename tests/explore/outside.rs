//! The world outside the store: effects, fakes, and what a process keeps in its memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use fabrica::prelude::*;
use fabrica::reconciler::States;
use parking_lot::Mutex;

use super::things::{Parent, life_of_a_parent};

/// How often each machine was switched on.
#[derive(Clone, Default)]
struct Machines(Arc<Mutex<BTreeMap<String, u32>>>);

impl Machines {
    async fn switch_on(&self, name: &str) -> Result<()> {
        *self.0.lock().entry(name.to_owned()).or_default() += 1;
        Ok(())
    }

    fn is_on(&self, name: &str) -> bool {
        self.0.lock().contains_key(name)
    }
}

fn how_often(machines: &Machines) -> BTreeMap<String, u32> {
    machines.0.lock().clone()
}

/// Switches it on, and then writes down that it did.
#[reconciler(register = false)]
async fn switches_on(parent: &mut Parent, ctx: &Context, State(machines): State<Machines>) -> Result<Action> {
    if parent.status.value == 0 {
        ctx.effect("switch-on", || machines.switch_on(parent.name())).await?;
        parent.status.value = 1;
    }
    Ok(Action::AwaitChange)
}

/// Looks first.
#[reconciler(register = false)]
async fn looks_first(parent: &mut Parent, ctx: &Context, State(machines): State<Machines>) -> Result<Action> {
    if !machines.is_on(parent.name()) {
        ctx.effect("switch-on", || machines.switch_on(parent.name())).await?;
    }
    parent.status.value = 1;
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn a_crash_after_an_effect_finds_who_does_it_twice() {
    let scenario = life_of_a_parent::<switches_on>().state(Machines::default).outcome("switched on", how_often);
    let report = scenario.run().await;
    let failure = report.failures().iter().find(|failure| failure.plan() == "step=1,effect-crash=1");
    let found = failure.unwrap_or_else(|| panic!("{report}")).findings();
    assert_eq!(found, ["after step 1: switched on: p is 2, reference 1"]);
}

#[tokio::test]
async fn who_looks_first_does_it_once_and_a_fake_is_new_for_each_plan() {
    let scenario = life_of_a_parent::<looks_first>().state(Machines::default).outcome("switched on", how_often);
    let report = scenario.strict().run().await;
    report.assert_clean();
    assert!(report.log().contains("does    switch-on"), "{}", report.log());
}

/// Remembers in its memory what it has done.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<bool>>);

#[reconciler(register = false)]
async fn remembers(parent: &mut Parent, State(memory): State<Memory>) -> Result<Action> {
    if !std::mem::replace(&mut *memory.0.lock(), true) {
        parent.status.history.push(parent.spec.value);
    }
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn a_crash_loses_what_a_process_keeps_in_its_memory() {
    let report = life_of_a_parent::<remembers>().memory(|_| Memory::default()).run().await;
    let failure = report.failures().iter().find(|failure| failure.plan() == "step=1,crash-after=1");
    let found = failure.unwrap_or_else(|| panic!("{report}")).findings();
    assert_eq!(found[0], "after step 1: Parent p: status.history[1] is 1, reference (absent)");
    // As a state of the outside world it would outlive the crash, and what was done but not saved would be lost.
    let report = life_of_a_parent::<remembers>().state(Memory::default).run().await;
    let failure = report.failures().iter().find(|failure| failure.plan() == "step=1,crash-before=1");
    let found = failure.unwrap_or_else(|| panic!("{report}")).findings();
    assert_eq!(found[0], "after step 1: Parent p: status.history[0] is (absent), reference 1");
}

/// What a process knows of the machines, made from the machines themselves.
#[derive(Clone)]
struct Known(Arc<Mutex<BTreeMap<String, u32>>>);

#[reconciler(register = false)]
async fn knows(parent: &mut Parent, State(known): State<Known>, State(machines): State<Machines>) -> Result<Action> {
    if !known.0.lock().contains_key(parent.name()) {
        machines.switch_on(parent.name()).await?;
        known.0.lock().insert(parent.name().to_owned(), 1);
    }
    parent.status.value = 1;
    Ok(Action::AwaitChange)
}

#[tokio::test]
async fn what_a_process_keeps_in_its_memory_can_be_made_from_the_outside_world() {
    let read_anew = |outside: &States| Known(Arc::new(Mutex::new(how_often(&outside.get().unwrap()))));
    let scenario = life_of_a_parent::<knows>().state(Machines::default).outcome("switched on", how_often);
    scenario.memory(read_anew).run().await.assert_clean();
    let scenario = life_of_a_parent::<knows>().state(Machines::default).outcome("switched on", how_often);
    let report = scenario.memory(|_| Known(Arc::default())).run().await;
    assert!(!report.is_clean(), "who starts from nothing switches on again: {report}");
}
