-- What this installation is: its secret (seeds of key hashes and fingerprints), what its spool and its key are known by.
CREATE TABLE IF NOT EXISTS installation (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);

-- The next number of everything that is numbered: 'object_type', 'import', 'run', and 'object N' for the objects of
-- type N. A row for each, in the place of sequences, which distributed engines hand out with gaps and in any
-- order: what is numbered inside its transaction is numbered in the order of commits.
CREATE TABLE IF NOT EXISTS counter (
    name text PRIMARY KEY,
    next bigint NOT NULL
);

-- Who may do what only one process may do at a time, until when, and with which fencing token. A row stays when its lease
-- is over, so that no token is given twice.
CREATE TABLE IF NOT EXISTS lease (
    name  text PRIMARY KEY,
    owner text NOT NULL,
    token bigint NOT NULL,
    until timestamptz NOT NULL
);

-- The transactions that have been committed lately. Who lost the connection in a COMMIT asks here what became of it.
CREATE TABLE IF NOT EXISTS committed (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL
);

-- Object types; `positions` gives each property path its permanent place in stored documents. Who writes an object holds a
-- share of its type's row, who changes the type or builds an index holds the row.
CREATE TABLE IF NOT EXISTS object_type (
    number     bigint PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    version    bigint NOT NULL,
    definition text NOT NULL,
    positions  text NOT NULL
);

-- Every object as it is. Its number is part of its id, or, of an id that a client chose, is found in chosen_id. The
-- fingerprint is that of the record it equals; 0 if it is none. Of objects that no import wrote `import` is 0. Pages keep
-- some room, so that a changed object stays on its page and its key in the index need not change.
CREATE TABLE IF NOT EXISTS object (
    object_type bigint NOT NULL,
    number      bigint NOT NULL,
    id          uuid NOT NULL,
    chosen_id   text,
    revision    bigint NOT NULL,
    import      bigint NOT NULL,
    fingerprint bigint NOT NULL,
    document    text NOT NULL,
    PRIMARY KEY (object_type, number)
) WITH (fillfactor = 90);

-- Ids that REST clients chose, also without their case, as filters compare them.
CREATE TABLE IF NOT EXISTS chosen_id (
    object_type bigint NOT NULL,
    id          text NOT NULL,
    folded      text NOT NULL,
    object      bigint NOT NULL,
    PRIMARY KEY (object_type, id)
);

CREATE INDEX IF NOT EXISTS chosen_id_folded ON chosen_id (object_type, folded);

-- Key indexes: `properties` is a JSON array of paths whose values together are the key. The indexes of a type have numbers
-- of its own, so that nobody waits for a counter while a large one is built.
CREATE TABLE IF NOT EXISTS key_index (
    number      bigint PRIMARY KEY,
    object_type bigint NOT NULL,
    properties  text NOT NULL,
    UNIQUE (object_type, properties)
);

