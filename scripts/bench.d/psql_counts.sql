-- The end of both psql peers. How many rows the statement before has written, psql knows itself.
\set written :ROW_COUNT
COMMIT;
SELECT json_build_object('created', now - :before, 'updated', :written - (now - :before))
  FROM (SELECT count(*) AS now FROM users) AS counted;
