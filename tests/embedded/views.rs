//! What an operator sees in the file with sqlite3.

use fabrica::store::{Store, Transaction};
use rusqlite::Connection;

use crate::{file, folder, open};

type Object = (String, String, Option<String>, String, String, i64);

#[tokio::test]
async fn the_objects_can_be_read_with_sql() {
    let folder = folder();
    let store = open(&folder);
    let device = |name: &str, namespace: &str, watts: u32| {
        format!(
            r#"{{"apiVersion":"example.io/v1","kind":"Device","metadata":{{"name":"{name}"{namespace},"uid":"u-{name}"}},"spec":{{"watts":{watts}}}}}"#
        )
    };
    let puts = Transaction::new()
        .put("o/a", device("a", "", 1))
        .put("o/b", device("b", r#","namespace":"lab""#, 1))
        .put("o/gone", device("gone", "", 1));
    store.txn(puts).await.unwrap();
    store.txn(Transaction::new().put("o/a", device("a", "", 2)).delete("o/gone")).await.unwrap();
    let others = [r#"{"kind":"Device"}"#, r#"{"kind":1,"metadata":{}}"#, "[1]", "7", "{", "", "\u{0}\u{1}"];
    for (i, other) in others.into_iter().enumerate() {
        store.txn(Transaction::new().put(format!("x/{i}"), other)).await.unwrap();
    }

    let conn = Connection::open(file(&folder)).unwrap();
    let mut objects =
        conn.prepare("SELECT kind, api_version, namespace, name, uid, revision FROM objects ORDER BY name").unwrap();
    let read =
        |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?));
    let objects: Vec<Object> = objects.query_map([], read).unwrap().map(Result::unwrap).collect();
    let object = |name: &str, namespace: Option<&str>, revision| {
        let (kind, version) = ("Device".into(), "example.io/v1".into());
        (kind, version, namespace.map(str::to_owned), name.to_owned(), format!("u-{name}"), revision)
    };
    assert_eq!(objects, [object("a", None, 2), object("b", Some("lab"), 1)]);

    let watts = "SELECT json_extract(json, '$.spec.watts') FROM objects WHERE kind = 'Device' AND name = 'a'";
    assert_eq!(conn.query_row(watts, [], |row| row.get::<_, u32>(0)).unwrap(), 2);
    let mut history = conn.prepare("SELECT revision, change FROM history WHERE key = 'o/gone'").unwrap();
    let history: Vec<(i64, String)> =
        history.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert_eq!(history, [(1, "put".to_owned()), (2, "delete".to_owned())]);
}