-- The pairs of every index: a key's hash, and an object that has the key. `tie` is the object's number, but 0 in an index
-- over a property whose values must be unique: there the primary key keeps two processes from putting one value twice.
-- (Of different values with one hash, which are rare, the second has its object's number there too.)
CREATE TABLE IF NOT EXISTS key_pair (
    key_index bigint NOT NULL,
    hash      bigint NOT NULL,
    tie       bigint NOT NULL,
    object    bigint NOT NULL,
    PRIMARY KEY (key_index, hash, tie)
);

-- What an import changes, on its way from COPY to the statements that change it. Rows are written and removed in one
-- transaction, so that nobody sees them. `document` is null where nothing but the fingerprint changes.
CREATE TABLE IF NOT EXISTS staged_object (
    import      bigint NOT NULL,
    object_type bigint NOT NULL,
    number      bigint NOT NULL,
    seen        bigint NOT NULL,
    fingerprint bigint NOT NULL,
    document    text,
    PRIMARY KEY (import, number)
);

CREATE TABLE IF NOT EXISTS staged_removal (
    import    bigint NOT NULL,
    key_index bigint NOT NULL,
    hash      bigint NOT NULL,
    object    bigint NOT NULL,
    PRIMARY KEY (import, key_index, hash, object)
);

-- Imports, oldest first: queued at `began`, run from `started` to `ended`. A file name is a JSON text, as everything that
-- might have a NUL in it.
CREATE TABLE IF NOT EXISTS import (
    number          bigint PRIMARY KEY,
    id              uuid NOT NULL UNIQUE,
    object_type     text NOT NULL,
    plan            text NOT NULL,
    filename        text NOT NULL,
    header          text NOT NULL,
    state           text NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    began           text NOT NULL,
    started         text,
    ended           text,
    problem         text,
    size            bigint NOT NULL,
    structure       text,
    cancelled_by    text,
    spool_purged    boolean NOT NULL DEFAULT false,
    failures_purged boolean NOT NULL DEFAULT false,
    revision        bigint NOT NULL DEFAULT 1
);

CREATE INDEX IF NOT EXISTS import_waiting ON import (object_type, number) WHERE state IN ('queued', 'running');

-- How far each import is, in rows of their own, so that a commit of objects waits for nobody who changes the import.
-- `settled` records from the start of the file have their outcome committed.
CREATE TABLE IF NOT EXISTS import_progress (
    import    bigint PRIMARY KEY,
    total     bigint NOT NULL DEFAULT 0,
    created   bigint NOT NULL DEFAULT 0,
    updated   bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    failure   bigint NOT NULL DEFAULT 0,
    settled   bigint NOT NULL DEFAULT 0,
    warnings  text NOT NULL DEFAULT '[]',
    revision  bigint NOT NULL DEFAULT 0
);

-- Who asked for an import to stop, a JSON text.
CREATE TABLE IF NOT EXISTS cancel_mark (
    import uuid PRIMARY KEY,
    who    text NOT NULL
);

-- Failed records with their original cells (a JSON array of strings) and their problem.
CREATE TABLE IF NOT EXISTS failure (
    import  bigint NOT NULL,
    row     bigint NOT NULL,
    cells   text NOT NULL,
    problem text NOT NULL,
    PRIMARY KEY (import, row)
);

-- Who may come in: access tokens, of which only the digest is kept. `object_types` is a JSON array, or null for all.
CREATE TABLE IF NOT EXISTS token (
    id           text PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    role         text NOT NULL CHECK (role IN ('admin', 'importer', 'viewer')),
    object_types text,
    digest       bytea NOT NULL UNIQUE,
    created      text NOT NULL,
    expires      text
);

-- Uploads that carried an Idempotency-Key: what was asked (a digest), and the imports (a JSON array of ids) it became.
CREATE TABLE IF NOT EXISTS idempotency (
    caller  text NOT NULL,
    key     text NOT NULL,
    request bytea NOT NULL,
    imports text NOT NULL,
    at      text NOT NULL,
    PRIMARY KEY (caller, key)
);

-- Drop folders that were set over REST, in the console or on the command line; those in rollbook.toml are not here.
-- `settings` is JSON without secrets, `secrets` a JSON object of them, sealed.
CREATE TABLE IF NOT EXISTS drop_folder (
    name     text PRIMARY KEY,
    settings text NOT NULL,
    secrets  bytea NOT NULL,
    set_by   text NOT NULL CHECK (set_by IN ('operator', 'administrator')),
    revision bigint NOT NULL DEFAULT 1
);

-- What is known of every drop folder, wherever it was set: since when, what was made up for it, and how it stands.
CREATE TABLE IF NOT EXISTS drop_folder_state (
    name           text PRIMARY KEY,
    external_id    text NOT NULL,
    signing_secret bytea NOT NULL,
    since          text NOT NULL,
    last_poll      text,
    trouble        text,
    notices        text NOT NULL DEFAULT '[]',
    callback_off   boolean NOT NULL DEFAULT false
);

-- The ledger: every run of a partition, for ever. `marker` and the versions of files are JSON; so is `trouble`.
CREATE TABLE IF NOT EXISTS run (
    number      bigint PRIMARY KEY,
    id          uuid NOT NULL UNIQUE,
    drop_folder text NOT NULL,
    place       text NOT NULL,
    partition   text NOT NULL,
    marker      text NOT NULL,
    step        text NOT NULL
                CHECK (step IN ('claimed', 'imported', 'room_made', 'copied', 'reported', 'cleared')),
    aside       bigint,
    began       text NOT NULL,
    ended       text,
    success     boolean,
    trouble     text,
    UNIQUE (place, partition, marker)
);

CREATE INDEX IF NOT EXISTS run_of_drop_folder ON run (drop_folder, number);

-- Nearly all runs are over.
CREATE INDEX IF NOT EXISTS open_run ON run (place, partition) WHERE ended IS NULL;

CREATE TABLE IF NOT EXISTS run_file (
    run     bigint NOT NULL,
    name    text NOT NULL,
    version text NOT NULL,
    ignored text,
    import  uuid,
    digest  bytea,
    outcome text,
    PRIMARY KEY (run, name)
);

CREATE INDEX IF NOT EXISTS run_file_digest ON run_file (digest) WHERE digest IS NOT NULL;

-- The callback about each run that is over, and every attempt at it.
CREATE TABLE IF NOT EXISTS callback (
    run      bigint PRIMARY KEY,
    body     text NOT NULL,
    state    text NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up')),
    due      text,
    attempts bigint NOT NULL DEFAULT 0
);

CREATE INDEX IF NOT EXISTS callback_undelivered ON callback (state, due) WHERE state <> 'delivered';

CREATE TABLE IF NOT EXISTS callback_attempt (
    run     bigint NOT NULL,
    number  bigint NOT NULL,
    at      text NOT NULL,
    status  bigint,
    problem text,
    PRIMARY KEY (run, number)
);
