//! Opens an embedded store, says what it holds, and writes to it as fast as it can until it is killed.
//!
//! `writer FILE SEED WRITERS` prints `entry KEY CREATED MODIFIED VALUE` for each entry, `opened REVISION`, and then
//! `done WRITER SEQUENCE REVISION` for each transaction that the store acknowledged. With `early` as a fourth argument
//! it says so before the store does.

use std::env::args;
use std::error::Error;
use std::fmt::Write as _;
use std::str::FromStr;

use fabrica::store::{EmbeddedStore, Guard, Key, Page, Store};
use fabrica_tests::ledger::Attempt;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let early = args().nth(4).is_some_and(|word| word == "early");
    let file: String = argument(1)?;
    let (seed, writers) = (argument(2)?, argument(3)?);
    let store = EmbeddedStore::open(file)?;
    let page = store.list(&Key::EVERYTHING, Page::all()).await?;
    for entry in page.entries {
        let value = entry.value.iter().try_fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}")?;
            Ok::<_, std::fmt::Error>(text)
        })?;
        println!("entry {} {} {} {value}", entry.key, entry.created, entry.modified);
    }
    println!("opened {}", page.revision);

    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..writers {
        tasks.spawn(write(store.clone(), seed, writer, early));
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

fn argument<T: FromStr>(place: usize) -> Result<T, String> {
    let text = args().nth(place);
    text.and_then(|text| text.parse().ok()).ok_or_else(|| "usage: writer FILE SEED WRITERS [early]".into())
}

/// Goes on where the store says that the writer was.
async fn write(store: EmbeddedStore, seed: u64, writer: u64, early: bool) -> Result<(), Failure> {
    let mark = Attempt { writer, sequence: 0 }.mark();
    let (entry, mut now) = store.get(&mark, None).await?;
    let mut sequence = 0;
    let mut guard = Guard::Absent(mark.clone());
    if let Some(entry) = entry {
        sequence = std::str::from_utf8(&entry.value)?.parse()?;
        guard = Guard::Modified(mark.clone(), entry.modified);
    }
    loop {
        sequence += 1;
        let txn = Attempt { writer, sequence }.transaction(seed).when(guard);
        if early {
            println!("done {writer} {sequence} {}", now.get() + 1);
        }
        now = store.txn(txn).await?;
        if !early {
            println!("done {writer} {sequence} {now}");
        }
        guard = Guard::Modified(mark.clone(), now);
    }
}
