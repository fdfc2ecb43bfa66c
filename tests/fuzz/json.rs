use std::collections::BTreeSet;

use fabrica::client::Patch;
use fabrica::testing::parsers;
use serde_json::{Map, Value, json};

use super::{is_bounded, two};

fn documents(bytes: &[u8]) -> Option<(Value, Value)> {
    let (first, second) = two(bytes);
    Some((serde_json::from_str(first).ok()?, serde_json::from_str(second).ok()?))
}

/// A merge patch and a document, one a line: the outcome is that of the rules of RFC 7396.
pub(super) fn merge_patch(bytes: &[u8]) {
    let Some((patch, document)) = documents(bytes) else { return };
    match parsers::patched(&Patch::Merge(patch.clone()), document.clone()) {
        Ok(patched) => assert_eq!(patched, merged(document, &patch)),
        Err(error) => {
            assert!(!patch.is_object(), "{error}");
            is_bounded(&error, bytes);
        }
    }
}

fn merged(document: Value, patch: &Value) -> Value {
    let Value::Object(fields) = patch else { return patch.clone() };
    let mut object = if let Value::Object(object) = document { object } else { Map::new() };
    for (name, value) in fields {
        let old = object.remove(name).unwrap_or_default();
        if !value.is_null() {
            object.insert(name.clone(), merged(old, value));
        }
    }
    object.into()
}

/// A JSON patch and a document, one a line: the outcome is that of the rules of RFC 6902.
pub(super) fn json_patch(bytes: &[u8]) {
    let Some((patch, document)) = documents(bytes) else { return };
    let expected = patch
        .as_array()
        .filter(|_| document.is_object())
        .map(|operations| operations.iter().try_fold(document.clone(), step));
    match (parsers::patched(&Patch::Json(patch), document), expected) {
        (Ok(patched), Some(Some(expected))) => assert_eq!(patched, expected),
        (Ok(patched), Some(None)) => panic!("{patched} comes of a patch that can't be done"),
        (Err(error), Some(Some(expected))) if expected.is_object() && depth(&expected) < 100 => {
            panic!("{expected} should come of it, but {error}")
        }
        (Err(error), _) => is_bounded(&error, bytes),
        _ => {}
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// One operation; `None` if it can't be done.
fn step(mut document: Value, operation: &Value) -> Option<Value> {
    let text = |name| operation.get(name).and_then(Value::as_str);
    let path = tokens(text("path")?)?;
    match text("op")? {
        "add" => add(&mut document, &path, operation.get("value")?.clone())?,
        "remove" => drop(remove(&mut document, &path)?),
        "replace" => {
            let value = operation.get("value")?.clone();
            *at(&mut document, &path)? = value;
        }
        "move" => {
            let from = tokens(text("from")?)?;
            if path.len() > from.len() && path.starts_with(&from) {
                return None;
            }
            let value = remove(&mut document, &from)?;
            add(&mut document, &path, value)?;
        }
        "copy" => {
            let value = at(&mut document, &tokens(text("from")?)?)?.clone();
            add(&mut document, &path, value)?;
        }
        "test" => {
            let expected = operation.get("value")?;
            let is_member = |document: &mut Value| {
                path.split_last()
                    .is_some_and(|(_, parent)| at(document, parent).is_some_and(|parent| parent.is_object()))
            };
            let holds = at(&mut document, &path).map(|value| value == expected);
            if !holds.unwrap_or_else(|| expected.is_null() && is_member(&mut document)) {
                return None;
            }
        }
        _ => return None,
    }
    Some(document)
}

fn tokens(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let tokens = pointer.strip_prefix('/')?.split('/');
    tokens.map(unescaped).collect()
}

fn unescaped(token: &str) -> Option<String> {
    let mut parts = token.split('~');
    let first = parts.next()?.to_owned();
    parts.try_fold(first, |text, part| match part.chars().next()? {
        '0' => Some(format!("{text}~{}", &part[1..])),
        '1' => Some(format!("{text}/{}", &part[1..])),
        _ => None,
    })
}

fn index(token: &str) -> Option<usize> {
    let is_number = token == "0" || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
    token.parse().ok().filter(|_| is_number)
}

fn at<'a>(document: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(document, |value, token| match value {
        Value::Object(fields) => fields.get_mut(token),
        Value::Array(elements) => elements.get_mut(index(token)?),
        _ => None,
    })
}

fn add(document: &mut Value, path: &[String], value: Value) -> Option<()> {
    let Some((last, parent)) = path.split_last() else {
        *document = value;
        return Some(());
    };
    match at(document, parent)? {
        Value::Object(fields) => drop(fields.insert(last.clone(), value)),
        Value::Array(elements) if last == "-" => elements.push(value),
        Value::Array(elements) => {
            let index = index(last).filter(|index| *index <= elements.len())?;
            elements.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Value, path: &[String]) -> Option<Value> {
    let Some((last, parent)) = path.split_last() else { return Some(document.take()) };
    match at(document, parent)? {
        Value::Object(fields) => fields.remove(last),
        Value::Array(elements) => {
            let index = index(last).filter(|index| *index < elements.len())?;
            Some(elements.remove(index))
        }
        _ => None,
    }
}

/// JSON: the value is that of the ordinary parser, and a document that is written from a value has no field twice.
pub(super) fn strict_json(bytes: &[u8]) {
    match (parsers::strict_json(bytes), serde_json::from_slice::<Value>(bytes)) {
        (Ok((value, duplicates)), Ok(expected)) => {
            assert_eq!(value, expected);
            let twice = json!({ "a": value, "b": [expected] });
            let (again, none) = parsers::strict_json(twice.to_string().as_bytes()).unwrap_or_default();
            assert!(none.is_empty() && (again == twice || again == Value::Null), "{none:?}");
            let paths: BTreeSet<_> = duplicates.iter().collect();
            assert!(duplicates.len() <= 32 && paths.iter().all(|path| path.len() <= 300), "{duplicates:?}");
            assert_eq!(duplicates.is_empty(), count(&value) == given(bytes), "{duplicates:?}");
        }
        (Err(error), Err(_)) => is_bounded(&error, bytes),
        (read, expected) => panic!("{read:?} is read, and not {expected:?}"),
    }
}

/// How many fields a value has.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(elements) => elements.iter().map(count).sum(),
        Value::Object(fields) => fields.len() + fields.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// How many fields a document gives: the colons outside of strings. Those inside a value that is given twice count too.
fn given(json: &[u8]) -> usize {
    let (mut colons, mut is_string, mut is_escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_string,
            b'"' => is_string = !is_string,
            b':' if !is_string => colons += 1,
            _ => {}
        }
    }
    colons
}
