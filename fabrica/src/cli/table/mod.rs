//! The live table of `run`: what there is, and how it does.

mod columns;
mod render;
mod screen;
mod tree;

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::warn;

use columns::Columns;
use render::{Section, render};
pub(super) use screen::Screen;

use crate::client::Client;
use crate::resource::Timestamp;

/// How often the objects are looked at. If none changed, nothing is drawn but their ages.
const FRAME: Duration = Duration::from_millis(200);
/// How often the ages are drawn anew.
const AGES: Duration = Duration::from_secs(1);
/// How large a terminal is taken for that doesn't say its size.
const USUAL: (u16, u16) = (80, 24);

/// Draws the table, and draws it anew when something changed, until it is dropped.
pub(super) async fn show(client: Client, screen: Screen) {
    let kinds: Vec<Columns> =
        client.kinds().iter().filter(|type_| !type_.is_built_in()).map(|type_| Columns::of(type_)).collect();
    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut drawn = None;
    loop {
        frames.tick().await;
        let size = crossterm::terminal::size().unwrap_or(USUAL);
        let state = (client.seen(), size);
        if drawn.is_some_and(|(last, at): (_, Instant)| last == state && at.elapsed() < AGES) {
            continue;
        }
        drawn = Some((state, Instant::now()));
        let (width, height) = (usize::from(size.0), usize::from(size.1));
        // The log has the upper part of the terminal, or at least a few lines of it.
        let room = (height * 2 / 3).min(height.saturating_sub(4)).max(1);
        let sections = sections(&client, &kinds, room, Timestamp::now());
        if let Err(error) = screen.draw(render(&sections, width, room)) {
            screen.leave();
            warn!("The live table ends: the terminal can't be written: {error}");
            return;
        }
    }
}

/// More objects than this are shown by kind: to show each below its owner, all have to be read.
const MOST_IN_A_TREE: usize = 500;

/// What is shown: each object below its owner, and the kinds that have to do with no other by themselves.
fn sections(client: &Client, kinds: &[Columns], room: usize, now: Timestamp) -> Vec<Section> {
    let total: usize = kinds.iter().map(|kind| kind.count(client)).sum();
    if total > MOST_IN_A_TREE {
        return kinds.iter().map(|kind| kind.section(client, &kind.objects(client, room), now)).collect();
    }
    let objects: Vec<_> = kinds.iter().map(|kind| (kind, kind.objects(client, total))).collect();
    let (below_owners, alone): (Vec<_>, Vec<_>) = {
        let related = tree::related(objects.iter().map(|(kind, objects)| (*kind, objects.as_slice())));
        objects.into_iter().zip(related).partition(|(_, is_related)| *is_related)
    };
    let alone = alone.iter().map(|((kind, objects), _)| kind.section(client, objects, now));
    let tree = tree::section(below_owners.iter().map(|((kind, objects), _)| (*kind, objects.as_slice())), now);
    alone.chain(tree).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::ClientSettings;
    use crate::event::EventBus;
    use crate::resource::sample::{Device, DeviceSpec};
    use crate::resource::{Namespace, OwnerReference, Resource};
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn kinds_that_own_no_other_stand_by_themselves_and_so_do_all_if_there_are_too_many_for_a_tree() {
        let types = vec![Device::TYPE];
        let client = Client::start(Arc::new(MemoryStore::new()), types, EventBus::new(), ClientSettings::default());
        let client = client.await.unwrap();
        let kinds = [Columns::of(Namespace::TYPE), Columns::of(Device::TYPE)];
        let shown = |room| sections(&client, &kinds, room, Timestamp::now());
        let depths = |section: &Section| section.rows.iter().map(|row| row.depth).collect::<Vec<_>>();

        let owner = client.create(Device::new("a", DeviceSpec::default())).await.unwrap();
        assert_eq!(shown(9).iter().map(depths).collect::<Vec<_>>(), [[0], [0]], "nobody owns anything");

        let mut child = Device::new("b", DeviceSpec::default());
        child.metadata.owner_references.push(OwnerReference::to_controller(&*owner));
        client.create(child).await.unwrap();
        let titles = shown(9).iter().map(|section| (section.title.clone(), depths(section))).collect::<Vec<_>>();
        assert_eq!(titles, [("Namespace (1)".to_owned(), vec![0]), ("Device (2)".to_owned(), vec![0, 1])]);

        for number in 0..MOST_IN_A_TREE {
            client.create(Device::new(&format!("d{number}"), DeviceSpec::default())).await.unwrap();
        }
        let sections = shown(9);
        assert_eq!((sections[1].total, depths(&sections[1])), (MOST_IN_A_TREE + 2, vec![0; 9]));
    }
}
