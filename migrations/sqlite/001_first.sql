-- What this installation is: its secret (seeds of key hashes and fingerprints).
CREATE TABLE installation (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- Object types; `positions` gives each property path its permanent place in stored documents. With type N come
--   object_N       (number, id, revision, import, document)  every object as it was first written
--   change_N       (number, revision, import, document)      the latest version of those that were changed since
--   current_N      a view: every object as it is
--   fingerprint_N  (chunk, data)                             8 bytes for each object: the record it equals
CREATE TABLE object_type (
    number      INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    version     INTEGER NOT NULL,
    definition  TEXT NOT NULL,
    positions   TEXT NOT NULL,
    next_object INTEGER NOT NULL
) STRICT;

-- Key indexes: `properties` is a JSON array of paths whose values together are the key. The pairs of index N, of the
-- key's hash and its object, lie in the table key_N (bucket, data), packed by the first `bits` bits of the hash.
CREATE TABLE key_index (
    number      INTEGER PRIMARY KEY,
    object_type INTEGER NOT NULL,
    properties  TEXT NOT NULL,
    bits        INTEGER NOT NULL DEFAULT 0,
    pairs       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (object_type, properties)
) STRICT;

-- Imports, oldest first: queued at `begin`, run from `started` to `end`. `settled` records from the start of the file have
-- their outcome committed. A number is never given again: objects carry it, also that of an import whose record was
-- deleted.
CREATE TABLE import (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    object_type     TEXT NOT NULL,
    plan            TEXT NOT NULL,
    filename        TEXT NOT NULL,
    header          TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    begin           TEXT NOT NULL,
    started         TEXT,
    end             TEXT,
    problem         TEXT,
    warnings        TEXT NOT NULL DEFAULT '[]',
    size            INTEGER NOT NULL,
    total           INTEGER NOT NULL DEFAULT 0,
    created         INTEGER NOT NULL DEFAULT 0,
    updated         INTEGER NOT NULL DEFAULT 0,
    unchanged       INTEGER NOT NULL DEFAULT 0,
    failure         INTEGER NOT NULL DEFAULT 0,
    settled         INTEGER NOT NULL DEFAULT 0,
    spool_purged    INTEGER NOT NULL DEFAULT 0,
    failures_purged INTEGER NOT NULL DEFAULT 0,
    revision        INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE INDEX import_waiting ON import (object_type, number) WHERE state IN ('queued', 'running');

-- Failed records with their original cells (a JSON array of strings) and their problem.
CREATE TABLE failure (
    import  INTEGER NOT NULL,
    row     INTEGER NOT NULL,
    cells   TEXT NOT NULL,
    problem TEXT NOT NULL,
    PRIMARY KEY (import, row)
) STRICT, WITHOUT ROWID;
