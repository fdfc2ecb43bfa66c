//! The disk keeps what it must, and can lose all that it may.

use fabrica_tests::folder::Folder;

use super::super::inode::SECTOR;
use super::*;

/// A disk with a file that holds `a`s, synced, and was then overwritten with `b`s, not synced.
fn overwritten(seed: u64, folder: &Folder) -> (Disk, Opened) {
    let disk = Disk::new(seed, None);
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true);
    let mut opened = disk.lock().open(&folder.path().join("x-wal"), &options, true).unwrap();
    disk.lock().write(&opened, &[b'a'; 4 * SECTOR], 0).unwrap();
    disk.lock().sync(&mut opened).unwrap();
    disk.lock().write(&opened, &[b'b'; 4 * SECTOR], SECTOR as u64 / 2).unwrap();
    (disk, opened)
}

fn survivor(disk: &Disk) -> Vec<u8> {
    let after = Folder::in_memory("disk").unwrap();
    disk.survivors(after.path()).unwrap();
    fs::read(after.path().join("x-wal")).unwrap()
}

#[test]
fn what_was_synced_survives_and_any_part_of_the_rest() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..500 {
        let folder = Folder::in_memory("disk").unwrap();
        let bytes = survivor(&overwritten(seed, &folder).0);
        assert_eq!(bytes[..SECTOR / 2], [b'a'; SECTOR / 2], "seed {seed}: bytes that nobody wrote have changed");
        // What each sector of the write begins with, if it is there.
        let begins = [SECTOR / 2, SECTOR, 2 * SECTOR, 3 * SECTOR, 4 * SECTOR].map(|at| match bytes.get(at) {
            None => '-',
            Some(0) => '0',
            Some(byte @ (b'a' | b'b')) => char::from(*byte),
            Some(_) => '?',
        });
        seen.insert(begins.iter().collect::<String>());
    }
    // Nothing, everything, the first alone, the last alone, the size alone, garbage.
    for part in ["aaaa-", "bbbbb", "baaa", "aaab", "aaaa0", "?"] {
        assert!(seen.iter().any(|begins| begins.contains(part)), "{part} was never left: {seen:?}");
    }
}

#[test]
fn all_that_was_synced_survives_whatever_comes_after() {
    for seed in 0..50 {
        let folder = Folder::in_memory("disk").unwrap();
        let (disk, mut opened) = overwritten(seed, &folder);
        disk.lock().sync(&mut opened).unwrap();
        assert_eq!(survivor(&disk)[SECTOR / 2..], [b'b'; 4 * SECTOR]);
    }
}

#[test]
fn what_a_failed_sync_did_not_bring_to_the_disk_the_next_one_does_not() {
    for how in [FailedSync::Forgotten, FailedSync::Reverted] {
        let lost = (0..50).filter(|seed| {
            let folder = Folder::in_memory("disk").unwrap();
            let (disk, mut opened) = overwritten(*seed, &folder);
            disk.fail_sync(Part::Wal, how, None);
            assert!(disk.lock().sync(&mut opened).is_err());
            disk.lock().sync(&mut opened).unwrap();
            let mut read = [0; SECTOR];
            disk.lock().read(&opened, &mut read, SECTOR as u64).unwrap();
            let survivor = survivor(&disk);
            let is_lost = survivor[SECTOR..2 * SECTOR] != [b'b'; SECTOR];
            match how {
                FailedSync::Forgotten => assert_eq!(read, [b'b'; SECTOR]),
                FailedSync::Reverted => assert_eq!(read, survivor[SECTOR..2 * SECTOR]),
            }
            is_lost
        });
        assert!((5..45).contains(&lost.count()));
    }
}

#[test]
fn a_name_is_safe_once_its_folder_was_synced() {
    let survives = |syncs: bool| {
        (0..50).filter(move |seed| {
            let folder = Folder::in_memory("disk").unwrap();
            let (disk, path) = (Disk::new(*seed, None), folder.path().join("x-wal"));
            let mut options = fs::OpenOptions::new();
            options.read(true).write(true).create(true);
            let mut opened = disk.lock().open(&path, &options, true).unwrap();
            if syncs {
                disk.lock().sync(&mut opened).unwrap();
            }
            let after = Folder::in_memory("disk").unwrap();
            disk.survivors(after.path()).unwrap();
            after.path().join("x-wal").exists()
        })
    };
    assert_eq!(survives(true).count(), 50);
    assert!((5..45).contains(&survives(false).count()));
}
