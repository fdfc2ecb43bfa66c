//! How a tree of reconcilers is tested: what each wants without anything around it, and all of them together.

use std::collections::BTreeSet;
use std::sync::Arc;

use fabrica::controller::Builder;
use fabrica::prelude::*;
use fabrica::testing::{Harness, WriteKind, explore};

use super::blade::{self, Blade};
use super::bmc::{self, Bmc};
use super::chassis::{self, Chassis};
use super::counts::{Counts, Tally};
use super::hardware::{self, Hardware};
use super::node::{self, Node, Power};
use super::rack::{Phase, Rack, RackSpec};
use super::template::{BladeConfig, BmcMode, ChassisConfig, RackTemplate, RackTemplateSpec};

fn template(chassis_count: u32, blade_count: u32, node_count: u32, bmc_mode: BmcMode) -> RackTemplate {
    let (chassis_config, blade_config) = (ChassisConfig { blade_count }, BladeConfig { node_count, bmc_mode });
    let description = String::new();
    RackTemplate::new("small", RackTemplateSpec { description, chassis_count, chassis_config, blade_config })
}

fn rack(name: &str) -> Rack {
    Rack::new(name, RackSpec { template: "small".into(), ..RackSpec::default() })
}

fn counts(chassis: u32, blades: u32, nodes: u32, bmcs: u32) -> Counts {
    Counts { chassis, blades, nodes, bmcs }
}

#[test]
fn what_is_wanted_is_named_by_its_place() {
    let template = template(2, 4, 2, BmcMode::Dedicated).spec;
    let chassis = chassis::of_rack("r1", &template);
    let blades = blade::of_chassis("r1-c1", &chassis[1].spec);
    let (bmcs, nodes) = (bmc::of_blade("b", template.blade_config), node::of_blade("b", template.blade_config));
    assert_eq!((chassis.len(), blades.len(), bmcs.len(), nodes.len()), (2, 4, 2, 2));
    assert_eq!((chassis[1].name(), blades[3].name(), bmcs[1].name()), ("r1-c1", "r1-c1-b3", "b-bmc1"));
    assert_eq!((nodes[1].name(), &*nodes[1].spec.bmc, &bmcs[1].spec.manages[..]), ("b-n1", "b-bmc1", &[1][..]));
}

#[test]
fn a_shared_bmc_manages_all_nodes_of_its_blade() {
    let config = BladeConfig { node_count: 3, bmc_mode: BmcMode::Shared };
    let (bmcs, nodes) = (bmc::of_blade("b", config), node::of_blade("b", config));
    assert_eq!((bmcs.len(), &bmcs[0].spec.manages[..]), (1, &[0, 1, 2][..]));
    assert!(nodes.iter().all(|node| node.spec.bmc == "b-bmc0"));
}

/// Until then every machine is up, however slow.
const ALL_UP: Duration = Duration::from_mins(1);

fn program(hardware: Hardware) -> Builder {
    Controller::discover().state(hardware)
}

async fn harness() -> Result<Harness> {
    Harness::start(program(Hardware::of(Duration::ZERO))).await
}

/// A harness with a rack of two chassis, of four blades each, of two nodes each.
async fn grown(bmc_mode: BmcMode) -> Result<Harness> {
    let h = harness().await?;
    h.apply(template(2, 4, 2, bmc_mode)).await?;
    h.apply(rack("r1")).await?;
    h.settle().await?;
    Ok(h)
}

/// There is exactly this, and the rack says so.
#[track_caller]
fn assert_complete(h: &Harness, wanted: Counts) {
    assert_there(h, wanted);
    let rack = h.get::<Rack>("r1");
    assert_eq!((rack.status.phase, rack.status.tally), (Phase::Ready, Tally { total: wanted, ready: wanted }));
    assert!(rack.is_ready(), "{:?}", rack.ready());
}

