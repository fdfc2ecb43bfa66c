use std::fmt::Debug;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{Expression, Status};
use kube::{Api, Error, ResourceExt as _};
use serde_json::{Value, json};

use super::kinds::{Device, Sample};
use super::lab::lab;

fn post() -> PostParams {
    PostParams::default()
}

/// What the server answers instead: code and reason, and all of it.
fn refused<T: Debug>(result: kube::Result<T>) -> (u16, String, Box<Status>) {
    match result.expect_err("the server refuses it") {
        Error::Api(status) => {
            assert!(status.is_failure(), "{status:?}");
            (status.code, status.reason.clone(), status)
        }
        error => panic!("not an answer of the API: {error:?}"),
    }
}

fn json_patch(operations: Value) -> Patch<()> {
    Patch::Json(serde_json::from_value(operations).unwrap())
}

fn names<K: kube::Resource>(objects: impl IntoIterator<Item = K>) -> Vec<String> {
    objects.into_iter().map(|object| object.name_any()).collect()
}

#[test]
fn what_is_created_has_what_the_server_gives_it_and_is_read_back() {
    lab(async |lab| {
        let devices: Api<Device> = Api::all(lab.client());
        let created = devices.create(&post(), &Device::new("d1", "r1")).await.unwrap();
        assert!(created.uid().is_some() && created.resource_version().is_some());
        assert!(created.creation_timestamp().is_some());
        assert_eq!((created.metadata.generation, created.spec.slots), (Some(1), Some(1)));
        assert_eq!(created.types.api_version, "lab.example.io/v1");
        let got = devices.get("d1").await.unwrap();
        assert_eq!((got.uid(), got.spec.rack), (created.uid(), "r1".to_owned()));
        assert!(devices.get_opt("d2").await.unwrap().is_none());

        let (code, reason, status) = refused(devices.get("d2").await);
        assert_eq!((code, reason.as_str()), (404, "NotFound"));
        assert_eq!(status.message, "devices.lab.example.io \"d2\" not found");
        let details = status.details.unwrap();
        assert_eq!(
            (details.name, details.group, details.kind),
            ("d2".into(), "lab.example.io".into(), "devices".into())
        );
        let (code, reason, status) = refused(devices.create(&post(), &Device::new("d1", "r1")).await);
        assert_eq!((code, reason.as_str()), (409, "AlreadyExists"));
        assert!(status.is_already_exists());
    });
}

#[test]
fn the_server_makes_up_a_name_if_it_is_asked_to() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let mut sample = Sample::new("", 1);
        (sample.metadata.name, sample.metadata.generate_name) = (None, Some("s-".to_owned()));
        let created = samples.create(&post(), &sample).await.unwrap();
        let name = created.name_any();
        assert!(name.starts_with("s-") && name.len() > 2, "{name}");
        assert_eq!(created.namespace().as_deref(), Some("default"));
        samples.get(&name).await.unwrap();
    });
}

#[test]
fn a_list_is_selected_by_namespace_labels_and_fields() {
    lab(async |lab| {
        let client = lab.client();
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some("cold".to_owned());
        namespaces.create(&post(), &namespace).await.unwrap();
        let (here, cold) = (Api::default_namespaced(client.clone()), Api::namespaced(client.clone(), "cold"));
        let everywhere: Api<Sample> = Api::all(client.clone());
        for (name, tier) in [("a", "x"), ("b", "y"), ("c", "x")] {
            here.create(&post(), &Sample::new(name, 1).labelled("tier", tier)).await.unwrap();
        }
        cold.create(&post(), &Sample::new("a", 2).labelled("tier", "x")).await.unwrap();

        let all = ListParams::default();
        assert_eq!(names(here.list(&all).await.unwrap()), ["a", "b", "c"]);
        assert_eq!(names(cold.list(&all).await.unwrap()), ["a"]);
        assert_eq!(everywhere.list(&all).await.unwrap().items.len(), 4);
        assert_eq!(names(here.list(&ListParams::default().labels("tier=x")).await.unwrap()), ["a", "c"]);
        let not_x = Expression::NotIn("tier".to_owned(), ["x".to_owned()].into()).into();
        assert_eq!(names(everywhere.list(&ListParams::default().labels_from(&not_x)).await.unwrap()), ["b"]);
        let fields = ListParams::default().fields("metadata.name=a,metadata.namespace=cold");
        let found = everywhere.list(&fields).await.unwrap();
        assert_eq!(found.iter().map(|sample| sample.spec.mass).collect::<Vec<_>>(), [2]);
        let (code, reason, _) = refused(here.list(&ListParams::default().fields("spec.nothing=1")).await);
        assert_eq!((code, reason.as_str()), (400, "BadRequest"));

        let devices: Api<Device> = Api::all(client.clone());
        for (name, rack) in [("d1", "r1"), ("d2", "r2")] {
            devices.create(&post(), &Device::new(name, rack)).await.unwrap();
        }
        let of_rack = devices.list(&ListParams::default().fields("spec.rack=r2")).await.unwrap();
        assert_eq!(names(of_rack), ["d2"]);
        let (code, reason, _) =
            refused(Api::<Sample>::namespaced(client, "nowhere").create(&post(), &Sample::new("a", 1)).await);
        assert_eq!((code, reason.as_str()), (404, "NotFound"));
    });
}

