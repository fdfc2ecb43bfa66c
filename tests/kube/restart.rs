use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::api::{DeleteParams, ListParams, PostParams, WatchEvent, WatchParams};
use kube::core::Status;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt as _, reflector};
use kube::{Api, ResourceExt as _};
use rustix::process::Signal;
use tokio::sync::watch;

use super::kinds::Sample;
use super::lab::lab;

/// How long is waited before something is tried again: the program is about to be back.
const AGAIN: Duration = Duration::from_millis(20);

struct Soon;

impl Iterator for Soon {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(AGAIN)
    }
}

impl Backoff for Soon {
    fn reset(&mut self) {}
}

async fn create(samples: &Api<Sample>, name: &str) {
    samples.create(&PostParams::default(), &Sample::new(name, 1)).await.unwrap();
}

/// Reads so many changes; the version of the last, and what they were.
async fn read(samples: &Api<Sample>, version: &str, count: usize) -> (String, Vec<String>) {
    let params = WatchParams::default();
    let mut events = pin!(samples.watch(&params, version).await.unwrap());
    let (mut version, mut seen) = (version.to_owned(), Vec::new());
    while seen.len() < count {
        let (what, sample) = match events.next().await.unwrap().unwrap() {
            WatchEvent::Added(sample) => ("added", sample),
            WatchEvent::Modified(sample) => ("modified", sample),
            WatchEvent::Deleted(sample) => ("deleted", sample),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(status) => panic!("{status:?}"),
        };
        version = sample.resource_version().unwrap();
        seen.push(format!("{what} {}", sample.name_any()));
    }
    (version, seen)
}

#[test]
fn a_watch_goes_on_after_a_restart_where_it_was() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let mut version = samples.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
        for (round, signal) in [Signal::KILL, Signal::INT].into_iter().enumerate() {
            let name = |object: &str| format!("{object}{round}");
            for object in ["a", "b", "c"] {
                create(&samples, &name(object)).await;
            }
            samples.delete(&name("b"), &DeleteParams::default()).await.unwrap();
            let (last, seen) = read(&samples, &version, 1).await;
            assert_eq!(seen, [format!("added a{round}")]);

            lab.restart(signal).await;
            create(&samples, &name("d")).await;
            let (last, seen) = read(&samples, &last, 4).await;
            assert_eq!(seen.join(" "), format!("added b{round} added c{round} deleted b{round} added d{round}"));
            version = last;
        }
    });
}

#[test]
fn an_open_watch_ends_with_the_program() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        for signal in [Signal::KILL, Signal::INT] {
            let version = samples.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
            let mut events = pin!(samples.watch(&WatchParams::default(), &version).await.unwrap());
            let (ended, ()) = tokio::join!(
                async {
                    loop {
                        match events.next().await {
                            Some(Ok(WatchEvent::Bookmark(_))) => {}
                            ended => break ended,
                        }
                    }
                },
                lab.restart(signal)
            );
            // Whether or not it says good-bye, it is no change.
            assert!(ended.is_none_or(|last| last.is_err()), "{signal:?}");
        }
    });
}

#[test]
fn a_list_goes_on_after_a_restart_with_its_next_page() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        for name in ["a", "b", "c"] {
            create(&samples, name).await;
        }
        let page = ListParams::default().limit(2);
        let first = samples.list(&page).await.unwrap();
        samples.delete("c", &DeleteParams::default()).await.unwrap();
        lab.restart(Signal::KILL).await;
        let rest = samples.list(&page.continue_token(&first.metadata.continue_.unwrap())).await.unwrap();
        assert_eq!(rest.metadata.resource_version, first.metadata.resource_version);
        assert_eq!(rest.items.iter().map(kube::ResourceExt::name_any).collect::<Vec<_>>(), ["c"]);
    });
}

/// A reflector, with how often it had to list everything.
struct Reflected {
    store: reflector::Store<Sample>,
    lists: watch::Receiver<usize>,
}

impl Reflected {
    fn start(samples: Api<Sample>, config: watcher::Config) -> Self {
        let (store, writer) = reflector::store();
        let (counter, lists) = watch::channel(0);
        let events = watcher(samples, config).backoff(Soon).reflect(writer).for_each(move |event| {
            // Whatever came, who waits for the store looks again.
            counter.send_modify(|lists| *lists += usize::from(matches!(event, Ok(Event::Init))));
            std::future::ready(())
        });
        tokio::spawn(events);
        Self { store, lists }
    }

    /// Waits for an object.
    async fn holds(&mut self, name: &str) {
        let object = reflector::ObjectRef::new(name).within("default");
        self.lists.wait_for(|_| self.store.get(&object).is_some()).await.unwrap();
    }

    fn objects(&self) -> BTreeSet<(String, Option<String>)> {
        versions(self.store.state().iter().map(AsRef::as_ref))
    }
}

fn versions<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> BTreeSet<(String, Option<String>)> {
    samples.into_iter().map(|sample| (sample.name_any(), sample.resource_version())).collect()
}

/// Is it done, or was it done by the attempt before, whose answer got lost? If not, the program is about to be back.
async fn done<T>(attempt: kube::Result<T>, was_done: impl Fn(&Status) -> bool) -> bool {
    match attempt {
        Ok(_) => return true,
        Err(kube::Error::Api(status)) if was_done(&status) => return true,
        Err(_) => tokio::time::sleep(AGAIN).await,
    }
    false
}

/// Creates samples, and deletes every third of them, whatever becomes of the server, until nobody wants to know how many.
async fn write(samples: Api<Sample>, written: watch::Sender<u64>) {
    while !written.is_closed() {
        let number = *written.borrow();
        let name = format!("s{number}");
        let (post, delete) = (PostParams::default(), DeleteParams::default());
        let sample = Sample::new(&name, number);
        while !done(samples.create(&post, &sample).await, Status::is_already_exists).await {}
        if number.is_multiple_of(3) {
            while !done(samples.delete(&name, &delete).await, Status::is_not_found).await {}
        }
        written.send_modify(|written| *written += 1);
    }
}

#[test]
fn reflectors_miss_nothing_while_the_program_is_killed_and_stopped() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let mut reflected = [watcher::Config::default(), watcher::Config::default().streaming_lists()]
            .map(|config| Reflected::start(samples.clone(), config));
        for reflected in &reflected {
            reflected.store.wait_until_ready().await.unwrap();
        }
        let (sender, mut written) = watch::channel(0);
        let writer = tokio::spawn(write(samples.clone(), sender));
        for signal in [Signal::KILL, Signal::INT, Signal::KILL] {
            let goal = *written.borrow() + 20;
            written.wait_for(|written| *written >= goal).await.unwrap();
            lab.restart(signal).await;
        }
        let count = *written.borrow();
        drop(written);
        writer.await.unwrap();
        // When the last one has come, all before it have.
        create(&samples, "last").await;
        let there = samples.list(&ListParams::default()).await.unwrap();
        assert!(there.items.len() as u64 > count * 2 / 3, "{} of {count}", there.items.len());
        for reflected in &mut reflected {
            reflected.holds("last").await;
            assert_eq!(reflected.objects(), versions(&there));
            assert_eq!(*reflected.lists.borrow(), 1, "it had to list everything again");
        }
    });
}