/// There is exactly this, and everything has its owner.
#[track_caller]
fn assert_there(h: &Harness, wanted: Counts) {
    let (chassis, blades) = (h.list::<Chassis>(), h.list::<Blade>());
    let (nodes, bmcs) = (h.list::<Node>(), h.list::<Bmc>());
    let count = |objects: usize| u32::try_from(objects).unwrap();
    let there = counts(count(chassis.len()), count(blades.len()), count(nodes.len()), count(bmcs.len()));
    assert_eq!(there, wanted, "{}", h.story());
    assert_owned(&h.list::<Rack>(), &chassis);
    assert_owned(&chassis, &blades);
    assert_owned(&blades, &nodes);
    assert_owned(&blades, &bmcs);
}

#[track_caller]
fn assert_owned<O: Resource, T: Resource>(owners: &[Arc<O>], owned: &[Arc<T>]) {
    let uids: BTreeSet<&Uid> = owners.iter().map(|owner| owner.uid()).collect();
    for object in owned {
        let [reference] = &object.metadata().owner_references[..] else { panic!("{:?}", object.metadata()) };
        assert!(reference.controller && uids.contains(&reference.uid), "{:?}", object.metadata());
    }
}

fn uids<T: Resource>(h: &Harness) -> BTreeSet<Uid> {
    h.list::<T>().iter().map(|object| object.uid().clone()).collect()
}

#[tokio::test]
async fn a_rack_goes_from_pending_over_provisioning_to_ready() -> Result<()> {
    let h = Harness::start(program(Hardware::of(Duration::from_secs(1)))).await?;
    h.apply(template(2, 4, 2, BmcMode::Shared)).await?;
    assert_eq!(h.apply(rack("r1")).await?.status.phase, Phase::Pending);

    h.settle().await?;
    let new = h.get::<Rack>("r1");
    assert_eq!((new.status.phase, new.is_ready()), (Phase::Provisioning, false));
    assert_there(&h, counts(2, 0, 0, 0));

    h.advance(ALL_UP).await?;
    assert_complete(&h, counts(2, 8, 16, 8));
    assert!(h.list::<Node>().iter().all(|node| node.status.power == Power::On));
    h.look_away();
    h.advance(ALL_UP * 60).await?;
    h.assert_idle();
    Ok(())
}

#[tokio::test]
async fn dedicated_bmcs_are_one_for_each_node() -> Result<()> {
    let h = grown(BmcMode::Dedicated).await?;
    assert_complete(&h, counts(2, 8, 16, 16));
    let managing: BTreeSet<String> = h.list::<Node>().iter().map(|node| node.spec.bmc.clone()).collect();
    assert_eq!(managing.len(), 16);
    Ok(())
}

#[tokio::test]
async fn a_rack_without_its_template_says_so_and_grows_once_it_is_there() -> Result<()> {
    let h = harness().await?;
    h.apply(rack("r1")).await?;
    h.settle().await?;
    let waiting = h.get::<Rack>("r1");
    let available = waiting.template_available().expect("a condition");
    assert_eq!(
        (waiting.status.phase, available.status, &*available.reason),
        (Phase::Error, ConditionStatus::False, "NotFound")
    );
    assert!(available.message.contains("There is no template small"), "{}", available.message);
    assert_there(&h, Counts::default());

    h.apply(template(2, 4, 2, BmcMode::Shared)).await?;
    h.settle().await?;
    assert_complete(&h, counts(2, 8, 16, 8));
    assert_eq!(h.get::<Rack>("r1").template_available().map(|available| available.status), Some(ConditionStatus::True));
    Ok(())
}

#[tokio::test]
async fn a_rack_follows_its_template_as_it_grows_and_shrinks() -> Result<()> {
    let h = grown(BmcMode::Shared).await?;
    let (blades, nodes) = (uids::<Blade>(&h), uids::<Node>(&h));

    h.apply(template(2, 6, 2, BmcMode::Shared)).await?;
    h.settle().await?;
    assert_complete(&h, counts(2, 12, 24, 12));
    assert!(uids::<Node>(&h).is_superset(&nodes), "what was there stays");

    h.apply(template(2, 4, 2, BmcMode::Shared)).await?;
    h.settle().await?;
    assert_complete(&h, counts(2, 8, 16, 8));
    assert_eq!((uids::<Blade>(&h), uids::<Node>(&h)), (blades, nodes));
    Ok(())
}

