"""A PostgreSQL cluster for a benchmark: made by the distribution's initdb, with its default settings, fsync on."""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile


class Cluster:
    """Runs on a port of 127.0.0.1 until it is ended, when nothing of it stays."""

    user = "rollbook"

    def __init__(self):
        self.bin = self.binaries()
        # PostgreSQL refuses to be run by root, and another user cannot enter root's directories.
        self.runs_as = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="rollbook-bench-", dir="/var/tmp"))
        if self.runs_as:
            os.chown(self.directory, self.runs_as.pw_uid, self.runs_as.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.run("initdb", "-D", "data", "-U", self.user, "-A", "trust", "-E", "UTF8", "--no-locale")
        where = f"-p {self.port} -k {self.directory} -c listen_addresses=127.0.0.1"
        self.run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", where, "start")

    @staticmethod
    def binaries():
        """The newest server's programs, or nothing."""
        given = os.environ.get("PG_BIN")
        found = [given] if given else pathlib.Path("/usr/lib/postgresql").glob("*/bin")
        found = sorted(map(pathlib.Path, found), key=lambda path: float(path.parent.name) if not given else 0)
        return found[-1] if found and shutil.which("psql") else None

    def run(self, program, *arguments):
        as_whom = {"user": self.runs_as.pw_uid, "group": self.runs_as.pw_gid, "extra_groups": []} if self.runs_as else {}
        with open(os.devnull, "w") as nowhere:
            command = [self.bin / program, *arguments]
            subprocess.run(command, check=True, stdout=nowhere, cwd=self.directory, **as_whom)

    def url(self, database):
        return f"postgres://{self.user}@127.0.0.1:{self.port}/{database}"

    def psql(self, database, *arguments):
        """The command that runs a script or a statement in a database, and prints nothing but results."""
        return ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", self.url(database), *arguments]

    def ask(self, database, statement):
        done = subprocess.run(self.psql(database, "-c", statement), check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def make(self, database):
        """An empty database of this name."""
        self.ask("postgres", f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        self.ask("postgres", f'CREATE DATABASE "{database}"')

    def settle(self):
        """What was written before must not be written during the next run."""
        self.ask("postgres", "CHECKPOINT")

    def size(self, database):
        return int(self.ask("postgres", f"SELECT pg_database_size('{database}')"))

    def processor_seconds(self):
        """What all its processes have used so far, those that have ended included."""
        main = int((self.directory / "data" / "postmaster.pid").read_text().split()[0])
        children = pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()
        ticks = 0
        for process in [main, *children]:
            try:
                fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            except FileNotFoundError:
                continue
            ticks += sum(map(int, fields[11:15] if int(process) == main else fields[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.directory, ignore_errors=True)
