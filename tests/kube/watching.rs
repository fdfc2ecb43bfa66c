use std::pin::pin;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::core::PartialObjectMeta;
use kube::runtime::wait::{self, await_condition, conditions};
use kube::runtime::watcher::{self, Event, watch_object, watcher};
use kube::runtime::{WatchStreamExt as _, reflector};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use super::kinds::{Device, Sample};
use super::lab::lab;

/// An event in short.
fn short<K: kube::Resource>(event: &Event<K>) -> String {
    match event {
        Event::Init => "init".to_owned(),
        Event::InitDone => "done".to_owned(),
        Event::InitApply(object) => format!("is {}", object.name_any()),
        Event::Apply(object) => format!("apply {}", object.name_any()),
        Event::Delete(object) => format!("delete {}", object.name_any()),
    }
}

async fn next<K: kube::Resource>(events: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin)) -> String {
    short(&events.next().await.unwrap().unwrap())
}

async fn create(samples: &Api<Sample>, name: &str, tier: &str) {
    samples.create(&PostParams::default(), &Sample::new(name, 1).labelled("tier", tier)).await.unwrap();
}

async fn relabel(samples: &Api<Sample>, name: &str, tier: &str) {
    let patch = Patch::Merge(json!({ "metadata": { "labels": { "tier": tier } } }));
    samples.patch(name, &PatchParams::default(), &patch).await.unwrap();
}

async fn delete<K: kube::Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug>(api: &Api<K>, name: &str) {
    api.delete(name, &DeleteParams::default()).await.unwrap();
}

/// What a watcher says of the objects that there are, and of what becomes of them.
fn watcher_sees_every_change(config: &watcher::Config) {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        for name in ["a", "b", "c"] {
            create(&samples, name, "x").await;
        }
        create(&samples, "other", "y").await;
        let mut events = pin!(watcher(samples.clone(), config.clone().labels("tier=x")));
        for expected in ["init", "is a", "is b", "is c", "done"] {
            assert_eq!(next(&mut events).await, expected);
        }
        create(&samples, "d", "x").await;
        create(&samples, "e", "y").await;
        relabel(&samples, "a", "x").await;
        relabel(&samples, "a", "y").await;
        relabel(&samples, "e", "x").await;
        delete(&samples, "b").await;
        delete(&samples, "other").await;
        create(&samples, "b", "x").await;
        for expected in ["apply d", "delete a", "apply e", "delete b", "apply b"] {
            assert_eq!(next(&mut events).await, expected);
        }
    });
}

#[test]
fn a_watcher_that_lists_in_pages_sees_every_change() {
    watcher_sees_every_change(&watcher::Config::default().page_size(2));
}

#[test]
fn a_watcher_that_lists_from_any_moment_sees_every_change() {
    watcher_sees_every_change(&watcher::Config::default().any_semantic());
}

#[test]
fn a_watcher_whose_list_is_streamed_sees_every_change() {
    watcher_sees_every_change(&watcher::Config::default().streaming_lists());
}

#[test]
fn a_watcher_of_metadata_sees_every_change_in_both_modes() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let metadata: Api<PartialObjectMeta<Sample>> = Api::default_namespaced(lab.client());
        create(&samples, "a", "x").await;
        let mut listed = pin!(watcher(metadata.clone(), watcher::Config::default()));
        let mut streamed = pin!(watcher(metadata, watcher::Config::default().streaming_lists()));
        for expected in ["init", "is a", "done"] {
            assert_eq!([next(&mut listed).await, next(&mut streamed).await], [expected; 2]);
        }
        relabel(&samples, "a", "y").await;
        for event in [listed.next().await, streamed.next().await] {
            let Event::Apply(sample) = event.unwrap().unwrap() else { panic!("the change is told") };
            assert_eq!(sample.labels()["tier"], "y");
            assert!(sample.uid().is_some() && sample.resource_version().is_some());
        }
        delete(&samples, "a").await;
        assert_eq!([next(&mut listed).await, next(&mut streamed).await], ["delete a"; 2]);
    });
}

#[test]
fn one_object_is_watched_from_before_it_is_there_until_it_is_gone() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let mut states =
            pin!(watch_object(samples.clone(), "a").map_ok(|sample| sample.map(|sample| sample.spec.mass)));
        assert_eq!(states.next().await.unwrap().unwrap(), None);
        create(&samples, "b", "x").await;
        create(&samples, "a", "x").await;
        assert_eq!(states.next().await.unwrap().unwrap(), Some(1));
        let heavier = Patch::Merge(json!({ "spec": { "mass": 2 } }));
        samples.patch("a", &PatchParams::default(), &heavier).await.unwrap();
        assert_eq!(states.next().await.unwrap().unwrap(), Some(2));
        delete(&samples, "a").await;
        assert_eq!(states.next().await.unwrap().unwrap(), None);
    });
}

#[test]
fn a_reflector_holds_the_objects_that_there_are() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::all(lab.client());
        let here = Api::default_namespaced(lab.client());
        for name in ["a", "b"] {
            create(&here, name, "x").await;
        }
        let (store, writer) = reflector::store();
        let mut touched = pin!(watcher(samples, watcher::Config::default()).reflect(writer).touched_objects());
        for _ in 0..2 {
            touched.next().await.unwrap().unwrap();
        }
        create(&here, "c", "x").await;
        assert_eq!(touched.next().await.unwrap().unwrap().name_any(), "c");
        store.wait_until_ready().await.unwrap();
        assert_eq!(store.len(), 3);
        delete(&here, "a").await;
        assert_eq!(touched.next().await.unwrap().unwrap().name_any(), "a");
        assert!(store.get(&reflector::ObjectRef::new("a").within("default")).is_none());
        assert!(store.get(&reflector::ObjectRef::new("b").within("default")).is_some());
    });
}

#[test]
fn what_the_programs_own_reconciler_does_is_waited_for() {
    lab(async |lab| {
        let devices: Api<Device> = Api::all(lab.client());
        let device = devices.create(&PostParams::default(), &Device::new("d", "r")).await.unwrap();
        let runs = |device: Option<&Device>| device.is_some_and(Device::runs);
        let ready = await_condition(devices.clone(), "d", runs).await.unwrap().unwrap();
        assert_eq!(ready.uid(), device.uid());
        // Its reconciler has something to do before it may go.
        wait::delete::delete_and_finalize(devices.clone(), "d", &DeleteParams::default()).await.unwrap();
        assert!(devices.get_opt("d").await.unwrap().is_none());
        let uid = device.uid().unwrap();
        await_condition(devices, "d", conditions::is_deleted(&uid)).await.unwrap();
    });
}

#[test]
fn a_watch_ends_by_itself_when_its_time_is_over() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let version = samples.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
        create(&samples, "a", "x").await;
        let watch = samples.watch(&WatchParams::default().timeout(1), &version).await.unwrap();
        let events: Vec<_> = watch.try_collect().await.unwrap();
        let Some(WatchEvent::Added(sample)) = events.first() else { panic!("{events:?}") };
        assert_eq!(sample.name_any(), "a");
        assert!(events[1..].iter().all(|event| matches!(event, WatchEvent::Bookmark(_))), "{events:?}");
    });
}
