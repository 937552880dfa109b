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
