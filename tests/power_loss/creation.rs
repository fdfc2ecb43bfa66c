//! The power goes while a store's file is made.
//!
//! The file is made under another name, which it keeps until all of it is on the disk. So the folder holds what is
//! left of a file of that name, or a whole one.

use std::fs;

use fabrica::store::{EmbeddedStore, Revision, Store};
use fabrica_tests::folder::Folder;
use fabrica_tests::random::Random;

use super::scenario::block_on;

/// What is left of a file: some sectors of it, or anything else.
fn torn(random: &mut Random, whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole[..usize::try_from(random.below(whole.len() as u64 + 1)).unwrap()].to_vec();
    for sector in bytes.chunks_mut(512) {
        match random.below(4) {
            0 => sector.fill(0),
            1 => random.fill(sector),
            _ => {}
        }
    }
    bytes
}

#[test]
fn what_is_left_of_a_file_that_was_being_made_is_not_in_the_way() {
    let made = Folder::in_memory("creation").unwrap();
    let whole = made.path().join(EmbeddedStore::FILE_NAME);
    drop(EmbeddedStore::open(&whole).unwrap());
    let whole = fs::read(whole).unwrap();
    for seed in 0..50 {
        let mut random = Random::new(seed);
        let folder = Folder::in_memory("creation").unwrap();
        for suffix in [".new", ".new-wal", ".new-journal", ".new-shm"] {
            if random.percent(70) {
                let left = folder.path().join(format!("{}{suffix}", EmbeddedStore::FILE_NAME));
                fs::write(left, torn(&mut random, &whole)).unwrap();
            }
        }
        for revision in [0, 1] {
            let store = EmbeddedStore::open(folder.path().join(EmbeddedStore::FILE_NAME))
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            block_on(async {
                assert_eq!(store.revision().await.unwrap(), Revision::new(revision), "seed {seed}");
                let put = fabrica::store::Transaction::new().put("/a", revision.to_string());
                assert_eq!(store.txn(put).await.unwrap(), Revision::new(revision + 1), "seed {seed}");
                Ok(())
            })
            .unwrap();
        }
    }
}