#[tokio::test]
async fn a_blade_that_is_deleted_comes_back_with_its_nodes_and_its_bmc() -> Result<()> {
    let h = grown(BmcMode::Shared).await?;
    let old = (h.get::<Blade>("r1-c0-b1"), h.get::<Node>("r1-c0-b1-n0"), h.get::<Bmc>("r1-c0-b1-bmc0"));
    let neighbour = h.get::<Node>("r1-c0-b2-n0");

    h.delete::<Blade>("r1-c0-b1").await?;
    h.settle().await?;
    assert_complete(&h, counts(2, 8, 16, 8));
    assert_ne!(h.get::<Blade>("r1-c0-b1").uid(), old.0.uid());
    assert_ne!(h.get::<Node>("r1-c0-b1-n0").uid(), old.1.uid());
    assert_ne!(h.get::<Bmc>("r1-c0-b1-bmc0").uid(), old.2.uid());
    assert_eq!(h.get::<Node>("r1-c0-b2-n0").metadata, neighbour.metadata, "nobody else notices");
    Ok(())
}

#[tokio::test]
async fn nodes_wait_for_a_bmc_that_is_lost_and_the_rack_says_so() -> Result<()> {
    let h = Harness::start(program(Hardware::of(Duration::from_secs(1)))).await?;
    h.apply(template(1, 1, 2, BmcMode::Dedicated)).await?;
    h.apply(rack("r1")).await?;
    h.advance(ALL_UP).await?;
    assert_complete(&h, counts(1, 1, 2, 2));

    h.delete::<Bmc>("r1-c0-b0-bmc1").await?;
    h.settle().await?;
    let node = h.get::<Node>("r1-c0-b0-n1");
    assert_eq!((node.ready().map(|ready| &*ready.reason), node.status.power), (Some("WaitsForBMC"), Power::On));
    let rack = h.get::<Rack>("r1");
    assert_eq!((rack.status.phase, rack.status.tally.ready), (Phase::Provisioning, counts(0, 0, 1, 1)));

    h.advance(ALL_UP).await?;
    assert_complete(&h, counts(1, 1, 2, 2));
    Ok(())
}

#[tokio::test]
async fn a_rack_that_is_deleted_takes_everything_along_and_switches_it_off_first() -> Result<()> {
    let h = grown(BmcMode::Shared).await?;
    h.apply(rack("r2")).await?;
    h.settle().await?;
    assert_there(&h, counts(4, 16, 32, 16));
    assert_eq!(h.get::<RackTemplate>("small").status.usage_count, 2);

    h.look_away();
    h.delete::<Rack>("r2").await?;
    h.settle().await?;
    assert_complete(&h, counts(2, 8, 16, 8));
    assert_eq!(h.get::<RackTemplate>("small").status.usage_count, 1);
    assert_eq!(h.writes().iter().filter(|write| write.kind == WriteKind::Deleted).count(), 1 + 34);
    assert_eq!(h.events("io.example.node.off").len(), 16, "{}", h.story());
    Ok(())
}

#[tokio::test]
async fn a_template_goes_when_no_rack_uses_it_any_more_and_not_before() -> Result<()> {
    let h = grown(BmcMode::Shared).await?;
    h.delete::<RackTemplate>("small").await?;
    h.settle().await?;
    let template = h.get::<RackTemplate>("small");
    let in_use = template.in_use().expect("a condition");
    assert_eq!((in_use.status, &*in_use.reason), (ConditionStatus::True, "DeletionWaits"));
    assert!(in_use.message.contains("waits for r1"), "{}", in_use.message);
    let rack = h.get::<Rack>("r1");
    let available = rack.template_available().expect("a condition");
    assert_eq!((available.status, &*available.reason), (ConditionStatus::False, "Deleting"));
    assert!(available.message.contains("small is being deleted, and waits for this rack"), "{}", available.message);
    assert_complete(&h, counts(2, 8, 16, 8));

    h.delete::<Rack>("r1").await?;
    h.settle().await?;
    assert!(h.find::<RackTemplate>("small").is_none() && h.list::<Rack>().is_empty());
    assert_there(&h, Counts::default());
    Ok(())
}

