-- The beginning of both psql peers: COPY into a temporary table, which checks types and the number of cells. The bench
-- puts the file, or a pipe from gunzip, in the place of the word between @. All in one transaction.
\set ON_ERROR_STOP on
\set QUIET on
BEGIN;
SELECT count(*) AS before FROM users \gset
CREATE TEMP TABLE staging (
  id text, "userName" text, "givenName" text, sn text, mail text, "telephoneNumber" text, city text, country text,
  "accountStatus" text, score double precision, active boolean, "signUpDate" timestamptz, description text
);
\copy staging FROM @FILE@ WITH (FORMAT csv, HEADER)