#[test]
fn the_pages_of_a_list_are_of_one_moment() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        for name in ["a", "b", "c", "d", "e", "f", "g"] {
            samples.create(&post(), &Sample::new(name, 1)).await.unwrap();
        }
        let page = ListParams::default().limit(3);
        let first = samples.list(&page).await.unwrap();
        assert_eq!(first.metadata.remaining_item_count, Some(4));
        samples.delete("e", &DeleteParams::default()).await.unwrap();
        samples.create(&post(), &Sample::new("d2", 1)).await.unwrap();
        let mut seen = names(first.items);
        let (mut token, version) = (first.metadata.continue_, first.metadata.resource_version);
        while let Some(from) = token.filter(|token| !token.is_empty()) {
            let next = samples.list(&page.clone().continue_token(&from)).await.unwrap();
            assert_eq!(next.metadata.resource_version, version);
            seen.extend(names(next.items));
            token = next.metadata.continue_;
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e", "f", "g"]);
    });
}

#[test]
fn a_write_with_a_version_that_is_no_longer_is_a_conflict() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let stale = samples.create(&post(), &Sample::new("s", 1)).await.unwrap();
        let mut sample = stale.clone();
        sample.spec.mass = 2;
        let replaced = samples.replace("s", &post(), &sample).await.unwrap();
        assert_eq!((replaced.spec.mass, replaced.metadata.generation), (2, Some(2)));
        assert_ne!(replaced.resource_version(), stale.resource_version());

        let (code, reason, status) = refused(samples.replace("s", &post(), &stale).await);
        assert_eq!((code, reason.as_str()), (409, "Conflict"));
        assert!(status.message.contains("the object has been modified"), "{status:?}");
        sample.metadata.resource_version = None;
        let (code, reason, _) = refused(samples.replace("s", &post(), &sample).await);
        assert_eq!((code, reason.as_str()), (422, "Invalid"));

        let entry = samples.entry("s").await.unwrap();
        let mut entry = entry.and_modify(|sample| sample.spec.mass = 3).or_insert(|| panic!("it is there"));
        entry.commit(&post()).await.unwrap();
        assert_eq!(samples.get("s").await.unwrap().spec.mass, 3);
    });
}

#[test]
fn patches_change_what_they_name_and_a_patch_of_nothing_changes_nothing() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        samples.create(&post(), &Sample::new("s", 1).labelled("a", "1")).await.unwrap();
        let params = PatchParams::default();
        let merge = Patch::Merge(json!({ "spec": { "label": "x" }, "metadata": { "labels": { "b": "2" } } }));
        let patched = samples.patch("s", &params, &merge).await.unwrap();
        assert_eq!((patched.spec.mass, patched.spec.label.as_deref()), (1, Some("x")));
        assert_eq!(patched.labels().len(), 2);
        let again = samples.patch("s", &params, &merge).await.unwrap();
        assert_eq!(again.resource_version(), patched.resource_version());
        let without = Patch::Merge(json!({ "spec": { "label": null } }));
        assert_eq!(samples.patch("s", &params, &without).await.unwrap().spec.label, None);

        let add = json_patch(json!([
            { "op": "test", "path": "/spec/mass", "value": 1 },
            { "op": "replace", "path": "/spec/mass", "value": 5 },
        ]));
        assert_eq!(samples.patch("s", &params, &add).await.unwrap().spec.mass, 5);
        let (code, reason, _) = refused(samples.patch("s", &params, &add).await);
        assert_eq!((code, reason.as_str()), (422, "Invalid"));
        let no_finalizers = json_patch(json!([
            { "op": "test", "path": "/metadata/finalizers", "value": null },
            { "op": "add", "path": "/metadata/finalizers", "value": ["example.io/f"] },
        ]));
        let held = samples.patch("s", &params, &no_finalizers).await.unwrap();
        assert_eq!(held.finalizers(), ["example.io/f"]);
        let (code, _, _) = refused(samples.patch("s", &params, &no_finalizers).await);
        assert_eq!(code, 422);
    });
}

