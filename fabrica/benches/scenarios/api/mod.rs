//! The API over loopback, with a program of its own on the embedded store: this one, started once more.

mod http;
mod server;

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use self::http::{Connection, Watch};
use self::server::Program;
pub use self::server::{SERVE, serve};
use crate::Options;
use crate::durable::Folder;
use crate::report::Outcome;
use crate::things;

/// How many create at once.
const CLIENTS: usize = 16;
/// How many objects a list has.
const LISTED: usize = 6000;
/// How many lists are timed.
const LISTS: usize = 20;
/// How many writes are followed to a watch, one after the other.
const FOLLOWED: usize = 1000;
/// How many watch at once, and how many writes they all see.
const WATCHERS: usize = 1000;
const WRITES: usize = 1000;
const PATH: &str = "/apis/bench.example.io/v1/things";

/// N creates by 16 clients are the time of the row; the other figures stand beside it.
pub fn run(options: &Options) -> Outcome {
    let folder = Folder::new("api");
    let mut figures = Vec::new();
    let (seconds, lost) = things::on_two_threads(async {
        let program = Program::start(&folder.0.join("first")).await;
        figures.push(("start_to_ready_seconds", program.ready_after));
        figures.push(("idle_rss_mib", program.rss_mib()));
        let seconds = creates(&program, options.objects).await;
        drop(program);

        let program = Program::start(&folder.0.join("listed")).await;
        creates(&program, LISTED).await;
        figures.push(("rss_with_6000_mib", program.rss_mib()));
        figures.push(("list_6000_p50_ms", lists(&program).await * 1000.0));
        figures.push(("rss_after_lists_mib", program.rss_mib()));
        let (p50, p99) = write_to_event(&program).await;
        figures.push(("write_to_event_p50_ms", p50 * 1000.0));
        figures.push(("write_to_event_p99_ms", p99 * 1000.0));
        drop(program);

        let program = Program::start(&folder.0.join("watched")).await;
        let (watched, lost) = many_watchers(&program).await;
        figures.push(("watchers_1000_writes_1000_seconds", watched));
        figures.push(("rss_after_watchers_mib", program.rss_mib()));
        (seconds, lost)
    });
    Outcome { lost, figures, ..Outcome::of(seconds) }
}

/// An object of about 1 KiB.
fn body(name: &str) -> String {
    let payload = "x".repeat(750);
    format!(
        r#"{{"apiVersion":"bench.example.io/v1","kind":"Thing","metadata":{{"name":"{name}"}},"spec":{{"number":1,"payload":"{payload}"}}}}"#
    )
}

/// Creates so many objects, 16 at a time; how long it takes.
async fn creates(program: &Program, objects: usize) -> f64 {
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for first in 0..CLIENTS {
        let address = program.address.clone();
        clients.spawn(async move {
            let mut connection = Connection::open(&address).await;
            for number in (first..objects).step_by(CLIENTS) {
                let (code, _) = connection.send("POST", PATH, &body(&format!("t-{number:06}"))).await;
                assert_eq!(code, 201, "nothing is in the way");
            }
        });
    }
    clients.join_all().await;
    start.elapsed().as_secs_f64()
}

/// Lists everything again and again; the median.
async fn lists(program: &Program) -> f64 {
    let mut connection = Connection::open(&program.address).await;
    let mut times = Vec::new();
    for _ in 0..LISTS {
        let start = Instant::now();
        let (code, list) = connection.send("GET", PATH, "").await;
        times.push(start.elapsed());
        assert_eq!(code, 200);
        assert!(list.len() > LISTED * 1000, "{} bytes are not all objects", list.len());
    }
    quantile(&mut times, 0.5)
}

/// Writes and waits for the event of each; the median, and what one in a hundred is beyond.
async fn write_to_event(program: &Program) -> (f64, f64) {
    let mut watch =
        Watch::open(&program.address, &format!("{PATH}?watch=1&resourceVersion={}", version(program).await)).await;
    let mut connection = Connection::open(&program.address).await;
    let mut times = Vec::new();
    for number in 0..FOLLOWED {
        let name = format!("w-{number:06}");
        let start = Instant::now();
        let body = body(&name);
        let (written, ()) = tokio::join!(connection.send("POST", PATH, &body), async {
            let line = watch.line().await;
            times.push(start.elapsed());
            assert!(contains(&line, name.as_bytes()), "another event than that of {name}");
        });
        assert_eq!(written.0, 201);
    }
    (quantile(&mut times.clone(), 0.5), quantile(&mut times, 0.99))
}

/// The version of the whole store.
async fn version(program: &Program) -> u64 {
    let (_, list) = Connection::open(&program.address).await.send("GET", &format!("{PATH}?limit=1"), "").await;
    http::version(&list, b"\"resourceVersion\":\"")
}

/// So many watchers each see so many writes: how long it takes, and how many events are missing or out of order.
async fn many_watchers(program: &Program) -> (f64, u64) {
    let path = format!("{PATH}?watch=1&resourceVersion={}", version(program).await);
    let mut watchers = JoinSet::new();
    let (ready, mut all_ready) = tokio::sync::mpsc::channel(WATCHERS);
    for _ in 0..WATCHERS {
        let (address, path, ready) = (program.address.clone(), path.clone(), ready.clone());
        watchers.spawn(async move {
            let mut watch = Watch::open(&address, &path).await;
            ready.send(()).await.expect("somebody counts");
            drop(ready);
            let mut last = 0;
            let mut wrong = 0_u64;
            for _ in 0..WRITES {
                let Ok(line) = tokio::time::timeout(Duration::from_secs(60), watch.line()).await else {
                    return WRITES as u64;
                };
                let version = http::version(&line, b"\"resourceVersion\":\"");
                wrong += u64::from(version <= last);
                last = version;
            }
            wrong
        });
    }
    drop(ready);
    while all_ready.recv().await.is_some() {}
    let start = Instant::now();
    creates(program, WRITES).await;
    let wrong = watchers.join_all().await.into_iter().sum();
    (start.elapsed().as_secs_f64(), wrong)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
fn quantile(times: &mut [Duration], part: f64) -> f64 {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * part) as usize].as_secs_f64()
}

fn contains(line: &[u8], text: &[u8]) -> bool {
    line.windows(text.len()).any(|window| window == text)
}
