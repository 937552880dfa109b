-- Who may come in: access tokens, of which only the digest is kept. `object_types` is a JSON array, or null for all.
CREATE TABLE token (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    role         TEXT NOT NULL CHECK (role IN ('admin', 'importer', 'viewer')),
    object_types TEXT,
    digest       BLOB NOT NULL UNIQUE,
    created      TEXT NOT NULL,
    expires      TEXT
) STRICT, WITHOUT ROWID;

-- Uploads that carried an Idempotency-Key: what was asked (a digest), and the imports (a JSON array of ids) it became.
CREATE TABLE idempotency (
    caller  TEXT NOT NULL,
    key     TEXT NOT NULL,
    request BLOB NOT NULL,
    imports TEXT NOT NULL,
    at      TEXT NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

-- What the structural scan found, of a file that was scanned before it was queued (JSON); null if it still has to be.
ALTER TABLE import ADD COLUMN structure TEXT;

-- Ids that REST clients chose; all others carry the number of their object. `object` is a number in object_N.
CREATE TABLE chosen_id (
    object_type INTEGER NOT NULL,
    id          TEXT NOT NULL,
    object      INTEGER NOT NULL,
    PRIMARY KEY (object_type, id)
) STRICT, WITHOUT ROWID;
