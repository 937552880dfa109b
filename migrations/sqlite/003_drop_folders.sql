-- Drop folders that were set over REST, in the console or on the command line; those in rollbook.toml are not here.
-- `settings` is JSON without secrets, `secrets` a JSON object of them, sealed.
CREATE TABLE drop_folder (
    name     TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    secrets  BLOB NOT NULL,
    set_by   TEXT NOT NULL CHECK (set_by IN ('operator', 'administrator')),
    revision INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

-- What is known of every drop folder, wherever it was set: since when, what was made up for it, and how it stands.
-- `signing_secret` is sealed; `trouble` and `notices`, what the last look left alone, are JSON. A callback that was answered
-- with 410 is off until the drop folder is set again or somebody has one sent again.
CREATE TABLE drop_folder_state (
    name           TEXT PRIMARY KEY,
    external_id    TEXT NOT NULL,
    signing_secret BLOB NOT NULL,
    since          TEXT NOT NULL,
    last_poll      TEXT,
    trouble        TEXT,
    notices        TEXT NOT NULL DEFAULT '[]',
    callback_off   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The ledger: every run of a partition, for ever. `marker` and the versions of files are JSON; so is `trouble`. Of a run
-- that is over `success` says whether all of its data files are in, so that nobody has to read their outcomes to count.
CREATE TABLE run (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    drop_folder TEXT NOT NULL,
    place       TEXT NOT NULL,
    partition   TEXT NOT NULL,
    marker      TEXT NOT NULL,
    step        TEXT NOT NULL
                CHECK (step IN ('claimed', 'imported', 'room_made', 'copied', 'reported', 'cleared')),
    aside       INTEGER,
    begin       TEXT NOT NULL,
    end         TEXT,
    success     INTEGER,
    trouble     TEXT,
    UNIQUE (place, partition, marker)
) STRICT;

CREATE INDEX run_of_drop_folder ON run (drop_folder, number);

-- Nearly all runs are over.
CREATE INDEX open_run ON run (place, partition) WHERE "end" IS NULL;

CREATE TABLE run_file (
    run     INTEGER NOT NULL,
    name    TEXT NOT NULL,
    version TEXT NOT NULL,
    ignored TEXT,
    import  TEXT,
    digest  BLOB,
    outcome TEXT,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_file_digest ON run_file (digest) WHERE digest IS NOT NULL;

-- The callback about each run that is over, and every attempt at it.
CREATE TABLE callback (
    run      INTEGER PRIMARY KEY,
    body     TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up')),
    due      TEXT,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX callback_due ON callback (due) WHERE state = 'waiting';

CREATE TABLE callback_attempt (
    run     INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    at      TEXT NOT NULL,
    status  INTEGER,
    problem TEXT,
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;

-- Who stopped a cancelled import, if it is known.
ALTER TABLE import ADD COLUMN cancelled_by TEXT;
