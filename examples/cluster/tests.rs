//! What the cluster does, without waiting for it: time stands still until everybody waits, then jumps.

use std::sync::Arc;

use fabrica::client::Patch;
use fabrica::testing::{Harness, explore};
use serde_json::json;

use super::cluster::{Cluster, ClusterSpec};
use super::node::{Node, NodeState, Power};
use fabrica::prelude::*;

const BOOT: Duration = Duration::from_secs(5);

fn lab<const N: usize>(nodes: [&str; N]) -> Cluster {
    let nodes = nodes.map(str::to_owned).into();
    Cluster::new("lab", ClusterSpec { nodes, power: Power::On, boot_seconds: 5 })
}

/// A cluster of three nodes, all ready.
async fn ready() -> Result<Harness> {
    let h = Harness::start(Controller::discover()).await?;
    h.apply(lab(["a", "b", "c"])).await?;
    h.settle().await?;
    h.advance(BOOT).await?;
    assert!(h.get::<Cluster>("lab").is_ready(), "{}", h.story());
    h.look_away();
    Ok(h)
}

fn message(h: &Harness) -> String {
    h.get::<Cluster>("lab").ready().map(|ready| ready.message.clone()).unwrap_or_default()
}

fn names(h: &Harness) -> Vec<String> {
    h.list::<Node>().iter().map(|node| node.name().to_owned()).collect()
}

#[tokio::test]
async fn a_cluster_makes_its_nodes_and_is_ready_when_they_are() -> Result<()> {
    let h = Harness::start(Controller::discover()).await?;
    h.apply(lab(["a", "b"])).await?;
    h.settle().await?;
    assert_eq!(names(&h), ["lab-a", "lab-b"]);
    assert_eq!(message(&h), "0 of 2 nodes are ready, not so lab-a, lab-b");

    h.advance(BOOT).await?;
    assert_eq!(message(&h), "2 of 2 nodes are ready");
    let owner = &h.get::<Node>("lab-a").metadata.owner_references[0];
    assert_eq!((&owner.uid, owner.controller), (h.get::<Cluster>("lab").uid(), true));

    h.look_away();
    h.reconcile_all().await?;
    h.assert_idle();
    Ok(())
}

#[tokio::test]
async fn a_change_of_a_node_wakes_its_cluster_and_the_count_follows() -> Result<()> {
    let h = ready().await?;
    // The machine lost its power: somebody saw it, and says so in the status.
    let uid = h.get::<Node>("lab-b").uid().clone();
    h.client().patch_status::<Node>(uid, Patch::Merge(json!({ "status": { "state": "Off" } }))).await?;
    h.settle().await?;
    assert_eq!(h.get::<Node>("lab-b").status.state, NodeState::Booting, "it is switched on again");
    assert_eq!(message(&h), "2 of 3 nodes are ready, not so lab-b");
    assert_eq!(h.get::<Cluster>("lab").status.ready_nodes, 2);

    h.advance(BOOT).await?;
    assert_eq!(message(&h), "3 of 3 nodes are ready");
    Ok(())
}

#[tokio::test]
async fn a_node_that_is_deleted_by_hand_comes_back() -> Result<()> {
    let h = ready().await?;
    h.delete::<Node>("lab-b").await?;
    h.settle().await?;
    assert_eq!(names(&h), ["lab-a", "lab-b", "lab-c"]);
    assert_eq!(h.writes()[..2], ["deleted Node lab-b", "created Node lab-b"]);
    assert_eq!(message(&h), "2 of 3 nodes are ready, not so lab-b");
    Ok(())
}

#[tokio::test]
async fn a_node_that_is_changed_by_hand_is_put_right() -> Result<()> {
    let h = ready().await?;
    let uid = h.get::<Node>("lab-b").uid().clone();
    h.client().patch::<Node>(uid, Patch::Merge(json!({ "spec": { "power": "off" } }))).await?;
    h.settle().await?;
    assert_eq!(h.get::<Node>("lab-b").spec.power, Power::On);
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_taken_away_takes_its_node_and_no_other() -> Result<()> {
    let h = ready().await?;
    h.apply(lab(["a", "c"])).await?;
    h.settle().await?;
    h.assert_writes(["updated Cluster lab", "deleted Node lab-b", "status Cluster lab"]);
    assert_eq!(message(&h), "2 of 2 nodes are ready");
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_is_switched_off_switches_off_its_nodes() -> Result<()> {
    let h = ready().await?;
    let mut off = lab(["a", "b", "c"]);
    off.spec.power = Power::Off;
    h.apply(off).await?;
    h.settle().await?;
    assert!(h.list::<Node>().iter().all(|node| node.status.state == NodeState::Off));
    assert_eq!(message(&h), "0 of 3 nodes are ready, not so lab-a, lab-b, lab-c");
    Ok(())
}

#[tokio::test]
async fn the_nodes_go_with_their_cluster_and_those_of_others_stay() -> Result<()> {
    let h = ready().await?;
    let mut other = lab(["a"]);
    other.metadata.name = "other".into();
    h.apply(other).await?;
    h.settle().await?;
    h.delete::<Cluster>("lab").await?;
    h.settle().await?;
    assert_eq!(names(&h), ["other-a"]);
    Ok(())
}

#[tokio::test]
async fn a_cluster_without_nodes_or_with_a_name_that_is_none_is_refused() -> Result<()> {
    let h = Harness::start(Controller::discover()).await?;
    for (cluster, path) in [(lab([]), "spec.nodes"), (lab(["a", "B!"]), "spec.nodes[0]")] {
        let Err(error) = h.apply(cluster).await else { panic!("it is taken") };
        assert_eq!(error.faults()[0].path, path, "{error}");
    }
    h.assert_idle();
    Ok(())
}

#[tokio::test]
async fn a_cluster_gets_there_whatever_happens_on_the_way() {
    explore()
        .step("create", async |client| client.apply(lab(["a", "b"])).await)
        .step("change", async |client| client.apply(lab(["b", "c"])).await)
        .step("delete", async |client| {
            let uid = client.get_by_name::<Cluster>("", "lab").await?.uid().clone();
            client.delete::<Cluster>(uid).await
        })
        .always("no node but those of a cluster", |objects| {
            let is_owned = |node: &Arc<Node>| !node.metadata.owner_references.is_empty();
            objects.list::<Node>().iter().all(is_owned)
        })
        .strict()
        .run()
        .await
        .assert_clean();
}
