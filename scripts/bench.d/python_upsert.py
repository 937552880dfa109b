"""Python, by hand: csv and sqlite3, one executemany upsert.   python_upsert.py STORE FILE

The types are converted, so a wrong number or boolean stops the import; nothing else is checked and nothing is recorded.
"""

import csv
import gzip
import json
import sqlite3
import sys

BOOLEANS = {"true": 1, "false": 0}
VALUES = (
    "id",
    "givenName",
    "sn",
    "mail",
    "telephoneNumber",
    "city",
    "country",
    "accountStatus",
    "score",
    "active",
    "signUpDate",
    "description",
)


def typed(reader):
    """Yields the values of each record in the order of the columns."""
    for uid, user_name, given_name, sn, mail, telephone, city, country, status, score, active, date, text in reader:
        yield (
            uid,
            user_name,
            given_name,
            sn,
            mail,
            telephone,
            city,
            country,
            status,
            float(score),
            BOOLEANS[active],
            date,
            text or None,
        )


def main():
    store, file = sys.argv[1:3]
    database = sqlite3.connect(store, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA cache_size = -262144")
    database.execute("""
        CREATE TABLE IF NOT EXISTS users (
          userName TEXT NOT NULL PRIMARY KEY, id TEXT NOT NULL, givenName TEXT, sn TEXT NOT NULL, mail TEXT,
          telephoneNumber TEXT, city TEXT, country TEXT, accountStatus TEXT, score REAL, active INTEGER,
          signUpDate TEXT, description TEXT
        ) STRICT
        """)
    before = count(database)
    changes = database.total_changes
    open_file = gzip.open if file.endswith(".gz") else open
    with open_file(file, "rt", encoding="utf-8", newline="") as text:
        reader = csv.reader(text)
        header = next(reader)
        database.execute("BEGIN")
        database.executemany(
            f"""
            INSERT INTO users ({", ".join(header)}) VALUES ({", ".join("?" * len(header))})
            ON CONFLICT (userName) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in VALUES)}
            WHERE {" OR ".join(f"{name} IS NOT excluded.{name}" for name in VALUES)}
            """,
            typed(reader),
        )
        database.execute("COMMIT")
    created = count(database) - before
    print(json.dumps({"created": created, "updated": database.total_changes - changes - created}))
    database.close()


def count(database):
    return database.execute("SELECT count(*) FROM users").fetchone()[0]


main()
