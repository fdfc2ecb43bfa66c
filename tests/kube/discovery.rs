use kube::Discovery;
use kube::api::GroupVersionKind;
use kube::core::Version;
use kube::discovery::{self, Scope, verbs};

use super::lab::lab;

fn kind(kind: &str) -> GroupVersionKind {
    GroupVersionKind::gvk("lab.example.io", "v1", kind)
}

fn check(discovery: &Discovery) {
    let (sample, can) = discovery.resolve_gvk(&kind("Sample")).unwrap();
    assert_eq!((sample.plural.as_str(), can.scope), ("samples", Scope::Namespaced));
    let (device, can) = discovery.resolve_gvk(&kind("Device")).unwrap();
    assert_eq!((device.plural.as_str(), device.api_version.as_str()), ("devices", "lab.example.io/v1"));
    assert_eq!(can.scope, Scope::Cluster);
    let all =
        [verbs::CREATE, verbs::GET, verbs::LIST, verbs::WATCH, verbs::DELETE, verbs::DELETE_COLLECTION, verbs::UPDATE];
    for verb in all.into_iter().chain([verbs::PATCH]) {
        assert!(can.supports_operation(verb), "{verb}");
    }
    let subresources: Vec<_> = can.subresources.iter().map(|(resource, _)| resource.plural.as_str()).collect();
    assert_eq!(subresources, ["status"]);

    let group = discovery.get("lab.example.io").unwrap();
    assert_eq!(group.preferred_version(), Some("v1"));
    assert!(discovery.has_group("events.k8s.io"));
    let core = discovery.get("").unwrap();
    assert!(core.recommended_kind("Namespace").is_some_and(|(_, can)| can.scope == Scope::Cluster));
    assert!(core.recommended_kind("Event").is_some());
    assert!(discovery.resolve_gvk(&kind("Nothing")).is_none());
}

#[test]
fn discovery_finds_every_kind_group_by_group() {
    lab(async |lab| check(&Discovery::new(lab.client()).run().await.unwrap()));
}

#[test]
fn discovery_finds_the_same_in_two_requests() {
    lab(async |lab| check(&Discovery::new(lab.client()).run_aggregated().await.unwrap()));
}

#[test]
fn one_kind_or_one_group_is_found_alone() {
    lab(async |lab| {
        let client = lab.client();
        let (sample, can) = discovery::pinned_kind(&client, &kind("Sample")).await.unwrap();
        assert_eq!((sample.plural.as_str(), can.scope), ("samples", Scope::Namespaced));
        discovery::pinned_kind(&client, &kind("Nothing")).await.unwrap_err();
        let group = discovery::group(&client, "lab.example.io").await.unwrap();
        assert!(group.recommended_kind("Device").is_some());
        assert!(discovery::group(&client, "nowhere.example.io").await.is_err());
        let filtered = Discovery::new(client).filter(&["lab.example.io"]).run().await.unwrap();
        assert_eq!(filtered.groups().map(discovery::ApiGroup::name).collect::<Vec<_>>(), ["lab.example.io"]);
    });
}

#[test]
fn the_server_says_its_version() {
    lab(async |lab| {
        let version = lab.client().apiserver_version().await.unwrap();
        let numbers = (version.major.parse::<u32>().unwrap(), version.minor.trim_end_matches('+').parse::<u32>());
        assert!(numbers.1.is_ok(), "{version:?}");
        assert!(matches!(Version::parse("v1"), Version::Stable(1)));
        assert!(version.git_version.starts_with('v'), "{version:?}");
    });
}
