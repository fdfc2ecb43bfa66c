//! What becomes of the processes when the supervisor itself is killed.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

use fabrica::store::{EmbeddedStore, Entry, Page, Store, Transaction, backup};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::harness::{Manifest, Signal, Supervisor, number_after, signal};
use crate::proc::{Proc, wait_until};

/// The entry of an object in a store, and the object.
fn find(store: &EmbeddedStore, name: &str) -> Option<(Entry, Value)> {
    let objects = runtime().block_on(store.list(&"o/supervisor.example.io/Process/".into(), Page::all())).unwrap();
    let parsed =
        objects.entries.into_iter().map(|entry| (serde_json::from_slice::<Value>(&entry.value).unwrap(), entry));
    parsed.map(|(object, entry)| (entry, object)).find(|(_, object)| object["metadata"]["name"] == name)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Changes the status of an object in the data of a supervisor that does not run.
fn edit_status(supervisor: &Supervisor, name: &str, edit: impl FnOnce(&mut Value)) {
    let store = EmbeddedStore::open(supervisor.data().join(EmbeddedStore::FILE_NAME)).unwrap();
    let (entry, mut object) = find(&store, name).unwrap();
    edit(&mut object["status"]);
    runtime().block_on(store.txn(Transaction::new().put(entry.key, object.to_string()))).unwrap();
}

/// Waits until the status says what runs, which the supervisor writes a moment after it said so.
fn wait_until_taken_down(supervisor: &Supervisor, name: &str, pid: i32) {
    let copy = supervisor.at("copy.db");
    let is_taken_down = || {
        backup(supervisor.data().join(EmbeddedStore::FILE_NAME), &copy).unwrap();
        let found = find(&EmbeddedStore::open(&copy).unwrap(), name);
        fs::remove_file(&copy).unwrap();
        found.is_some_and(|(_, object)| object["status"]["pid"] == pid)
    };
    assert!(wait_until(is_taken_down), "{}", supervisor.log());
}

/// A process that has nothing to do with any supervisor, and leads a group as theirs do.
struct Bystander(Child);

impl Bystander {
    fn new() -> Self {
        Self(Command::new("sleep").arg("1000").process_group(0).spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn processes_go_on_without_their_supervisor_and_the_next_one_adopts_them() {
    let mut supervisor = Supervisor::start(&[Manifest::sleep("a"), Manifest::sleep("b")]);
    let procs = ["a", "b"].map(|name| supervisor.running(name));
    for _ in 0..2 {
        supervisor.end(Signal::KILL);
        assert!(procs.iter().all(Proc::exists));
        supervisor.start_again();
        assert_eq!(["a", "b"].map(|name| supervisor.adopted(name)), procs);
    }
    // One more reconcile of each, and of one that is new.
    supervisor.write(&Manifest::sleep("a").grace(7));
    supervisor.write(&Manifest::sleep("marker"));
    supervisor.running("marker");
    assert!(["a", "b"].iter().all(|name| supervisor.pids(name).len() == 1), "{}", supervisor.log());
    assert_eq!(supervisor.end(Signal::TERM), Some(0), "{}", supervisor.log());
    assert!(procs.iter().all(|proc| !proc.exists()), "{}", supervisor.log());
}

#[test]
fn nothing_that_a_process_prints_meanwhile_is_lost_or_said_twice() {
    let mut supervisor = Supervisor::start(&[]);
    let (go, done) = (supervisor.at("go"), supervisor.at("done"));
    let script = format!(
        "echo before; printf 'begun '; while [ ! -e {} ]; do sleep 0.02; done; echo ended; echo meanwhile; touch {}; \
         while [ -e {} ]; do sleep 0.02; done; echo after; exec sleep 1000",
        go.display(),
        done.display(),
        done.display(),
    );
    supervisor.write(&Manifest::shell("talker", &script));
    let talker = supervisor.running("talker");
    supervisor.wait_for("talker | before");
    // Between saying and wiping it, a supervisor that is killed leaves it to the next one to say it again.
    let file = fs::read_dir(supervisor.data().join("output")).unwrap().next().unwrap().unwrap().path();
    assert!(wait_until(|| fs::read(&file).is_ok_and(|output| output.starts_with(&[0; 7]))), "it is not wiped");
    supervisor.end(Signal::KILL);
    fs::write(go, "").unwrap();
    assert!(wait_until(|| done.exists()), "it does not go on");
    supervisor.start_again();
    assert_eq!(supervisor.adopted("talker"), talker);
    supervisor.wait_for("talker | begun ended");
    supervisor.wait_for("talker | meanwhile");
    fs::remove_file(done).unwrap();
    supervisor.wait_for("talker | after");
    assert_eq!(supervisor.log().matches("talker | ").count(), 4, "{}", supervisor.log());
}

#[test]
fn the_end_of_an_adopted_process_is_noticed_and_it_is_started_again() {
    let mut supervisor = Supervisor::start(&[Manifest::sleep("victim").restart("{backoffSeconds: 1}")]);
    let first = supervisor.running("victim");
    supervisor.end(Signal::KILL);
    supervisor.start_again();
    supervisor.adopted("victim");
    signal(first.pid, Signal::KILL);
    supervisor.wait_for("victim is BackingOff: ended, nobody knows how, starts again 1s later");
    let second = supervisor.running("victim");
    assert!(second.exists() && first != second);
}

#[test]
fn an_adopted_process_is_stopped_with_all_that_it_started() {
    let deaf = |name: &str| {
        let script = "trap '' TERM; sleep 1000 & echo \"child $!\"; while true; do sleep 1; done";
        Manifest::shell(name, script).grace(1)
    };
    let mut supervisor = Supervisor::start(&[deaf("a"), deaf("b"), Manifest::sleep("meek")]);
    let procs = ["a", "b", "meek"].map(|name| supervisor.running(name));
    supervisor.wait_for("a | child ");
    supervisor.wait_for("b | child ");
    supervisor.end(Signal::KILL);
    supervisor.start_again();
    for name in ["a", "b", "meek"] {
        supervisor.adopted(name);
    }
    supervisor.write(&deaf("a").stopped());
    let told = supervisor.wait_for("a is Stopping: SIGTERM");
    let ended = supervisor.wait_for("a is Stopped: ended, nobody knows how");
    assert!(ended.seen.duration_since(told.seen) >= Duration::from_millis(900));
    assert!(Proc::group(procs[0].pid).is_empty(), "{}", supervisor.log());
    assert_eq!(supervisor.end(Signal::INT), Some(0), "{}", supervisor.log());
    assert!(procs.iter().all(|proc| Proc::group(proc.pid).is_empty()), "{}", supervisor.log());
}

#[test]
fn what_changed_while_no_supervisor_ran_is_made_so() {
    let echo = |word: &str| Manifest::shell("echo", "echo \"it says $WORD\"; exec sleep 1000").env("WORD", word);
    let stays = Manifest::sleep("stays").grace(5);
    let mut supervisor = Supervisor::start(&[stays, Manifest::sleep("goes"), echo("one")]);
    let procs = ["stays", "goes", "echo"].map(|name| supervisor.running(name));
    supervisor.wait_for("echo | it says one");
    supervisor.end(Signal::KILL);
    supervisor.remove("goes");
    supervisor.write(&echo("two"));
    supervisor.write(&Manifest::sleep("stays").grace(6));
    supervisor.start_again();
    supervisor.wait_for("goes is removed");
    assert_eq!(fs::read_dir(supervisor.data().join("output")).unwrap().count(), 2);
    supervisor.wait_for("echo | it says two");
    assert_eq!(supervisor.adopted("stays"), procs[0]);
    assert!(!procs[1].exists() && !procs[2].exists() && procs[0].exists(), "{}", supervisor.log());
}

#[test]
fn a_process_whose_start_was_not_taken_down_is_found_by_its_mark() {
    let mut supervisor = Supervisor::start(&[Manifest::sleep("single"), Manifest::sleep("other")]);
    let procs = ["single", "other"].map(|name| supervisor.running(name));
    supervisor.end(Signal::KILL);
    // As if it had been killed before it could write.
    edit_status(&supervisor, "single", |status| *status = json!({}));
    supervisor.start_again();
    assert_eq!(["single", "other"].map(|name| supervisor.adopted(name)), procs);
    // And as in an old backup.
    supervisor.end(Signal::KILL);
    edit_status(&supervisor, "single", |status| {
        status["startedAt"] = json!("2020-01-01T00:00:00Z");
        status["pid"] = json!(i32::MAX);
    });
    supervisor.start_again();
    assert_eq!(["single", "other"].map(|name| supervisor.adopted(name)), procs);
    supervisor.end(Signal::TERM);
    assert_eq!(supervisor.pids("single").len(), 1, "{}", supervisor.log());
}

#[test]
fn another_process_under_the_number_is_never_signalled() {
    let mut bystander = Bystander::new();
    let mut supervisor = Supervisor::start(&[Manifest::sleep("victim").restart("{backoffSeconds: 0}")]);
    let mut last = supervisor.running("victim");
    let ticks = fs::read_to_string(format!("/proc/{}/stat", bystander.pid())).unwrap();
    let ticks: u64 = ticks.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
    // The number is that of another process now; or both are, but after another start of the machine.
    let edits = [("startTicks", json!(ticks + 1)), ("bootId", json!("00000000-0000-0000-0000-000000000000"))];
    for (field, value) in edits {
        wait_until_taken_down(&supervisor, "victim", last.pid);
        supervisor.end(Signal::KILL);
        signal(last.pid, Signal::KILL);
        last.wait_until_gone();
        edit_status(&supervisor, "victim", |status| {
            (status["pid"], status["startTicks"]) = (json!(bystander.pid()), json!(ticks));
            status[field] = value;
        });
        supervisor.start_again();
        last = supervisor.running("victim");
        assert!(last.exists() && last.pid != i32::try_from(bystander.pid()).unwrap());
        assert!(bystander.is_alive(), "{}", supervisor.log());
    }
    assert!(!supervisor.log().contains("is adopted"), "{}", supervisor.log());
    assert_eq!(supervisor.end(Signal::TERM), Some(0), "{}", supervisor.log());
    assert!(bystander.is_alive(), "{}", supervisor.log());
}

#[test]
fn what_a_process_left_behind_goes_also_when_no_supervisor_saw_its_end() {
    let script = "sleep 1000 & echo \"child $!\"; trap 'printf \"last words\"; exit' TERM; wait";
    let mut supervisor = Supervisor::start(&[Manifest::shell("parent", script).restart("{policy: Never}")]);
    let parent = supervisor.running("parent");
    let line = supervisor.wait_for("parent | child ");
    let child = Proc::of(number_after(&line.text, "parent | child "));
    supervisor.end(Signal::KILL);
    signal(parent.pid, Signal::TERM);
    parent.wait_until_gone();
    assert!(child.exists());
    supervisor.start_again();
    supervisor.wait_for("parent | last words");
    supervisor.wait_for("parent is Failed: ended, nobody knows how");
    child.wait_until_gone();
}

#[test]
fn an_orderly_stop_starts_afresh_and_what_was_done_stays_done() {
    let once = Manifest::shell("once", "echo 'done once'").restart("{policy: Never}");
    let slow = Manifest::shell("slow", "exit 1").restart("{backoffSeconds: 1000, maxBackoffSeconds: 1000}");
    let mut supervisor = Supervisor::start(&[once, slow, Manifest::sleep("a")]);
    supervisor.wait_for("once is Completed");
    supervisor.wait_for("slow is BackingOff");
    supervisor.running("a");
    assert_eq!(supervisor.end(Signal::TERM), Some(0), "{}", supervisor.log());
    supervisor.wait_for("a is Stopped: the supervisor ended: ended by signal 15");
    supervisor.start_again();
    let second = supervisor.running("a");
    supervisor.write(&Manifest::sleep("marker"));
    supervisor.running("marker");
    assert!(second.exists());
    assert_eq!(supervisor.log().matches("once | done once").count(), 1, "{}", supervisor.log());
    assert_eq!(supervisor.log().matches("slow is Running").count(), 1, "{}", supervisor.log());
    supervisor.end(Signal::TERM);
}

#[test]
fn a_supervisor_that_is_killed_at_any_moment_starts_none_twice() {
    const PART: &str = "27182818";
    const COUNT: u64 = 8;
    let manifest = |index: u64| {
        let name = format!("p-{index}");
        Manifest::new(&name, "sleep", &[PART, &index.to_string()]).restart("{backoffSeconds: 0}")
    };
    let manifests: Vec<_> = (0..COUNT).map(manifest).collect();
    let count = || u64::try_from(Proc::with(PART).len()).unwrap();
    let watch = Proc::watch(PART);
    let mut supervisor = Supervisor::start(&manifests);
    for round in 0..10_u64 {
        // Some have been started, and of few of these the status says so.
        let some = round % COUNT + 1;
        assert!(wait_until(|| count() >= some), "{}", supervisor.log());
        supervisor.end(Signal::KILL);
        let before = Proc::with(PART);
        supervisor.start_again();
        assert!(wait_until(|| count() >= COUNT), "{}", supervisor.log());
        let now = Proc::with(PART);
        assert!(before.iter().all(|proc| now.contains(proc)), "{before:?} {now:?}\n{}", supervisor.log());
        supervisor.end(Signal::KILL);
        for proc in Proc::with(PART) {
            signal(proc.pid, Signal::KILL);
            proc.wait_until_gone();
        }
        supervisor.start_again();
    }
    assert!(wait_until(|| count() == COUNT), "{}", supervisor.log());
    assert_eq!(supervisor.end(Signal::TERM), Some(0), "{}", supervisor.log());
    assert_eq!(count(), 0, "{}", supervisor.log());
    assert_eq!(watch.most() as u64, COUNT, "{}", supervisor.log());
}
