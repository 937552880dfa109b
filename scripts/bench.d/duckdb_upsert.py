"""DuckDB: read_csv and INSERT ... ON CONFLICT DO UPDATE.   duckdb_upsert.py STORE FILE THREADS"""

from duckdb_users import COLUMNS, READ, VALUES, run

DIFFERS = " OR ".join(f"users.{name} IS DISTINCT FROM excluded.{name}" for name in VALUES)
ASSIGN = ", ".join(f"{name} = excluded.{name}" for name in VALUES)

run(f"""
    INSERT INTO users ({", ".join(COLUMNS)}) SELECT {", ".join(COLUMNS)} FROM {READ}
    ON CONFLICT (userName) DO UPDATE SET {ASSIGN} WHERE {DIFFERS}
""")
