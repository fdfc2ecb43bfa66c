//! A kind that owns another, and a scenario with both.

use fabrica::prelude::*;
use fabrica::reconciler::Reconciler;
use fabrica::testing::{Explore, explore};

/// A thing that wants children.
#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", conditions(Ready), register = false)]
pub struct Parent {
    pub metadata: Metadata,
    pub spec: ParentSpec,
    pub status: ParentStatus,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ParentSpec {
    pub value: u32,
    pub children: usize,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ParentStatus {
    pub value: u32,
    pub child: Option<String>,
    pub history: Vec<u32>,
    pub seen_at: Option<Timestamp>,
    pub conditions: Conditions,
}

/// A child.
#[derive(Clone, Debug, Resource)]
#[resource(group = "tests.example.io", version = "v1", register = false)]
pub struct Child {
    pub metadata: Metadata,
    pub spec: ChildSpec,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ChildSpec {
    pub value: u32,
}

pub fn parent(value: u32, children: usize) -> Parent {
    Parent::new("p", ParentSpec { value, children })
}

/// A child with a name that says which it is.
pub fn child(parent: &Parent, number: usize) -> Child {
    Child::new(format!("{}-{number}", parent.name()), ChildSpec { value: parent.spec.value })
}

/// A child with a generated name, which belongs to its parent.
pub fn nameless(parent: &Parent) -> Child {
    let mut child = Child::new("", ChildSpec { value: parent.spec.value });
    child.metadata.generate_name = format!("{}-", parent.name());
    child.metadata.owner_references.push(fabrica::resource::OwnerReference::to_controller(parent));
    child
}

/// A parent comes, wants more, and goes.
pub fn life_of_a_parent<R: Reconciler>() -> Explore {
    explore()
        .reconciler::<R>()
        .resource::<Child>()
        .step("create", async |client| client.apply(parent(1, 1)).await)
        .step("change", async |client| client.apply(parent(2, 2)).await)
}

pub async fn delete_parent(client: fabrica::client::Client) -> Result<()> {
    let uid = client.get_by_name::<Parent>("", "p").await?.uid().clone();
    client.delete::<Parent>(uid).await
}
