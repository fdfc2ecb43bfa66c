//! Writes that are on the disk when they are answered, beside a file that is only appended to.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use fabrica::resource::Uid;
use fabrica::store::{EmbeddedStore, Guard, Key, Revision, Store as _, Transaction};

use crate::Options;
use crate::report::Outcome;
use crate::things;

/// Writers that share a sync.
const MANY: usize = 64;
/// A lone writer waits for the disk each time: it writes a part of the objects, and the figure is a rate.
const ALONE: usize = 10;
/// An object of about 1.2 KiB.
const VALUE: usize = 1229;

/// N objects created by 64 writers at once are the time of the row; the other figures stand beside it. Each create is
/// what a client makes it: the object and its name, guarded, in one transaction.
pub fn run(options: &Options) -> Outcome {
    let folder = Folder::new("durable");
    let (many, alone) = (options.objects.max(MANY), (options.objects / ALONE).max(1));
    let raw_alone = append(&folder.0.join("alone"), alone, 1);
    let raw_many = append(&folder.0.join("many"), many, MANY);
    let store = EmbeddedStore::open(folder.0.join(EmbeddedStore::FILE_NAME)).expect("the folder takes a store");
    let (created, figures) = things::on_two_threads(async {
        let (one, created_alone) = write(&store, 1, fresh(alone)).await;
        let (_, updated_alone) = write(&store, 1, one).await;
        let (all, created) = write(&store, MANY, fresh(many)).await;
        let (_, updated) = write(&store, MANY, all).await;
        let figures = vec![
            ("raw_1_per_second", raw_alone),
            ("create_1_per_second", created_alone),
            ("update_1_per_second", updated_alone),
            ("raw_64_per_second", raw_many),
            ("create_64_per_second", created),
            ("update_64_per_second", updated),
            ("create_1_to_raw", created_alone / raw_alone),
            ("update_1_to_raw", updated_alone / raw_alone),
        ];
        (created, figures)
    });
    let seconds = count(many) / created;
    Outcome { figures, ..Outcome::of(seconds) }
}

/// An object to be written, over the version that it has.
type Target = (Uid, Option<Revision>);

fn fresh(objects: usize) -> Vec<Target> {
    (0..objects).map(|_| (Uid::new_random(), None)).collect()
}

/// Writes each of the targets once, by so many at a time. Gives their new versions, and how many went in a second.
async fn write(store: &EmbeddedStore, writers: usize, targets: Vec<Target>) -> (Vec<Target>, f64) {
    let objects = targets.len();
    let mut shares: Vec<Vec<Target>> = std::iter::repeat_with(Vec::new).take(writers).collect();
    for (index, target) in targets.into_iter().enumerate() {
        shares[index % writers].push(target);
    }
    let start = Instant::now();
    let writers = shares.into_iter().map(|mut share| {
        let store = store.clone();
        tokio::spawn(async move {
            for (uid, version) in &mut share {
                let written = store.txn(transaction(uid, *version)).await.expect("nothing is in the way");
                *version = Some(written);
            }
            share
        })
    });
    let mut written = Vec::with_capacity(objects);
    for writer in writers.collect::<Vec<_>>() {
        written.extend(writer.await.expect("a writer does not panic"));
    }
    (written, count(objects) / start.elapsed().as_secs_f64())
}

fn transaction(uid: &Uid, version: Option<Revision>) -> Transaction {
    let object = Key::from(format!("o/bench.example.io/Thing/{uid}"));
    if let Some(version) = version {
        return Transaction::new().when(Guard::Modified(object.clone(), version)).put(object, vec![b'y'; VALUE]);
    }
    let name = Key::from(format!("n/bench.example.io/Thing//{uid}"));
    let txn = Transaction::new().when(Guard::Absent(object.clone())).when(Guard::Absent(name.clone()));
    txn.put(object, vec![b'x'; VALUE]).put(name, uid.to_string())
}

/// Appends the bytes of so many creates to a file, so many at a time with a sync behind them; how many go in a second.
fn append(file: &Path, objects: usize, at_once: usize) -> f64 {
    let mut file = File::create(file).expect("the folder can be written to");
    let bytes = vec![b'x'; VALUE + 3 * Uid::new_random().len() + 2 * "o/bench.example.io/Thing/".len()];
    let start = Instant::now();
    for first in (0..objects).step_by(at_once) {
        for _ in first..objects.min(first + at_once) {
            file.write_all(&bytes).expect("there is room");
        }
        file.sync_data().expect("the disk works");
    }
    count(objects) / start.elapsed().as_secs_f64()
}

#[allow(clippy::cast_precision_loss)]
fn count(objects: usize) -> f64 {
    objects as f64
}

/// A folder that goes with its value. It stands in the target folder: `/tmp` may be memory.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the target folder can be written to");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
