-- MERGE, which PostgreSQL has since 15.
MERGE INTO users USING staging ON users."userName" = staging."userName"
  WHEN MATCHED AND (users.id, users."givenName", users.sn, users.mail, users."telephoneNumber", users.city,
      users.country, users."accountStatus", users.score, users.active, users."signUpDate", users.description)
    IS DISTINCT FROM (staging.id, staging."givenName", staging.sn, staging.mail, staging."telephoneNumber",
      staging.city, staging.country, staging."accountStatus", staging.score, staging.active, staging."signUpDate",
      staging.description)
  THEN UPDATE SET
    _rev = users._rev + 1, id = staging.id, "givenName" = staging."givenName", sn = staging.sn, mail = staging.mail,
    "telephoneNumber" = staging."telephoneNumber", city = staging.city, country = staging.country,
    "accountStatus" = staging."accountStatus", score = staging.score, active = staging.active,
    "signUpDate" = staging."signUpDate", description = staging.description
  WHEN NOT MATCHED THEN INSERT
    ("userName", id, "givenName", sn, mail, "telephoneNumber", city, country, "accountStatus", score, active,
     "signUpDate", description)
    VALUES (staging."userName", staging.id, staging."givenName", staging.sn, staging.mail, staging."telephoneNumber",
      staging.city, staging.country, staging."accountStatus", staging.score, staging.active, staging."signUpDate",
      staging.description);
