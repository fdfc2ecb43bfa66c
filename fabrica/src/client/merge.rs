//! Putting the difference that one writer made on top of what others wrote meanwhile.

use serde_json::{Map, Value};

/// `theirs` with the changes that lead from `base` to `ours`.
///
/// - A field that ours changed or added has our value; one that ours removed is gone; all others are as in theirs.
/// - Objects are merged field by field. Conditions (an array of objects with distinct `type`s under the key
///   `conditions`) are merged by their type, each taken whole. Any other array is replaced whole.
/// - Numbers are compared and kept as they are written: 64-bit integers stay exact.
///
/// If nobody else wrote (`theirs` equals `base`), the outcome is `ours`; merging twice changes nothing more.
pub(super) fn merge(base: &Value, ours: &Value, theirs: Value) -> Value {
    merge_at("", base, ours, theirs)
}

fn merge_at(key: &str, base: &Value, ours: &Value, theirs: Value) -> Value {
    if theirs == *base {
        return ours.clone();
    }
    match (base, ours, theirs) {
        (base, ours, theirs) if base == ours => theirs,
        (Value::Object(base), Value::Object(ours), Value::Object(theirs)) => {
            Value::Object(merge_objects(base, ours, theirs))
        }
        (Value::Array(base), Value::Array(ours), Value::Array(theirs)) if key == "conditions" => {
            merge_conditions(base, ours, &theirs).unwrap_or_else(|| Value::Array(ours.clone()))
        }
        (_, ours, _) => ours.clone(),
    }
}

fn merge_objects(
    base: &Map<String, Value>,
    ours: &Map<String, Value>,
    mut theirs: Map<String, Value>,
) -> Map<String, Value> {
    for key in base.keys().filter(|key| !ours.contains_key(*key)) {
        theirs.remove(key);
    }
    for (key, our) in ours {
        let merged = match (base.get(key), theirs.remove(key)) {
            (Some(base), Some(their)) => merge_at(key, base, our, their),
            // Others removed it. If we left it alone, that stands.
            (Some(base), None) if base == our => continue,
            // We added it, and so did they: as if both had added to nothing.
            (None, Some(their)) => merge_at(key, &empty_like(our), our, their),
            (_, None) => our.clone(),
        };
        theirs.insert(key.clone(), merged);
    }
    theirs
}

fn empty_like(value: &Value) -> Value {
    match value {
        Value::Object(_) => Value::Object(Map::new()),
        Value::Array(_) => Value::Array(Vec::new()),
        _ => Value::Null,
    }
}

/// Theirs in their order, with ours in place of those that we changed, without those that we removed, and with those
/// that we added at the end. `None` if one of them is no list of conditions.
fn merge_conditions(base: &[Value], ours: &[Value], theirs: &[Value]) -> Option<Value> {
    let (base, ours, theirs) = (by_type(base)?, by_type(ours)?, by_type(theirs)?);
    let mut merged = Vec::with_capacity(theirs.len() + 1);
    for (type_, their) in &theirs {
        match (find(&base, type_), find(&ours, type_)) {
            (Some(_), None) => {}
            (Some(base), Some(our)) if base == our => merged.push((*their).clone()),
            (_, Some(our)) => merged.push(our.clone()),
            (None, None) => merged.push((*their).clone()),
        }
    }
    for (type_, our) in &ours {
        if find(&theirs, type_).is_none() && find(&base, type_) != Some(our) {
            merged.push((*our).clone());
        }
    }
    Some(Value::Array(merged))
}

/// The value of a type.
fn find<'a>(list: &[(&str, &'a Value)], type_: &str) -> Option<&'a Value> {
    list.iter().find(|(other, _)| *other == type_).map(|(_, value)| *value)
}