#[tokio::test]
async fn a_template_goes_when_its_last_rack_takes_another() -> Result<()> {
    let h = grown(BmcMode::Shared).await?;
    h.delete::<RackTemplate>("small").await?;
    let large = template(3, 4, 2, BmcMode::Shared).spec;
    h.apply(RackTemplate::new("large", large)).await?;
    h.apply(Rack::new("r1", RackSpec { template: "large".into(), ..RackSpec::default() })).await?;
    h.settle().await?;
    assert!(h.find::<RackTemplate>("small").is_none());
    assert_complete(&h, counts(3, 12, 24, 12));
    Ok(())
}

#[tokio::test]
async fn a_template_beyond_the_limits_is_refused() -> Result<()> {
    let h = harness().await?;
    let shared = BmcMode::Shared;
    for (template, path) in [
        (template(0, 1, 1, shared), "spec.chassisCount"),
        (template(43, 1, 1, shared), "spec.chassisCount"),
        (template(1, 0, 1, shared), "spec.chassisConfig.bladeCount"),
        (template(1, 17, 1, shared), "spec.chassisConfig.bladeCount"),
        (template(1, 1, 0, shared), "spec.bladeConfig.nodeCount"),
        (template(1, 1, 9, shared), "spec.bladeConfig.nodeCount"),
    ] {
        let refused = h.apply(template).await.expect_err("it is beyond the limits");
        assert!(refused.to_string().contains(path), "{refused}");
    }
    h.apply(template(42, 16, 8, shared)).await?;
    Ok(())
}

#[tokio::test]
async fn a_rack_goes_on_where_it_was_after_a_restart() -> Result<()> {
    let hardware = Hardware::of(Duration::from_secs(1));
    let h = Harness::start(program(hardware)).await?;
    h.apply(template(2, 4, 2, BmcMode::Shared)).await?;
    h.apply(rack("r1")).await?;
    h.advance(Duration::from_secs(4)).await?;
    h.controller().stop().await?;
    let (blades, nodes) = (uids::<Blade>(&h), uids::<Node>(&h));
    assert!(!nodes.is_empty() && h.get::<Rack>("r1").status.phase == Phase::Provisioning);

    let restarted = Harness::start_on(h.store().clone(), program(hardware)).await?;
    restarted.advance(ALL_UP).await?;
    assert_complete(&restarted, counts(2, 8, 16, 8));
    assert!(uids::<Blade>(&restarted).is_superset(&blades) && uids::<Node>(&restarted).is_superset(&nodes));
    restarted.controller().stop().await?;

    let idle = Harness::start_on(restarted.store().clone(), program(hardware)).await?;
    idle.settle().await?;
    idle.assert_idle();
    Ok(())
}

#[tokio::test]
async fn machines_take_their_time_since_they_were_switched_on_and_no_two_the_same() {
    tokio::time::pause();
    let (since, takes) = (Some(Timestamp::now()), Duration::from_secs(10));
    let left = hardware::left("a", since, takes).expect("time");
    assert!(left >= takes && left <= takes * 2 && hardware::left("b", since, takes) != Some(left));
    tokio::time::advance(takes).await;
    assert_eq!(hardware::left("a", since, takes).unwrap_or_default() + takes, left);
    tokio::time::advance(takes).await;
    assert_eq!(hardware::left("a", since, takes), None);
}

#[tokio::test]
async fn a_rack_gets_there_whatever_happens_on_the_way() {
    explore()
        .state(|| Hardware::of(Duration::from_secs(1)))
        .given(template(1, 1, 1, BmcMode::Shared))
        .step("grow", async |client| client.apply(rack("r1")).await)
        .step("delete", async |client| {
            let (rack, template) =
                (client.get_by_name::<Rack>("", "r1"), client.get_by_name::<RackTemplate>("", "small"));
            client.delete::<RackTemplate>(template.await?.uid().clone()).await?;
            client.delete::<Rack>(rack.await?.uid().clone()).await
        })
        .always("a template that racks are made of stays", |objects| {
            objects.list::<Rack>().is_empty() || !objects.list::<RackTemplate>().is_empty()
        })
        .run()
        .await
        .assert_clean();
}
