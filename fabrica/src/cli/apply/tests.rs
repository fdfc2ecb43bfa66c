//! Looks at folders, without a program around them.

use std::fs;
use std::sync::Arc;

use super::source::tests::Folder;
use super::*;
use crate::client::ClientSettings;
use crate::event::EventBus;
use crate::resource::Resource;
use crate::resource::sample::Device;
use crate::store::MemoryStore;

async fn client(store: &Arc<MemoryStore>) -> Client {
    Client::start(store.clone(), vec![Device::TYPE], EventBus::new(), ClientSettings::default()).await.unwrap()
}

fn applier(client: &Client, paths: &[&Folder]) -> Applier {
    let paths: Vec<_> = paths.iter().map(|folder| folder.0.clone()).collect();
    Applier::new(client.clone(), &paths).unwrap()
}

fn manifest(name: &str) -> String {
    let (api_version, kind) = (Device::API_VERSION, Device::KIND);
    format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{desired: running}}\n")
}

fn names(client: &Client) -> Vec<String> {
    client.cache::<Device>().all().iter().map(|device| device.name().to_owned()).collect()
}

fn problems(applier: &Applier) -> String {
    applier.reported.iter().cloned().collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn an_object_whose_document_went_while_the_program_was_down_is_deleted() {
    let folder = Folder::new("down");
    folder.write("a.yaml", &manifest("a"));
    folder.write("b.yaml", &manifest("b"));
    let store = Arc::new(MemoryStore::new());
    applier(&client(&store).await, &[&folder]).begin().await;
    fs::remove_file(folder.0.join("a.yaml")).unwrap();
    let client = client(&store).await;
    assert_eq!(names(&client), ["a", "b"]);
    applier(&client, &[&folder]).begin().await;
    assert_eq!(names(&client), ["b"]);
}

#[tokio::test]
async fn a_file_that_is_renamed_changes_nothing() {
    let folder = Folder::new("renamed");
    folder.write("a.yaml", &manifest("a"));
    let client = client(&Arc::new(MemoryStore::new())).await;
    let mut applier = applier(&client, &[&folder]);
    applier.begin().await;
    let before = client.cache::<Device>().all();
    fs::rename(folder.0.join("a.yaml"), folder.0.join("z.yaml")).unwrap();
    applier.look(Why::Changed).await;
    assert_eq!(client.cache::<Device>().all()[0].metadata.resource_version, before[0].metadata.resource_version);
}

#[tokio::test]
async fn while_a_document_can_not_be_read_nothing_is_deleted() {
    let folder = Folder::new("unreadable");
    folder.write("a.yaml", &manifest("a"));
    folder.write("b.yaml", &manifest("b"));
    let client = client(&Arc::new(MemoryStore::new())).await;
    let mut applier = applier(&client, &[&folder]);
    applier.begin().await;
    fs::remove_file(folder.0.join("a.yaml")).unwrap();
    let unreadable = [
        "kind: [".to_owned(),
        "just text".to_owned(),
        manifest("b").replace(Device::KIND, "Devcie"),
        manifest("b").replace(Device::API_VERSION, "example.io/v9"),
        manifest("b").replace("name: b", "nam: b"),
    ];
    for text in unreadable {
        folder.write("b.yaml", &text);
        applier.look(Why::Changed).await;
        assert_eq!(names(&client), ["a", "b"], "{text}");
        let problems = problems(&applier);
        assert!(problems.contains("b.yaml, document 1 (line 1): ") && problems.contains("but kept: "), "{problems}");
    }
    folder.write("b.yaml", &manifest("b"));
    applier.look(Why::Changed).await;
    assert_eq!((names(&client), problems(&applier)), (vec!["b".to_owned()], String::new()));
}

#[tokio::test]
async fn a_folder_that_is_gone_deletes_nothing_and_an_empty_one_everything() {
    let folder = Folder::new("gone");
    folder.write("a.yaml", &manifest("a"));
    let client = client(&Arc::new(MemoryStore::new())).await;
    let mut applier = applier(&client, &[&folder]);
    applier.begin().await;
    fs::remove_dir_all(&folder.0).unwrap();
    applier.look(Why::Changed).await;
    assert_eq!(names(&client), ["a"]);
    assert!(problems(&applier).contains("is not there"), "{}", problems(&applier));
    fs::create_dir(&folder.0).unwrap();
    applier.look(Why::Changed).await;
    assert!(names(&client).is_empty());
}

#[tokio::test]
async fn a_wrong_document_keeps_its_object_and_lets_the_others_be_deleted() {
    let folder = Folder::new("wrong");
    folder.write("a.yaml", &format!("{}---\n{}---\n{}", manifest("a"), manifest("b"), manifest("c")));
    let client = client(&Arc::new(MemoryStore::new())).await;
    let mut applier = applier(&client, &[&folder]);
    applier.begin().await;
    folder.write("a.yaml", &format!("{}---\n{}", manifest("a"), manifest("b").replace("desired", "desird")));
    applier.look(Why::Changed).await;
    assert_eq!(names(&client), ["a", "b"]);
    let problems = problems(&applier);
    assert!(problems.contains("a.yaml, document 2 (line 6): "), "{problems}");
    assert!(problems.contains("spec.desird: ") && problems.contains("did you mean `desired`"), "{problems}");
}

#[tokio::test]
async fn one_object_in_two_documents_is_an_error_that_names_both_and_changes_nothing() {
    let (one, two) = (Folder::new("one"), Folder::new("two"));
    one.write("a.yaml", &manifest("a"));
    let client = client(&Arc::new(MemoryStore::new())).await;
    let mut applier = applier(&client, &[&one, &two]);
    applier.begin().await;
    two.write("b.yaml", &manifest("a").replace("running", "stopped"));
    applier.look(Why::Changed).await;
    let problems = problems(&applier);
    assert!(problems.contains("a.yaml, document 1") && problems.contains("b.yaml, document 1"), "{problems}");
    assert!(client.cache::<Device>().all()[0].spec.desired == crate::resource::sample::Power::Running);
}

#[tokio::test]
async fn a_document_may_move_from_one_source_to_another() {
    let (one, two) = (Folder::new("from"), Folder::new("to"));
    one.write("a.yaml", &manifest("a"));
    let client = client(&Arc::new(MemoryStore::new())).await;
    let mut applier = applier(&client, &[&one, &two]);
    applier.begin().await;
    let uid = client.cache::<Device>().all()[0].metadata.uid.clone();
    fs::rename(one.0.join("a.yaml"), two.0.join("a.yaml")).unwrap();
    // Even if it is wrong now, so that it can't be marked anew: it is named.
    two.write("a.yaml", &manifest("a").replace("desired", "desird"));
    applier.look(Why::Changed).await;
    assert_eq!(client.cache::<Device>().all()[0].metadata.uid, uid);
}

#[tokio::test]
async fn what_others_made_or_another_path_applied_is_left_alone() {
    let (one, two) = (Folder::new("others-1"), Folder::new("others-2"));
    one.write("a.yaml", &manifest("a"));
    two.write("b.yaml", &manifest("b"));
    let client = client(&Arc::new(MemoryStore::new())).await;
    applier(&client, &[&one]).begin().await;
    let applied = client.cache::<Device>().all()[0].clone();
    // A child to which a reconciler copied the annotations of its owner.
    let child = Device {
        metadata: Metadata { annotations: applied.metadata.annotations.clone(), ..Metadata::named("child") },
        ..Device::clone(&applied)
    };
    client.create(child).await.unwrap();
    applier(&client, &[&two]).begin().await;
    assert_eq!(names(&client), ["a", "b", "child"]);
    fs::remove_file(one.0.join("a.yaml")).unwrap();
    applier(&client, &[&one]).begin().await;
    assert_eq!(names(&client), ["b", "child"]);
}

#[tokio::test]
async fn what_was_edited_by_hand_is_made_again_at_the_next_look() {
    let folder = Folder::new("hand");
    folder.write("a.yaml", &manifest("a"));
    let client = client(&Arc::new(MemoryStore::new())).await;
    let mut applier = applier(&client, &[&folder]);
    applier.begin().await;
    let mut edited = Device::clone(&client.cache::<Device>().all()[0]);
    edited.spec.replicas = 7;
    edited.metadata.annotations.clear();
    client.update(edited).await.unwrap();
    applier.look(Why::Changed).await;
    let device = &client.cache::<Device>().all()[0];
    assert_eq!(device.spec.replicas, 0);
    assert!(device.metadata.annotations.contains_key(mark::ANNOTATION));
}

#[tokio::test]
async fn a_label_that_the_document_gave_goes_with_it_and_one_of_others_stays() {
    let folder = Folder::new("labels");
    let with = |labels: &str| manifest("a").replace("{name: a}", &format!("{{name: a, labels: {{{labels}}}}}"));
    folder.write("a.yaml", &with("rack: r1, row: x"));
    let store = Arc::new(MemoryStore::new());
    applier(&client(&store).await, &[&folder]).begin().await;
    let client = client(&store).await;
    let mut edited = Device::clone(&client.cache::<Device>().all()[0]);
    edited.metadata.labels.insert("mine".into(), "yes".into());
    client.update(edited).await.unwrap();
    for (document, labels) in [(with("row: x"), "mine row"), (manifest("a"), "mine")] {
        folder.write("a.yaml", &document);
        applier(&client, &[&folder]).begin().await;
        let metadata = &client.cache::<Device>().all()[0].metadata;
        assert_eq!(metadata.labels.keys().map(String::as_str).collect::<Vec<_>>().join(" "), labels);
        let version = metadata.resource_version;
        applier(&client, &[&folder]).begin().await;
        assert_eq!(client.cache::<Device>().all()[0].metadata.resource_version, version, "nothing more to do");
    }
    assert!(!client.cache::<Device>().all()[0].metadata.annotations.contains_key(mark::KEYS));
}

#[tokio::test]
async fn an_object_that_is_still_going_is_applied_again_when_it_is_gone() {
    let folder = Folder::new("going");
    folder.write("a.yaml", &manifest("a"));
    let client = client(&Arc::new(MemoryStore::new())).await;
    let mut applier = applier(&client, &[&folder]);
    let status = <Device as Resource>::Status::default();
    let held = Device::from_parts(Metadata::named("a"), applied_spec(), status).with_finalizer("example.io/held");
    let held = client.create(held).await.unwrap();
    client.delete::<Device>(held.metadata.uid.clone()).await.unwrap();
    applier.begin().await;
    assert!(problems(&applier).contains("is being deleted"), "{}", problems(&applier));
    assert!(applier.retry.is_some());
    let mut free = Device::clone(&client.cache::<Device>().all()[0]);
    free.metadata.finalizers.clear();
    client.update(free).await.unwrap();
    applier.look(Why::Retry).await;
    assert_ne!(client.cache::<Device>().all()[0].metadata.uid, held.metadata.uid);
    assert!(applier.retry.is_none());
}

fn applied_spec() -> <Device as Resource>::Spec {
    serde_json::from_value(serde_json::json!({ "desired": "running" })).unwrap()
}

#[tokio::test]
async fn a_list_as_kubectl_prints_it_is_taken_apart() {
    let folder = Folder::new("list");
    let item = |name: &str| format!("- {}", manifest(name).trim_end().replace('\n', "\n  "));
    folder.write(
        "a.yaml",
        &format!("apiVersion: v1\nkind: List\nitems:\n{}\n{}\n", item("a"), item("b").replace("kind", "knd")),
    );
    let client = client(&Arc::new(MemoryStore::new())).await;
    let mut applier = applier(&client, &[&folder]);
    applier.begin().await;
    assert_eq!(names(&client), ["a"]);
    assert!(
        problems(&applier).contains("a.yaml, document 1 (line 1), item 2: kind: is missing"),
        "{}",
        problems(&applier)
    );
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_later_and_later() {
    let folder = Folder::new("later");
    folder.write("a.yaml", &manifest("a").replace("running", "dancing"));
    let client = client(&Arc::new(MemoryStore::new())).await;
    let mut applier = applier(&client, &[&folder]);
    applier.begin().await;
    let mut waits = Vec::new();
    for _ in 0..8 {
        waits.push(applier.retry.unwrap().1.as_secs());
        applier.look(Why::Retry).await;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    applier.look(Why::Changed).await;
    assert_eq!(applier.retry.unwrap().1, FIRST_RETRY);
}
