//! An object as a list of its fields, so that two can be compared one by one.

use std::collections::BTreeMap;

use serde_json::Value;

/// The leaves of an object by their paths: `status.conditions[Ready].reason`.
pub(super) type Fields = BTreeMap<String, Value>;

/// The fields of an object. Entries of a list stand under their `type` or `name`, if each has another one.
pub(super) fn fields_of(object: &Value) -> Fields {
    let mut fields = Fields::new();
    collect(String::new(), object, &mut fields);
    fields
}

fn collect(path: String, value: &Value, fields: &mut Fields) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(path, value, fields);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let names = names(items);
            for (index, item) in items.iter().enumerate() {
                let name = names.as_ref().map_or_else(|| index.to_string(), |names| names[index].to_owned());
                collect(format!("{path}[{name}]"), item, fields);
            }
        }
        leaf => {
            fields.insert(path, leaf.clone());
        }
    }
}

fn names(items: &[Value]) -> Option<Vec<&str>> {
    ["type", "name", "uid"].into_iter().find_map(|key| {
        let names: Vec<&str> = items.iter().map(|item| item.get(key)?.as_str()).collect::<Option<_>>()?;
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        (distinct.len() == names.len()).then_some(names)
    })
}

/// One field that is not the same in two objects.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) path: String,
    pub(super) one: Option<Value>,
    pub(super) other: Option<Value>,
}

impl Difference {
    /// Does it say anything? That a field is there and empty, which was not there before, does not.
    pub(super) fn is_telling(&self) -> bool {
        let is_empty = |value: &Option<Value>| match value {
            None | Some(Value::Null) => true,
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::Object(members)) => members.is_empty(),
            Some(_) => false,
        };
        !(is_empty(&self.one) && is_empty(&self.other))
    }
}

/// The fields that are not the same in both.
pub(super) fn differences(one: &Fields, other: &Fields) -> Vec<Difference> {
    let added = other.keys().filter(|path| !one.contains_key(*path));
    let mut paths: Vec<&String> = one.keys().chain(added).collect();
    paths.sort_unstable();
    let differs = |path: &&String| one.get(*path) != other.get(*path);
    let difference =
        |path: &String| Difference { path: path.clone(), one: one.get(path).cloned(), other: other.get(path).cloned() };
    paths.into_iter().filter(differs).map(difference).collect()
}

/// A value as a report shows it.
pub(super) fn shown(value: Option<&Value>) -> String {
    const LONGEST: usize = 60;
    let text = value.map_or_else(|| "(absent)".to_owned(), ToString::to_string);
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_stand_under_their_type_and_other_lists_under_their_index() {
        let object =
            json!({ "status": { "conditions": [{ "type": "Ready", "reason": "A" }], "ips": ["x", "y"], "n": {} } });
        let paths: Vec<_> = fields_of(&object).into_keys().collect();
        let expected = [
            "status.conditions[Ready].reason",
            "status.conditions[Ready].type",
            "status.ips[0]",
            "status.ips[1]",
            "status.n",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn what_is_absent_on_one_side_is_a_difference() {
        let (one, other) = (fields_of(&json!({ "a": 1, "b": 2 })), fields_of(&json!({ "b": 3, "c": 4 })));
        let found = differences(&one, &other);
        let paths: Vec<_> = found.iter().map(|difference| difference.path.as_str()).collect();
        assert_eq!(paths, ["a", "b", "c"]);
        assert_eq!((shown(found[0].one.as_ref()), shown(found[0].other.as_ref())), ("1".into(), "(absent)".into()));
    }
}
