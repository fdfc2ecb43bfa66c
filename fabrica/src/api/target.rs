//! What the path of a request names.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What a path under `/api/v1` or `/apis/<group>/<version>` names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// Empty for the core group.
    pub(super) group: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    /// Empty if the path names none.
    pub(super) namespace: Cow<'a, str>,
    pub(super) plural: Cow<'a, str>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) subresource: Option<Cow<'a, str>>,
}

impl<'a> Target<'a> {
    /// `None` if the path is none of a resource.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        // Split first: a slash that is encoded stands in a name, and no name has one.
        let segments: Vec<Cow<'a, str>> = path
            .trim_matches('/')
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8().ok())
            .collect::<Option<_>>()?;
        let mut segments = segments.into_iter();
        let (group, version) = match &*segments.next()? {
            "api" => (Cow::Borrowed(""), segments.next()?),
            "apis" => (segments.next().filter(|group| !group.is_empty())?, segments.next()?),
            _ => return None,
        };
        let rest: Vec<Cow<'a, str>> = segments.collect();
        if rest.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        let target = Self { group, version, ..Self::default() };
        // `namespaces/x/status` is about the namespace itself; any other third segment is a resource in it.
        match rest.as_slice() {
            [namespaces, name, sub] if namespaces == "namespaces" && is_subresource_of_namespace(sub) => {
                Some(target.named(namespaces, Some(name), Some(sub)))
            }
            [namespaces, namespace, plural] if namespaces == "namespaces" => {
                Some(Self { namespace: namespace.clone(), ..target.named(plural, None, None) })
            }
            [namespaces, namespace, plural, name] if namespaces == "namespaces" => {
                Some(Self { namespace: namespace.clone(), ..target.named(plural, Some(name), None) })
            }
            [namespaces, namespace, plural, name, sub] if namespaces == "namespaces" => {
                Some(Self { namespace: namespace.clone(), ..target.named(plural, Some(name), Some(sub)) })
            }
            [plural] => Some(target.named(plural, None, None)),
            [plural, name] => Some(target.named(plural, Some(name), None)),
            [plural, name, sub] => Some(target.named(plural, Some(name), Some(sub))),
            _ => None,
        }
    }

    fn named(self, plural: &Cow<'a, str>, name: Option<&Cow<'a, str>>, subresource: Option<&Cow<'a, str>>) -> Self {
        Self { plural: plural.clone(), name: name.cloned(), subresource: subresource.cloned(), ..self }
    }
}

fn is_subresource_of_namespace(segment: &str) -> bool {
    matches!(segment, "status" | "finalize")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str) -> Option<[String; 6]> {
        let target = Target::parse(path)?;
        let text = |part: Option<Cow<'_, str>>| part.map(Cow::into_owned).unwrap_or_default();
        Some([
            target.group.into_owned(),
            target.version.into_owned(),
            target.namespace.into_owned(),
            target.plural.into_owned(),
            text(target.name),
            text(target.subresource),
        ])
    }

    #[test]
    fn a_path_names_a_resource() {
        for (path, expected) in [
            ("/api/v1/namespaces", ["", "v1", "", "namespaces", "", ""]),
            ("/api/v1/namespaces/lab", ["", "v1", "", "namespaces", "lab", ""]),
            ("/api/v1/namespaces/lab/status", ["", "v1", "", "namespaces", "lab", "status"]),
            ("/api/v1/namespaces/lab/events", ["", "v1", "lab", "events", "", ""]),
            ("/apis/example.io/v1/racks/r1/status/", ["example.io", "v1", "", "racks", "r1", "status"]),
            ("/apis/example.io/v1/namespaces/lab/racks/r%311", ["example.io", "v1", "lab", "racks", "r11", ""]),
            ("/apis/e.io/v1/namespaces/lab/racks/r1/scale", ["e.io", "v1", "lab", "racks", "r1", "scale"]),
        ] {
            assert_eq!(parts(path).unwrap_or_default(), expected.map(str::to_owned), "{path}");
        }
    }

    #[test]
    fn other_paths_name_nothing() {
        for path in [
            "",
            "/",
            "/api",
            "/api/v1",
            "/apis/x/v1",
            "/apis//v1/r",
            "/apis/x/v1//r",
            "/x/v1/y",
            "/api/v1/a/b/c/d",
            "/apis/x/v1/%ff",
        ] {
            assert_eq!(Target::parse(path), None, "{path}");
        }
    }
}
