//! What can't be opened says so, names the file and the way out, and stays as it is.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use fabrica::ErrorKind;
use fabrica::store::{EmbeddedStore, Store, Transaction};
use rusqlite::Connection;

use crate::folder::Folder;

/// Opening fails, in these words among others, and does not touch the file.
#[track_caller]
fn refused(file: &Path, words: &[&str]) {
    let before = fs::read(file).ok();
    let error = EmbeddedStore::open(file).expect_err("it was opened");
    assert_eq!(error.kind(), &ErrorKind::Startup);
    let message = error.to_string();
    for word in words.iter().copied().chain([file.file_name().unwrap().to_str().unwrap()]) {
        assert!(message.contains(word), "\"{word}\" is not in: {message}");
    }
    assert!(fs::read(file).ok() == before, "the file has changed");
}

async fn filled(folder: &Folder) {
    let store = folder.open();
    for i in 0..2000 {
        store.txn(Transaction::new().put(format!("/{i}"), format!("{i:0500}"))).await.unwrap();
    }
}

#[test]
fn a_missing_folder_is_named() {
    let folder = Folder::new();
    refused(&folder.path().join("none").join("fabrica.db"), &["make the folder", "none"]);
}

#[test]
fn a_folder_that_can_not_be_written_is_named() {
    // Nobody can make a file there, not even root.
    refused(Path::new("/proc/self/fabrica.db"), &["can't be written", "make the folder and the file writable"]);
}

#[test]
fn a_folder_is_no_file() {
    let folder = Folder::new();
    refused(folder.path(), &["it is not a file"]);
}

#[test]
fn a_file_that_is_no_database_is_foreign() {
    let folder = Folder::new();
    fs::write(folder.file(), "apiVersion: v1\n".repeat(1000)).unwrap();
    refused(&folder.file(), &["not a database of Fabrica", "move this one away"]);
}

#[test]
fn the_database_of_another_program_is_foreign() {
    let folder = Folder::new();
    Connection::open(folder.file()).unwrap().execute_batch("CREATE TABLE log (id INTEGER PRIMARY KEY)").unwrap();
    refused(&folder.file(), &["database of another program", "move this one away"]);
}

#[test]
fn a_newer_format_is_not_touched() {
    let folder = Folder::new();
    drop(folder.open());
    Connection::open(folder.file()).unwrap().pragma_update(None, "user_version", 2).unwrap();
    refused(&folder.file(), &["its format is 2", "newer program"]);
}

#[test]
fn an_empty_file_is_not_an_empty_store() {
    let folder = Folder::new();
    fs::write(folder.file(), "").unwrap();
    refused(&folder.file(), &["it is damaged", "restore a backup"]);
}

#[tokio::test]
async fn a_truncated_file_is_damaged_wherever_it_ends() {
    let folder = Folder::new();
    filled(&folder).await;
    let size = fs::metadata(folder.file()).unwrap().len();
    for part in [0.999, 0.9, 0.5, 0.1, 0.01, 0.0001] {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let end = (size as f64 * part) as u64;
        let cut = folder.path().join("cut.db");
        fs::copy(folder.file(), &cut).unwrap();
        fs::File::options().write(true).open(&cut).unwrap().set_len(end).unwrap();
        let error = EmbeddedStore::open(&cut).expect_err("it was opened").to_string();
        assert!(error.contains("cut.db") && error.contains("move"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_file_beside_its_log_is_not_an_empty_store() {
    let folder = Folder::new();
    let store = folder.open();
    store.txn(Transaction::new().put("/a", "1")).await.unwrap();
    let lost = folder.path().join("lost.db");
    fs::copy(folder.path().join("fabrica.db-wal"), folder.path().join("lost.db-wal")).unwrap();
    refused(&lost, &["it is missing", "lost.db-wal", "restore a backup"]);
    assert!(!lost.exists());
}

#[tokio::test]
async fn a_bit_that_flipped_is_found() {
    let folder = Folder::new();
    filled(&folder).await;
    let whole = fs::read(folder.file()).unwrap();
    let place = whole.windows(8).rposition(|bytes| bytes == b"00001234").unwrap();
    let file = fs::File::options().write(true).open(folder.file()).unwrap();
    file.write_all_at(&[whole[place] ^ 1], place as u64).unwrap();
    refused(&folder.file(), &["it is damaged", "not as it was written", "restore a backup"]);
}

#[tokio::test]
async fn a_row_that_is_missing_is_found() {
    let folder = Folder::new();
    filled(&folder).await;
    let conn = Connection::open(folder.file()).unwrap();
    conn.execute("DELETE FROM log WHERE id / 128 = 1000", []).unwrap();
    drop(conn);
    refused(&folder.file(), &["it is damaged", "missing"]);
}

#[test]
fn a_store_is_opened_once() {
    let folder = Folder::new();
    let store = folder.open();
    let error = EmbeddedStore::open(folder.file()).expect_err("it was opened twice").to_string();
    let holder = format!("it is in use by the process {}", std::process::id());
    assert!(error.contains(&holder) && error.contains("fabrica.db"), "{error}");
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(folder.file(), &link).unwrap();
    assert!(EmbeddedStore::open(&link).is_err(), "it was opened by another name");
    let clone = store.clone();
    drop(store);
    assert!(EmbeddedStore::open(folder.file()).is_err(), "a clone keeps it");
    drop(clone);
    folder.open();
}

#[test]
fn a_store_that_died_while_it_was_made_is_made_anew() {
    let folder = Folder::new();
    fs::write(folder.path().join("fabrica.db.new"), "half").unwrap();
    folder.open();
}
