-- Who has signed in on the console: with a token (its id), or by the word of an issuer (`subject`, JSON). Of the secret in
-- the browser only the digest is kept.
CREATE TABLE sign_in (
    digest  bytea PRIMARY KEY,
    token   text,
    subject text,
    created text NOT NULL,
    expires text NOT NULL,
    CHECK ((token IS NULL) <> (subject IS NULL))
);
