-- INSERT ... ON CONFLICT DO UPDATE where something differs.
INSERT INTO users
  ("userName", id, "givenName", sn, mail, "telephoneNumber", city, country, "accountStatus", score, active,
   "signUpDate", description)
  SELECT "userName", id, "givenName", sn, mail, "telephoneNumber", city, country, "accountStatus", score, active,
    "signUpDate", description
  FROM staging
  ON CONFLICT ("userName") DO UPDATE SET
    _rev = users._rev + 1, id = excluded.id, "givenName" = excluded."givenName", sn = excluded.sn, mail = excluded.mail,
    "telephoneNumber" = excluded."telephoneNumber", city = excluded.city, country = excluded.country,
    "accountStatus" = excluded."accountStatus", score = excluded.score, active = excluded.active,
    "signUpDate" = excluded."signUpDate", description = excluded.description
  WHERE (users.id, users."givenName", users.sn, users.mail, users."telephoneNumber", users.city, users.country,
      users."accountStatus", users.score, users.active, users."signUpDate", users.description)
    IS DISTINCT FROM (excluded.id, excluded."givenName", excluded.sn, excluded.mail, excluded."telephoneNumber",
      excluded.city, excluded.country, excluded."accountStatus", excluded.score, excluded.active,
      excluded."signUpDate", excluded.description);
