-- What every revision did, in order: id = revision * 128 + the place in its transaction. A value of NULL is a
-- deletion. Rows that neither the newest state nor the kept history needs are removed. `sum` is the CRC-32 of the rest.
CREATE TABLE log (
    id      INTEGER PRIMARY KEY,
    created INTEGER NOT NULL,
    key     BLOB NOT NULL,
    value   BLOB,
    sum     INTEGER NOT NULL
);

-- `compacted`: every change after this revision is in the log. No revision of the store is smaller. `compacted_sum` is the
-- CRC-32 of it.
-- `doubts`, if it is there: how many commits ended so that their outcome had to be found out.
-- `recoveries`, if it is there: how often it was opened after a process that had not closed it.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- For people with sqlite3: what each key holds now.
CREATE VIEW entries AS
SELECT CAST(key AS TEXT) AS key, id / 128 AS revision, created, CAST(value AS TEXT) AS text
FROM (SELECT max(id) AS id, created, key, value FROM log GROUP BY key)
WHERE value IS NOT NULL;

-- The objects among them, known by what the value looks like.
CREATE VIEW objects AS
SELECT
    json_extract(json, '$.kind') AS kind,
    json_extract(json, '$.apiVersion') AS api_version,
    json_extract(json, '$.metadata.namespace') AS namespace,
    json_extract(json, '$.metadata.name') AS name,
    json_extract(json, '$.metadata.uid') AS uid,
    revision,
    json
FROM (SELECT revision, CASE WHEN json_valid(text) THEN text END AS json FROM entries)
WHERE json_type(json, '$.kind') = 'text' AND json_type(json, '$.metadata') = 'object';

-- The history, as far as it is kept.
CREATE VIEW history AS
SELECT
    id / 128 AS revision,
    CASE WHEN value IS NULL THEN 'delete' ELSE 'put' END AS change,
    CAST(key AS TEXT) AS key,
    CAST(value AS TEXT) AS text
FROM log
ORDER BY id;
