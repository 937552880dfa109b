-- The table that the psql peers import into, made before the clock starts: what somebody would make who wants what
-- Rollbook keeps, typed: an id that the server makes, a unique key, a revision.
CREATE TABLE users (
  _id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  _rev bigint NOT NULL DEFAULT 1,
  "userName" text NOT NULL UNIQUE,
  id text NOT NULL,
  "givenName" text,
  sn text NOT NULL,
  mail text,
  "telephoneNumber" text,
  city text,
  country text,
  "accountStatus" text,
  score double precision,
  active boolean,
  "signUpDate" timestamptz,
  description text
);