#[test]
fn kinds_of_patches_that_there_are_not_are_told_apart_from_bad_ones() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        samples.create(&post(), &Sample::new("s", 1)).await.unwrap();
        let change = json!({ "spec": { "mass": 2 } });
        let strategic = Patch::Strategic(&change);
        let (code, reason, _) = refused(samples.patch("s", &PatchParams::default(), &strategic).await);
        assert_eq!((code, reason.as_str()), (415, "UnsupportedMediaType"));
        let apply = PatchParams::apply("somebody").force();
        for refusal in [
            samples.patch("s", &apply, &Patch::Apply(&change)).await,
            samples.patch_status("s", &apply, &Patch::Apply(&change)).await,
        ] {
            let (code, reason, _) = refused(refusal);
            assert_eq!((code, reason.as_str()), (415, "UnsupportedMediaType"));
        }
        assert_eq!(refused(samples.get_scale("s").await).0, 404);
        let replicas = json!({ "spec": { "replicas": 2 } });
        assert_eq!(refused(samples.patch_scale("s", &PatchParams::default(), &Patch::Merge(&replicas)).await).0, 404);
        assert_eq!(samples.get("s").await.unwrap().spec.mass, 1);
    });
}

#[test]
fn the_status_is_written_by_its_own_path_alone() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let created = samples.create(&post(), &Sample::new("s", 1)).await.unwrap();
        let both = json!({ "spec": { "mass": 9 }, "status": { "result": "good" } });
        let params = PatchParams::default();
        let patched = samples.patch_status("s", &params, &Patch::Merge(&both)).await.unwrap();
        assert_eq!((patched.result(), patched.spec.mass), (Some("good"), 1));
        assert_eq!(patched.metadata.generation, created.metadata.generation);
        let again = samples.patch_status("s", &params, &Patch::Merge(&both)).await.unwrap();
        assert_eq!(again.resource_version(), patched.resource_version());

        let other = json!({ "spec": { "mass": 9 }, "status": { "result": "bad" } });
        let patched = samples.patch("s", &params, &Patch::Merge(&other)).await.unwrap();
        assert_eq!((patched.result(), patched.spec.mass), (Some("good"), 9));
        let mut sample = samples.get_status("s").await.unwrap();
        sample.spec.mass = 1;
        sample.status.as_mut().unwrap().result = Some("fair".to_owned());
        let replaced = samples.replace_status("s", &post(), &sample).await.unwrap();
        assert_eq!((replaced.result(), replaced.spec.mass), (Some("fair"), 9));
        assert_eq!(refused(samples.replace_status("s", &post(), &sample).await).0, 409);
    });
}

#[test]
fn a_deletion_happens_only_to_the_object_that_it_means() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let sample = samples.create(&post(), &Sample::new("s", 1)).await.unwrap();
        let only = |uid: Option<&str>, version: Option<&str>| {
            DeleteParams::default().preconditions(Preconditions {
                uid: uid.map(str::to_owned),
                resource_version: version.map(str::to_owned),
            })
        };
        let (uid, version) = (sample.uid(), sample.resource_version());
        for wrong in [only(Some("another"), None), only(uid.as_deref(), Some("1"))] {
            let (code, reason, _) = refused(samples.delete("s", &wrong).await);
            assert_eq!((code, reason.as_str()), (409, "Conflict"));
        }
        let gone = samples.delete("s", &only(uid.as_deref(), version.as_deref())).await.unwrap().right().unwrap();
        assert!(gone.is_success());
        assert_eq!(Some(gone.details.unwrap().uid), uid);
        assert_eq!(refused(samples.delete("s", &DeleteParams::default()).await).0, 404);
    });
}

