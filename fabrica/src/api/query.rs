//! The parameters of a request.

use std::borrow::Cow;
use std::time::Duration;

use super::status::Status;

/// The greatest length of a selector.
const SELECTOR_MAX: usize = 16 << 10;

/// The parameters of a request, as far as they are known; others are left alone, as in Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) watch: bool,
    pub(super) label_selector: String,
    pub(super) field_selector: String,
    /// 0 is no limit.
    pub(super) limit: usize,
    pub(super) continue_: Option<String>,
    pub(super) resource_version: Option<u64>,
    pub(super) version_match: Option<VersionMatch>,
    pub(super) timeout: Option<Duration>,
    pub(super) bookmarks: bool,
    pub(super) initial_events: Option<bool>,
    pub(super) dry_run: bool,
    pub(super) field_validation: FieldValidation,
    pub(super) propagation_policy: Option<String>,
    pub(super) orphan_dependents: Option<bool>,
    /// How much of each object a table carries.
    pub(super) include_object: IncludeObject,
    pub(super) verbose: bool,
}

/// How a `resourceVersion` is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionMatch {
    NotOlderThan,
    Exact,
}

/// What is done about fields that a kind doesn't know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum FieldValidation {
    /// They are dropped, and nothing is said.
    Ignore,
    /// They are dropped, and a header says so.
    #[default]
    Warn,
    /// They are refused.
    Strict,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum IncludeObject {
    #[default]
    Metadata,
    Object,
    None,
}

/// Does the part of a URI behind the question mark ask for a watch?
pub(super) fn is_watch(query: Option<&str>) -> bool {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.any(|(key, value)| key == "watch" && flag(&key, &value) == Ok(true))
}

impl Query {
    /// Reads the part of a URI behind the question mark.
    ///
    /// # Errors
    /// 400 for a value that is none of its parameter.
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Status> {
        let mut parsed = Self::default();
        for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            parsed.set(&key, value)?;
        }
        Ok(parsed)
    }

    fn set(&mut self, key: &str, value: Cow<'_, str>) -> Result<(), Status> {
        match key {
            "watch" => self.watch = flag(key, &value)?,
            "labelSelector" => self.label_selector = selector(key, value)?,
            "fieldSelector" => self.field_selector = selector(key, value)?,
            "limit" => self.limit = number(key, &value)?,
            "continue" => self.continue_ = Some(value.into_owned()).filter(|token| !token.is_empty()),
            "resourceVersion" if value.is_empty() => {}
            "resourceVersion" => self.resource_version = Some(number(key, &value)?),
            "resourceVersionMatch" => {
                self.version_match = match &*value {
                    "" => None,
                    "NotOlderThan" => Some(VersionMatch::NotOlderThan),
                    "Exact" => Some(VersionMatch::Exact),
                    _ => return Err(wrong(key, &value, "`NotOlderThan` or `Exact`")),
                }
            }
            "timeoutSeconds" => self.timeout = Some(Duration::from_secs(number(key, &value)?)),
            "allowWatchBookmarks" => self.bookmarks = flag(key, &value)?,
            "sendInitialEvents" => self.initial_events = Some(flag(key, &value)?),
            "dryRun" => {
                self.dry_run = match &*value {
                    "" => false,
                    "All" => true,
                    _ => return Err(wrong(key, &value, "`All`")),
                }
            }
            "fieldValidation" => {
                self.field_validation = match &*value {
                    "Ignore" => FieldValidation::Ignore,
                    "" | "Warn" => FieldValidation::Warn,
                    "Strict" => FieldValidation::Strict,
                    _ => return Err(wrong(key, &value, "`Ignore`, `Warn` or `Strict`")),
                }
            }
            "propagationPolicy" => {
                self.propagation_policy = Some(value.into_owned()).filter(|policy| !policy.is_empty());
            }
            "orphanDependents" => self.orphan_dependents = Some(flag(key, &value)?),
            "includeObject" => {
                self.include_object = match &*value {
                    "" | "Metadata" => IncludeObject::Metadata,
                    "Object" => IncludeObject::Object,
                    "None" => IncludeObject::None,
                    _ => return Err(wrong(key, &value, "`None`, `Metadata` or `Object`")),
                }
            }
            // Its presence alone says it.
            "verbose" => self.verbose = true,
            _ => {}
        }
        Ok(())
    }
}

fn selector(key: &str, value: Cow<'_, str>) -> Result<String, Status> {
    if value.len() <= SELECTOR_MAX {
        return Ok(value.into_owned());
    }
    Err(Status::bad_request(format!("{key} has {} bytes; at most {SELECTOR_MAX} are allowed", value.len())))
}

fn flag(key: &str, value: &str) -> Result<bool, Status> {
    match value {
        "" | "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok(true),
        "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok(false),
        _ => Err(wrong(key, value, "`true` or `false`")),
    }
}

fn number<N: std::str::FromStr + Default>(key: &str, value: &str) -> Result<N, Status> {
    if value.is_empty() {
        return Ok(N::default());
    }
    value.parse().map_err(|_| wrong(key, value, "a whole number, not negative"))
}

fn wrong(key: &str, value: &str, right: &str) -> Status {
    let shown: String = value.chars().take(40).collect();
    Status::bad_request(format!("the parameter {key} is {shown:?}, but must be {right}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query =
            Query::parse(Some("labelSelector=a%3Db%2C!c&limit=5&watch=1&fieldSelector=metadata.name=x+y&odd=7"))
                .unwrap();
        assert_eq!(query.label_selector, "a=b,!c");
        assert_eq!(query.field_selector, "metadata.name=x y");
        assert_eq!((query.limit, query.watch, query.dry_run), (5, true, false));
        assert_eq!(Query::parse(None).unwrap(), Query::default());
    }

    #[test]
    fn a_wrong_value_is_named() {
        for (query, named) in [
            ("watch=maybe", "watch"),
            ("limit=-1", "limit"),
            ("dryRun=Some", "dryRun"),
            ("resourceVersion=x", "resourceVersion"),
        ] {
            let status = Query::parse(Some(query)).unwrap_err();
            assert!(status.message().contains(named), "{query}: {}", status.message());
        }
    }
}
