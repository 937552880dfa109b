-- Who has signed in on the console: with a token (its id), or by the word of an issuer (`subject`, JSON). Of the secret in
-- the browser only the digest is kept.
CREATE TABLE IF NOT EXISTS sign_in (
    digest  bytea PRIMARY KEY,
    token   text,
    subject text,
    created text NOT NULL,
    expires text NOT NULL,
    CHECK ((token IS NULL) <> (subject IS NULL))
);

-- The door that an import came through, and how far it was when: `milestones` is a JSON array of [milliseconds since
-- `started`, records].
ALTER TABLE import ADD COLUMN IF NOT EXISTS origin text NOT NULL DEFAULT '';
ALTER TABLE import_progress ADD COLUMN IF NOT EXISTS milestones text NOT NULL DEFAULT '[]';

-- The latest imports of a kind, and where a moment lies among them. Each of the first two has an order that no other index
-- gives: whoever asks for the latest of a kind in that order is never led through all imports, whatever a server believes
-- of what is in the table.
CREATE INDEX IF NOT EXISTS import_of_kind ON import (object_type, state, origin, (-number));
CREATE INDEX IF NOT EXISTS import_in_state ON import (state, origin, (0 - number));
CREATE INDEX IF NOT EXISTS import_began ON import (began ASC);

-- Failures of an import that are alike: what is not met, of which property ('' is the whole record), and in which column if
-- it has another name. Counted with the failures; the example is what is said of the first.
CREATE TABLE IF NOT EXISTS failure_group (
    import      bigint NOT NULL,
    requirement text NOT NULL,
    property    text NOT NULL,
    column_name text,
    failures    bigint NOT NULL,
    first_row   bigint NOT NULL,
    example     text NOT NULL,
    PRIMARY KEY (import, requirement, property)
);

-- The rows of the failures of a group: `packed` has some thousands of them up to `last_row`, each as its distance from the
-- one before, seven bits to a byte.
CREATE TABLE IF NOT EXISTS failure_rows (
    import      bigint NOT NULL,
    requirement text NOT NULL,
    property    text NOT NULL,
    last_row    bigint NOT NULL,
    packed      bytea NOT NULL,
    PRIMARY KEY (import, requirement, property, last_row)
);

-- Some records of a dry run with what they would change, JSON.
CREATE TABLE IF NOT EXISTS import_samples (
    import  bigint PRIMARY KEY,
    samples text NOT NULL
);
