"""What the two DuckDB peers share: the table, the typed reading of the CSV, the settings and the counts.

DuckDB is kept at its best: the columns are declared instead of guessed, both cores are used, the order of the records
is not preserved, and the counts cost no join. Creations are what the table has grown by, changes are what the
statement says it changed beyond those.
"""

import json
import sys

import duckdb

COLUMNS = {
    "id": "UUID",
    "userName": "VARCHAR",
    "givenName": "VARCHAR",
    "sn": "VARCHAR",
    "mail": "VARCHAR",
    "telephoneNumber": "VARCHAR",
    "city": "VARCHAR",
    "country": "VARCHAR",
    "accountStatus": "VARCHAR",
    "score": "DOUBLE",
    "active": "BOOLEAN",
    "signUpDate": "TIMESTAMPTZ",
    "description": "VARCHAR",
}
VALUES = [name for name in COLUMNS if name != "userName"]
TABLE = ", ".join(f"{name} {kind}{' PRIMARY KEY' if name == 'userName' else ''}" for name, kind in COLUMNS.items())
# auto_detect is off: reading a sample of the file first would only cost time when everything is declared.
READ = f"read_csv($input, auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', columns = {COLUMNS})"


def run(statement):
    """Brings the table to the state of the file with one statement, and prints the counts as one line of JSON."""
    store, file, threads = sys.argv[1:4]
    database = duckdb.connect(store)
    database.execute(f"SET threads = {int(threads)}")
    database.execute("SET preserve_insertion_order = false")
    database.execute("SET TimeZone = 'UTC'")
    database.execute(f"CREATE TABLE IF NOT EXISTS users ({TABLE})")
    before = count(database)
    changed = database.execute(statement, {"input": file}).fetchone()[0]
    created = count(database) - before
    database.execute("CHECKPOINT")
    database.close()
    print(json.dumps({"created": created, "updated": changed - created}))


def count(database):
    return database.execute("SELECT count(*) FROM users").fetchone()[0]
