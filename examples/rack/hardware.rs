//! The machines themselves, simulated: all that they do is to take their time.

use fabrica::prelude::*;

/// How long each kind of machine takes to come up, at the least; some take up to twice as long.
#[derive(Clone, Copy, Debug)]
pub struct Hardware {
    pub chassis: Duration,
    pub blade: Duration,
    pub bmc: Duration,
    pub node: Duration,
}

impl Hardware {
    /// Machines of which the fastest are up after `unit`; zero is for tests.
    pub fn of(unit: Duration) -> Self {
        Self { chassis: unit, blade: unit * 3 / 2, bmc: unit * 3 / 2, node: unit * 5 / 2 }
    }
}

/// What is left of the time that a machine needs since it was switched on; `None` once it is up.
///
/// It is told by the clock from what is stored, so that it goes on where it was after a restart.
pub fn left(name: &str, since: Option<Timestamp>, takes: Duration) -> Option<Duration> {
    let takes = takes + takes * spread(name) / 100;
    let left = takes.saturating_sub(Timestamp::now().since(since.unwrap_or_else(Timestamp::now)));
    (!left.is_zero()).then_some(left)
}

/// By how many percent a machine is slower than the fastest: the same for the same name each time.
fn spread(name: &str) -> u32 {
    name.bytes().fold(7, |hash: u32, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) % 100
}
