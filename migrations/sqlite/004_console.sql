-- Who has signed in on the console: with a token (its id), or by the word of an issuer (`subject`, JSON). Of the secret in
-- the browser only the digest is kept.
CREATE TABLE sign_in (
    digest  BLOB PRIMARY KEY,
    token   TEXT,
    subject TEXT,
    created TEXT NOT NULL,
    expires TEXT NOT NULL,
    CHECK ((token IS NULL) <> (subject IS NULL))
) STRICT, WITHOUT ROWID;

-- The door that an import came through, and how far it was when: `milestones` is a JSON array of [milliseconds since
-- `started`, records].
ALTER TABLE import ADD COLUMN origin TEXT NOT NULL DEFAULT '';
UPDATE import SET origin = plan ->> 'origin';
ALTER TABLE import ADD COLUMN milestones TEXT NOT NULL DEFAULT '[]';

-- The latest imports of a kind, and where a moment lies among them.
CREATE INDEX import_of_kind ON import (object_type, state, origin);
CREATE INDEX import_in_state ON import (state, origin);
CREATE INDEX import_begin ON import (begin);

-- Failures of an import that are alike: what is not met, of which property ('' is the whole record), and in which column if
-- it has another name. Counted with the failures; the example is what is said of the first.
CREATE TABLE failure_group (
    import      INTEGER NOT NULL,
    requirement TEXT NOT NULL,
    property    TEXT NOT NULL,
    column_name TEXT,
    failures    INTEGER NOT NULL,
    first_row   INTEGER NOT NULL,
    example     TEXT NOT NULL,
    PRIMARY KEY (import, requirement, property)
) STRICT, WITHOUT ROWID;

-- The rows of the failures of a group: `packed` has some thousands of them up to `last_row`, each as its distance from the
-- one before, seven bits to a byte.
CREATE TABLE failure_rows (
    import      INTEGER NOT NULL,
    requirement TEXT NOT NULL,
    property    TEXT NOT NULL,
    last_row    INTEGER NOT NULL,
    packed      BLOB NOT NULL,
    PRIMARY KEY (import, requirement, property, last_row)
) STRICT, WITHOUT ROWID;

-- Some records of a dry run with what they would change, JSON.
CREATE TABLE import_samples (
    import  INTEGER PRIMARY KEY,
    samples TEXT NOT NULL
) STRICT;
