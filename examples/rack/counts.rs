//! How many of everything there are, added up from the blades to the rack.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use fabrica::prelude::*;

/// So many of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counts {
    pub chassis: u32,
    pub blades: u32,
    pub nodes: u32,
    pub bmcs: u32,
}

/// What there is below an object, and how much of it is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tally {
    pub total: Counts,
    pub ready: Counts,
}

impl Tally {
    /// Is all that there should be there and ready, and nothing else?
    pub fn is_complete(&self, wanted: Counts) -> bool {
        self.total == wanted && self.ready == wanted
    }

    /// How far it is from what there should be.
    pub fn progress(&self, wanted: Counts) -> String {
        let Self { ready, total } = self;
        format!("ready: {ready}; there: {total}; wanted: {wanted}")
    }
}

/// Is it ready as its spec now stands? What the condition says may be from before the last change.
pub fn is_ready(object: &impl Conditioned) -> bool {
    let metadata = object.metadata();
    let ready = object.condition("Ready").filter(|ready| ready.status == ConditionStatus::True);
    !metadata.is_deleting() && ready.is_some_and(|ready| ready.observed_generation == Some(metadata.generation))
}

/// 1 for something that is so, 0 for something that isn't.
pub fn one_if(holds: bool) -> u32 {
    u32::from(holds)
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            chassis: self.chassis + other.chassis,
            blades: self.blades + other.blades,
            nodes: self.nodes + other.nodes,
            bmcs: self.bmcs + other.bmcs,
        }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { total: self.total + other.total, ready: self.ready + other.ready }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chassis, blades, nodes, bmcs } = self;
        let named = [(chassis, "chassis"), (blades, "blades"), (nodes, "nodes"), (bmcs, "BMCs")];
        let mut parts = named.iter().filter(|(count, _)| **count > 0);
        let Some((count, name)) = parts.next() else { return f.write_str("nothing") };
        write!(f, "{count} {name}")?;
        parts.try_for_each(|(count, name)| write!(f, ", {count} {name}"))
    }
}
