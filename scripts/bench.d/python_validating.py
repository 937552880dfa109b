"""Python, by hand: csv and sqlite3, doing what Rollbook does.   python_validating.py STORE FILE

Every record is validated, every failed one is kept with its cells and its reasons, the rest goes in, every object is
a JSON document with an id and a revision of its own, and created, updated, unchanged and failed add up. It is written
as one would write it who cares for speed: prepared patterns, values looked up 500 at a time, writes in executemany,
one transaction.
"""

import csv
import datetime
import gzip
import json
import re
import sqlite3
import sys
import uuid

REQUIRED = (0, 1, 3)
USER_NAME, MAIL, SCORE, ACTIVE, DATE = 1, 4, 9, 10, 11
MAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+").fullmatch
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII).fullmatch
BOOLEANS = {"true": True, "false": False}
# SQLite's limit on parameters was 999 for long.
LOOK_UP = 500
ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def document(cells, header):
    """Returns the typed object of a record, and everything that is wrong with it."""
    if len(cells) != len(header):
        return None, [f"{len(cells)} cells, the header has {len(header)}"]
    violations = [f"{header[column]}: REQUIRED" for column in REQUIRED if not cells[column]]
    values = {name: cell for name, cell in zip(header, cells) if cell}
    if cells[MAIL] and not MAIL_ADDRESS(cells[MAIL]):
        violations.append("mail: VALID_EMAIL_ADDRESS_FORMAT")
    if text := cells[SCORE]:
        if NUMBER(text):
            number = float(text)
            values["score"] = int(number) if number.is_integer() else number
        else:
            violations.append("score: VALID_TYPE")
    if text := cells[ACTIVE]:
        boolean = BOOLEANS.get(text.lower())
        if boolean is None:
            violations.append("active: VALID_TYPE")
        values["active"] = boolean
    if text := cells[DATE]:
        try:
            date = datetime.datetime.fromisoformat(text)
            if date.tzinfo is None:
                violations.append("signUpDate: no offset")
            else:
                values["signUpDate"] = date.astimezone(datetime.timezone.utc).isoformat()[:19] + "Z"
        except ValueError:
            violations.append("signUpDate: VALID_DATE")
    return values, violations


def pieces(reader, header, seen, failures):
    """Yields (userName, document) of the valid records, a few hundred at a time."""
    piece = []
    for row, cells in enumerate(reader, 2):
        values, violations = document(cells, header)
        if not violations:
            key = cells[USER_NAME]
            if key in seen:
                violations.append("userName: UNIQUE")
            else:
                seen.add(key)
                piece.append((key, ENCODE(values)))
        if violations:
            failures.append((row, ENCODE(cells), "; ".join(violations)))
        if len(piece) == LOOK_UP:
            yield piece
            piece = []
    if piece:
        yield piece


def main():
    store, file = sys.argv[1:3]
    database = sqlite3.connect(store, isolation_level=None)
    database.executescript("""
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA cache_size = -262144;
        CREATE TABLE IF NOT EXISTS objects (
          n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, userName TEXT NOT NULL UNIQUE, rev INTEGER NOT NULL,
          document TEXT NOT NULL
        ) STRICT;
        CREATE TABLE IF NOT EXISTS imports (
          id TEXT PRIMARY KEY, total INTEGER, created INTEGER, updated INTEGER, unchanged INTEGER, failed INTEGER
        ) STRICT;
        CREATE TABLE IF NOT EXISTS failures (
          import TEXT NOT NULL, row INTEGER NOT NULL, cells TEXT NOT NULL, error TEXT NOT NULL, PRIMARY KEY (import, row)
        ) STRICT;
        """)
    run = str(uuid.uuid4())
    created = updated = unchanged = 0
    failures = []
    open_file = gzip.open if file.endswith(".gz") else open
    with open_file(file, "rt", encoding="utf-8", newline="") as text:
        reader = csv.reader(text, strict=True)
        header = next(reader)
        database.execute("BEGIN IMMEDIATE")
        for piece in pieces(reader, header, set(), failures):
            marks = ",".join("?" * len(piece))
            stored = {
                key: (n, old)
                for n, key, old in database.execute(
                    f"SELECT n, userName, document FROM objects WHERE userName IN ({marks})", [key for key, _ in piece]
                )
            }
            inserts, updates = [], []
            for key, new in piece:
                if key not in stored:
                    inserts.append((str(uuid.uuid4()), key, new))
                elif stored[key][1] != new:
                    updates.append((new, stored[key][0]))
                else:
                    unchanged += 1
            database.executemany("INSERT INTO objects (id, userName, rev, document) VALUES (?, ?, 0, ?)", inserts)
            database.executemany("UPDATE objects SET document = ?, rev = rev + 1 WHERE n = ?", updates)
            created += len(inserts)
            updated += len(updates)
        database.executemany(
            "INSERT INTO failures VALUES (?, ?, ?, ?)", ((run, row, cells, error) for row, cells, error in failures)
        )
        total = created + updated + unchanged + len(failures)
        database.execute(
            "INSERT INTO imports VALUES (?, ?, ?, ?, ?, ?)", (run, total, created, updated, unchanged, len(failures))
        )
        database.execute("COMMIT")
    database.close()
    counts = {"created": created, "updated": updated, "unchanged": unchanged, "failure": len(failures), "total": total}
    print(json.dumps(counts))


main()