/// The conditions by their types; `None` if there is something else in it, or a type twice.
fn by_type(list: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let mut conditions: Vec<(&str, &Value)> = Vec::with_capacity(list.len());
    for value in list {
        let type_ = value.get("type")?.as_str()?;
        if conditions.iter().any(|(other, _)| *other == type_) {
            return None;
        }
        conditions.push((type_, value));
    }
    Some(conditions)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_of_both_sides_survive() {
        let base = json!({ "ours": 1, "theirs": 1, "deep": { "ours": 1, "theirs": 1 } });
        let ours = json!({ "ours": 2, "theirs": 1, "deep": { "ours": 2, "theirs": 1 } });
        let theirs = json!({ "ours": 1, "theirs": 3, "deep": { "ours": 1, "theirs": 3 }, "new": true });
        let expected = json!({ "ours": 2, "theirs": 3, "deep": { "ours": 2, "theirs": 3 }, "new": true });
        assert_eq!(merge(&base, &ours, theirs), expected);
    }

    #[test]
    fn a_removed_field_disappears_even_if_others_changed_it() {
        let base = json!({ "error": "disk on fire", "tags": { "a": 1, "b": 2 }, "n": 1 });
        let ours = json!({ "tags": { "b": 2 }, "n": 1 });
        let theirs = json!({ "error": "two disks on fire", "tags": { "a": 1, "b": 2 }, "n": 2 });
        assert_eq!(merge(&base, &ours, theirs), json!({ "tags": { "b": 2 }, "n": 2 }));
    }

    #[test]
    fn what_others_removed_stays_removed_unless_we_changed_it() {
        let base = json!({ "left": 1, "changed": 1, "other": 1 });
        let ours = json!({ "left": 1, "changed": 2, "other": 1 });
        let theirs = json!({ "other": 5 });
        assert_eq!(merge(&base, &ours, theirs), json!({ "changed": 2, "other": 5 }));
    }

    #[test]
    fn integers_of_64_bits_stay_exact() {
        let base = json!({ "a": 9_007_199_254_740_993_u64, "b": 0 });
        let ours = json!({ "a": 9_007_199_254_740_993_u64, "b": u64::MAX });
        let theirs = json!({ "a": 9_007_199_254_740_995_u64, "b": 0, "c": i64::MIN });
        let expected = r#"{"a":9007199254740995,"b":18446744073709551615,"c":-9223372036854775808}"#;
        assert_eq!(merge(&base, &ours, theirs), serde_json::from_str::<Value>(expected).unwrap());
        // Neighbours that a 64-bit float can't tell apart are a difference.
        let ours = json!({ "a": 9_007_199_254_740_992_u64, "b": 0 });
        assert_eq!(merge(&base, &ours, json!({ "a": 9_007_199_254_740_993_u64, "b": 1 }))["a"], ours["a"]);
    }

    fn condition(type_: &str, reason: &str) -> Value {
        json!({ "type": type_, "status": "True", "reason": reason })
    }

    #[test]
    fn conditions_are_merged_by_type_and_each_is_taken_whole() {
        let base = json!({ "conditions": [condition("A", "old"), condition("B", "old"), condition("C", "old")] });
        let ours = json!({ "conditions": [condition("A", "ours"), condition("B", "old"), condition("E", "ours")] });
        let theirs = json!({ "conditions": [condition("D", "theirs"), condition("C", "theirs"), condition("B", "theirs"), condition("A", "theirs")] });
        let expected = json!({ "conditions": [
            condition("D", "theirs"), condition("B", "theirs"), condition("A", "ours"), condition("E", "ours")
        ] });
        assert_eq!(merge(&base, &ours, theirs), expected);
    }

    #[test]
    fn conditions_that_both_sides_add_meet() {
        let ours = json!({ "conditions": [condition("A", "ours")] });
        let theirs = json!({ "conditions": [condition("B", "theirs")] });
        let expected = json!({ "conditions": [condition("B", "theirs"), condition("A", "ours")] });
        assert_eq!(merge(&json!({}), &ours, theirs.clone()), expected);
        assert_eq!(merge(&json!({ "conditions": [] }), &ours, theirs), expected);
    }

    #[test]
    fn other_arrays_are_replaced_whole() {
        let base = json!({ "list": [1, 2], "conditions": ["no", "condition"] });
        let ours = json!({ "list": [1], "conditions": ["no"] });
        let theirs = json!({ "list": [1, 2, 3], "conditions": ["no", "condition", "either"] });
        assert_eq!(merge(&base, &ours, theirs), ours);
    }

    #[test]
    fn a_value_of_another_form_gives_way() {
        let (base, ours) = (json!({ "a": { "b": 1 } }), json!({ "a": { "b": 2 } }));
        assert_eq!(merge(&base, &ours, json!({ "a": "text" })), ours);
        assert_eq!(merge(&base, &ours, Value::Null), ours);
        assert_eq!(merge(&Value::Null, &ours, json!({ "c": 1 })), ours);
    }

    fn status() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        let conditions = proptest::collection::btree_map("[A-D]", 0..3_u8, 0..4).prop_map(|conditions| {
            conditions.iter().map(|(type_, reason)| condition(type_, &reason.to_string())).collect::<Value>()
        });
        let value = leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        (proptest::collection::btree_map("[a-e]", value, 0..5), proptest::option::of(conditions)).prop_map(
            |(fields, conditions)| {
                let mut map: Map<String, Value> = fields.into_iter().collect();
                map.extend(conditions.map(|conditions| ("conditions".to_owned(), conditions)));
                Value::Object(map)
            },
        )
    }

    /// Without the short cuts, so that they can't hide a mistake beneath.
    fn fields_merged(base: &Value, ours: &Value, theirs: &Value) -> Value {
        match (base, ours, theirs) {
            (Value::Object(base), Value::Object(ours), Value::Object(theirs)) => {
                Value::Object(merge_objects(base, ours, theirs.clone()))
            }
            _ => unreachable!("a status is an object here"),
        }
    }

    proptest! {
        #[test]
        fn alone_we_get_what_we_wrote(base in status(), ours in status()) {
            prop_assert_eq!(&merge(&base, &ours, base.clone()), &ours);
            prop_assert_eq!(&fields_merged(&base, &ours, &base), &ours);
        }

        #[test]
        fn who_changes_nothing_leaves_the_others_alone(base in status(), theirs in status()) {
            prop_assert_eq!(&merge(&base, &base, theirs.clone()), &theirs);
            prop_assert_eq!(&fields_merged(&base, &base, &theirs), &theirs);
        }

        #[test]
        fn merging_twice_changes_nothing_more(base in status(), ours in status(), theirs in status()) {
            let once = merge(&base, &ours, theirs);
            prop_assert_eq!(&merge(&base, &ours, once.clone()), &once);
        }
    }
}
