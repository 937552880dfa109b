"""DuckDB: read_csv and MERGE INTO.   duckdb_merge.py STORE FILE THREADS"""

from duckdb_users import COLUMNS, READ, VALUES, run

DIFFERS = " OR ".join(f"users.{name} IS DISTINCT FROM file.{name}" for name in VALUES)
ASSIGN = ", ".join(f"{name} = file.{name}" for name in VALUES)

run(f"""
    MERGE INTO users USING {READ} AS file ON users.userName = file.userName
    WHEN MATCHED AND ({DIFFERS}) THEN UPDATE SET {ASSIGN}
    WHEN NOT MATCHED THEN INSERT ({", ".join(COLUMNS)}) VALUES ({", ".join(f"file.{name}" for name in COLUMNS)})
""")