#[test]
fn a_deletion_waits_for_the_finalizers() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let mut sample = Sample::new("s", 1);
        sample.metadata.finalizers = Some(vec!["example.io/f".to_owned()]);
        samples.create(&post(), &sample).await.unwrap();
        let waiting = samples.delete("s", &DeleteParams::background()).await.unwrap().left().unwrap();
        assert!(waiting.metadata.deletion_timestamp.is_some());
        let another = Patch::Merge(json!({ "metadata": { "finalizers": ["example.io/f", "example.io/g"] } }));
        assert_eq!(refused(samples.patch("s", &PatchParams::default(), &another).await).0, 422);
        let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
        samples.patch("s", &PatchParams::default(), &none).await.unwrap();
        assert!(samples.get_opt("s").await.unwrap().is_none());
    });
}

#[test]
fn a_collection_is_deleted_as_far_as_it_is_selected() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        for (name, tier) in [("a", "x"), ("b", "y"), ("c", "x")] {
            samples.create(&post(), &Sample::new(name, 1).labelled("tier", tier)).await.unwrap();
        }
        let selected = ListParams::default().labels("tier=x");
        let deleted = samples.delete_collection(&DeleteParams::default(), &selected).await.unwrap();
        assert_eq!(names(deleted.left().unwrap()), ["a", "c"]);
        assert_eq!(names(samples.list(&ListParams::default()).await.unwrap()), ["b"]);
    });
}

#[test]
fn a_dry_run_answers_as_if_and_writes_nothing() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        let created = samples.create(&dry, &Sample::new("s", 1)).await.unwrap();
        assert!(created.uid().is_some());
        assert!(samples.get_opt("s").await.unwrap().is_none());

        let created = samples.create(&post(), &Sample::new("s", 1)).await.unwrap();
        assert_eq!(refused(samples.create(&dry, &Sample::new("s", 1)).await).0, 409);
        let heavier = Patch::Merge(json!({ "spec": { "mass": 2 } }));
        let patched = samples.patch("s", &PatchParams::default().dry_run(), &heavier).await.unwrap();
        assert_eq!((patched.spec.mass, patched.metadata.generation), (2, Some(2)));
        samples.delete("s", &DeleteParams::default().dry_run()).await.unwrap();
        samples.delete_collection(&DeleteParams::default().dry_run(), &ListParams::default()).await.unwrap();
        assert_eq!(samples.get("s").await.unwrap().resource_version(), created.resource_version());
    });
}

#[test]
fn metadata_are_read_and_patched_alone() {
    lab(async |lab| {
        let samples: Api<Sample> = Api::default_namespaced(lab.client());
        let created = samples.create(&post(), &Sample::new("s", 1).labelled("a", "1")).await.unwrap();
        let got = samples.get_metadata("s").await.unwrap();
        assert_eq!(got.types.as_ref().unwrap().kind, "PartialObjectMetadata");
        assert_eq!((got.uid(), got.labels()["a"].as_str()), (created.uid(), "1"));
        assert!(samples.get_metadata_opt("t").await.unwrap().is_none());
        let list = samples.list_metadata(&ListParams::default().labels("a=1")).await.unwrap();
        assert_eq!(list.types.kind, "PartialObjectMetadataList");
        assert_eq!(names(list), ["s"]);
        let label = Patch::Merge(json!({ "metadata": { "labels": { "b": "2" } } }));
        let patched = samples.patch_metadata("s", &PatchParams::default(), &label).await.unwrap();
        assert_eq!(patched.labels().len(), 2);
    });
}

#[test]
fn what_is_not_valid_is_refused_with_every_field() {
    lab(async |lab| {
        let devices: Api<Device> = Api::all(lab.client());
        let mut device = Device::new("d", "r");
        (device.spec.slots, device.spec.desired) = (Some(17), "maybe".to_owned());
        let (code, reason, status) = refused(devices.create(&post(), &device).await);
        assert_eq!((code, reason.as_str()), (422, "Invalid"));
        let details = status.details.unwrap();
        let mut fields: Vec<_> = details.causes.into_iter().map(|cause| cause.field).collect();
        fields.sort();
        assert_eq!((details.kind.as_str(), fields), ("Device", vec!["spec.desired".into(), "spec.slots".into()]));

        devices.create(&post(), &Device::new("d", "r")).await.unwrap();
        let odd = Patch::Merge(json!({ "spec": { "odd": 1 } }));
        let (code, reason, status) =
            refused(devices.patch("d", &PatchParams::default().validation_strict(), &odd).await);
        assert_eq!((code, reason.as_str()), (422, "Invalid"));
        assert!(status.message.contains("unknown field \"spec.odd\""), "{status:?}");
        devices.patch("d", &PatchParams::default().validation_ignore(), &odd).await.unwrap();
    });
}
