//! What can't be opened says so, names the file and the way out, and stays as it is.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use fabrica::ErrorKind;
use fabrica::store::{EmbeddedStore, Revision, Store, Transaction};
use futures_util::future::join_all;
use rusqlite::Connection;

use crate::{Folder, file, folder, open};

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
    let store = open(folder);
    let put = |i: usize| store.txn(Transaction::new().put(format!("/{i}"), format!("{i:0500}")));
    for answer in join_all((0..2000).map(put)).await {
        answer.unwrap();
    }
}

#[test]
fn a_missing_folder_is_named() {
    let folder = folder();
    refused(&folder.path().join("none").join("fabrica.db"), &["make the folder", "none"]);
}

#[test]
fn a_folder_that_can_not_be_written_is_named() {
    // Nobody can make a file there, not even root.
    refused(Path::new("/proc/self/fabrica.db"), &["can't be written", "make the folder and the file writable"]);
}

#[test]
fn a_folder_is_no_file() {
    let folder = folder();
    refused(folder.path(), &["it is not a file"]);
}

#[test]
fn a_file_that_is_no_database_is_foreign() {
    let folder = folder();
    fs::write(file(&folder), "apiVersion: v1\n".repeat(1000)).unwrap();
    refused(&file(&folder), &["not a database of Fabrica", "move this one away"]);
}

#[test]
fn the_database_of_another_program_is_foreign() {
    let folder = folder();
    Connection::open(file(&folder)).unwrap().execute_batch("CREATE TABLE log (id INTEGER PRIMARY KEY)").unwrap();
    refused(&file(&folder), &["database of another program", "move this one away"]);
}

#[test]
fn a_newer_format_is_not_touched() {
    let folder = folder();
    drop(open(&folder));
    Connection::open(file(&folder)).unwrap().pragma_update(None, "user_version", 2).unwrap();
    refused(&file(&folder), &["its format is 2", "newer program"]);
}

#[test]
fn an_empty_file_is_not_an_empty_store() {
    let folder = folder();
    fs::write(file(&folder), "").unwrap();
    refused(&file(&folder), &["it is damaged", "restore a backup"]);
}

#[tokio::test]
async fn a_truncated_file_is_damaged_wherever_it_ends() {
    let folder = folder();
    filled(&folder).await;
    let size = fs::metadata(file(&folder)).unwrap().len();
    // Cut within the last page, at pages, and within the first one.
    for end in [size - 1, size - 4096, size / 2, 4096 * 3, 4096, 100, 16, 1] {
        let cut = folder.path().join("cut.db");
        fs::copy(file(&folder), &cut).unwrap();
        fs::File::options().write(true).open(&cut).unwrap().set_len(end).unwrap();
        let error = EmbeddedStore::open(&cut).expect_err("it was opened").to_string();
        assert!(error.contains("cut.db") && error.contains("move"), "cut at {end} of {size}: {error}");
    }
}

#[tokio::test]
async fn a_missing_file_beside_its_log_is_not_an_empty_store() {
    let folder = folder();
    let store = open(&folder);
    store.txn(Transaction::new().put("/a", "1")).await.unwrap();
    let lost = folder.path().join("lost.db");
    fs::copy(folder.path().join("fabrica.db-wal"), folder.path().join("lost.db-wal")).unwrap();
    refused(&lost, &["it is missing", "lost.db-wal", "restore a backup"]);
    assert!(!lost.exists());
}

#[tokio::test]
async fn a_bit_that_flipped_is_found() {
    let folder = folder();
    filled(&folder).await;
    let whole = fs::read(file(&folder)).unwrap();
    let place = whole.windows(8).rposition(|bytes| bytes == b"00001234").unwrap();
    let damaged = fs::File::options().write(true).open(file(&folder)).unwrap();
    damaged.write_all_at(&[whole[place] ^ 1], place as u64).unwrap();
    refused(&file(&folder), &["it is damaged", "not as it was written", "restore a backup"]);
}

/// The revision could go back by it.
#[test]
fn a_bit_that_flipped_where_the_revision_is_kept_is_found() {
    let folder = folder();
    drop(EmbeddedStore::options().revision_at_least(Revision::new(0x1234_5678)).open(file(&folder)).unwrap());
    let whole = fs::read(file(&folder)).unwrap();
    let place = whole.windows(4).position(|bytes| bytes == 0x1234_5678_u32.to_be_bytes()).unwrap();
    let damaged = fs::File::options().write(true).open(file(&folder)).unwrap();
    damaged.write_all_at(&[whole[place] ^ 2], place as u64).unwrap();
    refused(
        &file(&folder),
        &["it is damaged", "where its history begins is not as it was written", "restore a backup"],
    );
}

#[tokio::test]
async fn a_row_that_is_missing_is_found() {
    let folder = folder();
    filled(&folder).await;
    let conn = Connection::open(file(&folder)).unwrap();
    conn.execute("DELETE FROM log WHERE id / 128 = 1000", []).unwrap();
    drop(conn);
    refused(&file(&folder), &["it is damaged", "missing"]);
}

#[tokio::test]
async fn pages_that_do_not_belong_together_are_found() {
    let folder = folder();
    filled(&folder).await;
    // The root of the log says that it has a child less: the rows of that one are gone without a trace in the others.
    let conn = Connection::open(file(&folder)).unwrap();
    let root: u32 =
        conn.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'log'", [], |row| row.get(0)).unwrap();
    drop(conn);
    let damaged = fs::File::options().read(true).write(true).open(file(&folder)).unwrap();
    let place = u64::from(root - 1) * 4096;
    let mut head = [0; 14];
    damaged.read_exact_at(&mut head, place).unwrap();
    assert_eq!(head[0], 5, "it is an inner page");
    let children = u16::from_be_bytes([head[3], head[4]]);
    damaged.write_all_at(&(children - 1).to_be_bytes(), place + 3).unwrap();
    // With so small a window no gap in the history can tell.
    let opened = EmbeddedStore::options().watch_window(1).open(file(&folder));
    let error = opened.expect_err("it was opened").to_string();
    assert!(error.contains("it is damaged") && error.contains("restore a backup"), "{error}");
}

#[test]
fn a_store_is_opened_once() {
    let folder = folder();
    let store = open(&folder);
    let error = EmbeddedStore::open(file(&folder)).expect_err("it was opened twice").to_string();
    let holder = format!("it is in use by the process {}", std::process::id());
    assert!(error.contains(&holder) && error.contains("fabrica.db"), "{error}");
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(file(&folder), &link).unwrap();
    assert!(EmbeddedStore::open(&link).is_err(), "it was opened by another name");
    let clone = store.clone();
    drop(store);
    assert!(EmbeddedStore::open(file(&folder)).is_err(), "a clone keeps it");
    drop(clone);
    open(&folder);
}

#[test]
fn a_store_that_died_while_it_was_made_is_made_anew() {
    let folder = folder();
    fs::write(folder.path().join("fabrica.db.new"), "half").unwrap();
    open(&folder);
}
