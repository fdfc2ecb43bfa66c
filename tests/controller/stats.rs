//! The numbers of a controller: each counts what it says, and nothing else.

use std::time::Duration;

use fabrica::controller::KindStats;
use fabrica::prelude::*;

use super::kinds::{Gadget, Script, gadget, run, settle, start};

#[reconciler(register = false, timeout = "30s", concurrency = 3)]
async fn limited(gadget: &mut Gadget, ctx: &Context, State(script): State<Script>) -> Result<Action> {
    run(gadget, ctx, script).await
}

async fn start_limited(script: &Script) -> Controller {
    let controller = Controller::empty().reconciler::<limited>().state(script.clone()).build().await.unwrap();
    controller.start().await.unwrap();
    controller
}

fn gadgets(controller: &Controller) -> KindStats {
    let mut kinds = controller.stats().kinds.into_iter();
    kinds.find(|kind| kind.controller == "gadget").unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_result_of_a_run_is_counted_once() {
    let script = Script::new(|gadget, info| async move {
        let answer = match info.number {
            1 => Ok(Action::RequeueAfter(Duration::from_secs(5))),
            2 => Ok(Action::Requeue),
            3 => Err(std::io::Error::other("no").into()),
            4 => Err(Error::terminal("never")),
            _ => Ok(Action::AwaitChange),
        };
        (gadget, answer)
    });
    let controller = start(&script).await;
    controller.client().create(gadget("g")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let stats = gadgets(&controller);
    assert_eq!((stats.success, stats.error, stats.requeue, stats.requeue_after), (0, 2, 1, 1));
    assert_eq!((stats.terminal_errors, stats.panics, stats.timeouts, stats.failing), (1, 0, 0, 1));
    assert_eq!((stats.time.count(), stats.queue.adds, stats.queue.retries), (4, 4, 2));
    let mut edited = Gadget::clone(&*controller.client().get::<Gadget>("g").await.unwrap());
    edited.spec.size = 1;
    controller.client().update(edited).await.unwrap();
    settle().await;
    let stats = gadgets(&controller);
    assert_eq!((stats.success, stats.error, stats.failing, stats.time.count()), (1, 2, 0, 5));
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_timeout_are_errors_of_their_own_kind() {
    let script = Script::new(|gadget, info| async move {
        match (gadget.uid().as_str(), info.attempt) {
            ("panics", 0) => panic!("the cable is loose"),
            ("slow", 0) => tokio::time::sleep(Duration::from_secs(3600)).await,
            // What the user's code makes of a timeout of its own is an error like any other.
            ("waits", 0) => return (gadget, Err(Error::new(ErrorKind::Timeout, "the BMC took too long"))),
            _ => {}
        }
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = start_limited(&script).await;
    for uid in ["panics", "slow", "waits"] {
        controller.client().create(gadget(uid)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(120)).await;
    let stats = gadgets(&controller);
    assert_eq!((stats.error, stats.panics, stats.timeouts, stats.terminal_errors), (3, 1, 1, 0));
    assert_eq!((stats.success, stats.failing, stats.time.count()), (3, 0, 6));
    assert_eq!(stats.time.sum, Duration::from_secs(30));
    let at_most_30 = stats.time.bounds.iter().position(|&bound| bound == Duration::from_secs(30)).unwrap();
    assert_eq!((stats.time.counts[0], stats.time.counts[at_most_30..=at_most_30 + 1].iter().sum::<u64>()), (5, 1));
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn workers_at_work_and_keys_that_wait_for_them_are_told_apart() {
    let script = Script::new(|gadget, _| async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        (gadget, Ok(Action::AwaitChange))
    });
    let controller = start_limited(&script).await;
    for number in 0..5 {
        controller.client().create(gadget(&format!("g-{number}"))).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    let stats = gadgets(&controller);
    assert_eq!((stats.max_concurrent, stats.queue.running, stats.queue.depth.total()), (3, 3, 2));
    let times = stats.queue.times.unwrap();
    assert_eq!((times.unfinished.as_secs(), times.longest_running.as_secs()), (12, 4));
    assert_eq!((times.waited.count(), times.worked.count(), stats.time.count()), (3, 0, 0));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let stats = gadgets(&controller);
    assert_eq!((stats.queue.running, stats.queue.depth.total(), stats.success), (0, 0, 5));
    let times = stats.queue.times.unwrap();
    assert_eq!((times.unfinished, times.worked.count()), (Duration::ZERO, 5));
    assert_eq!((times.waited.sum.as_secs(), times.worked.sum.as_secs(), stats.time.sum.as_secs()), (20, 50, 50));
    controller.stop().await.unwrap();
}

mod other {
    use super::*;

    /// A kind of the same name in another group.
    #[derive(Clone, Debug, Resource)]
    #[resource(group = "other.example.io", version = "v1", register = false)]
    pub struct Gadget {
        pub metadata: Metadata,
        pub spec: super::super::kinds::GadgetSpec,
    }

    #[reconciler(register = false)]
    pub async fn look(_: &mut Gadget) -> Result<Action> {
        Ok(Action::AwaitChange)
    }
}

#[tokio::test(start_paused = true)]
async fn no_two_controllers_have_one_name() {
    let builder = Controller::empty().reconciler::<limited>().reconciler::<other::look>();
    let controller = builder.state(Script::answering(Action::AwaitChange)).build().await.unwrap();
    let mut names: Vec<String> = controller.stats().kinds.into_iter().map(|kind| kind.controller).collect();
    names.sort();
    assert_eq!(names, ["gadget.other.example.io", "gadget.tests.example.io", "namespace"]);
    controller.stop().await.unwrap();
}
