"""Who is measured: Rollbook in its forms, and its peers, each with how it is prepared, run and judged."""

import json
import os
import pathlib
import subprocess
import sys

PARTS = pathlib.Path(__file__).resolve().parent
VENV = PARTS.parent.parent / "target" / "bench-venv"


class Rollbook:
    """The release binary, with its object type applied before the clock starts."""

    accounts_for_failures = True

    def __init__(self, name, reads, binary, config):
        self.name, self.reads, self.binary = name, reads, binary
        self.environment = {"ROLLBOOK_CONFIG": str(config)} if config else {}

    def prepare(self, store):
        store.mkdir(parents=True)
        subprocess.run(
            [self.binary, "--data", store, "types", "apply", PARTS / "bench_user.json"],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | self.environment,
        )

    def command(self, store, file):
        into = ["--into", "managed/bench_user", "--unique", "userName", "--json"]
        return [self.binary, "--data", store, "import", file, *into], None

    def counts(self, output):
        return json.JSONDecoder().raw_decode(output.strip())[0]

    def figures(self, wall, peak_mib, output):
        """What a run took, in seconds and MiB."""
        return wall, peak_mib

    def settle(self):
        """Has nothing left to do from what was before."""

    def served(self):
        """Seconds of processors used so far by processes that a run does not start."""
        return 0

    def size(self, store):
        return sum(path.stat().st_size for path in store.rglob("*") if path.is_file())

    def release(self):
        """Ends what `prepare` started."""


class Upload(Rollbook):
    """The same binary behind its REST door."""

    token = "benchmark"

    def __init__(self, binary, config):
        super().__init__("upload", "plain", binary, config)
        self.service = None

    def prepare(self, store):
        super().prepare(store)
        if not self.environment:
            (store / "rollbook.toml").write_text('[upload]\nmax_size = "0"\n')
        self.service = subprocess.Popen(
            [self.binary, "--data", store, "serve", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | self.environment | {"ROLLBOOK_ADMIN_TOKEN": self.token},
        )
        self.address = self.service.stdout.readline().strip().removeprefix("listening on http://")

    def command(self, store, file):
        return [sys.executable, PARTS / "upload.py", self.address, self.token, file], None

    def figures(self, wall, peak_mib, output):
        status = pathlib.Path(f"/proc/{self.service.pid}/status").read_text()
        peak_kib = int(status.split("VmHWM:")[1].split()[0])
        return self.counts(output)["seconds"], peak_kib / 1024

    def release(self):
        if self.service:
            self.service.terminate()
            self.service.wait()
            self.service = None


class OnCluster:
    """What contenders have in common that keep their objects on a server."""

    cluster = None

    def settle(self):
        self.cluster.settle()

    def served(self):
        return self.cluster.processor_seconds()

    def size(self, store):
        return self.cluster.size(self.name)


class RollbookOnCluster(OnCluster, Rollbook):
    """The same binary with its repository on a PostgreSQL server."""

    def __init__(self, name, reads, binary, config, cluster):
        super().__init__(name, reads, binary, config)
        self.cluster = cluster
        self.environment = self.environment | {
            "ROLLBOOK_REPOSITORY_URL": cluster.url(name),
            "ROLLBOOK_SECRETS_KEY": "of the benchmark, and of nobody else",
        }

    def prepare(self, store):
        self.cluster.make(self.name)
        super().prepare(store)


class Psql(OnCluster):
    """One of the psql scripts of scripts/bench.d."""

    environment = {}
    accounts_for_failures = False

    def __init__(self, name, reads, cluster):
        self.name, self.reads, self.cluster = name, reads, cluster

    def prepare(self, store):
        self.cluster.make(self.name)
        subprocess.run(self.cluster.psql(self.name, "-f", PARTS / "psql_users.sql"), check=True)

    def command(self, store, file):
        source = f"PROGRAM 'gunzip -c \"{file}\"'" if file.suffix == ".gz" else f"'{file}'"
        parts = ("psql_staging.sql", self.name.replace("-", "_") + ".sql", "psql_counts.sql")
        script = "".join((PARTS / part).read_text() for part in parts)
        return self.cluster.psql(self.name), script.replace("@FILE@", source)

    def counts(self, output):
        return json.loads(output.strip().splitlines()[-1])

    def figures(self, wall, peak_mib, output):
        return wall, peak_mib

    def release(self):
        pass


class Peer:
    """One of the scripts of scripts/bench.d, which end with one line of JSON."""

    environment = {}

    def __init__(self, name, reads, threads):
        self.name, self.reads, self.threads = name, reads, threads
        self.accounts_for_failures = name == "python-validating"

    def prepare(self, store):
        store.mkdir(parents=True)

    def command(self, store, file):
        if self.name == "sqlite-cli":
            source = f"'|gunzip -c \"{file}\"'" if file.suffix == ".gz" else f"'{file}'"
            script = (PARTS / "sqlite_cli.sql").read_text().replace("@FILE@", source)
            return ["sqlite3", "-batch", store / "users.db"], script
        if self.name.startswith("duckdb"):
            script = PARTS / (self.name.replace("-", "_") + ".py")
            return [VENV / "bin" / "python", script, store / "users.duckdb", file, str(self.threads)], None
        script = PARTS / {"python": "python_upsert.py", "python-validating": "python_validating.py"}[self.name]
        return [sys.executable, script, store / "users.db", file], None

    def counts(self, output):
        return json.loads(output.strip().splitlines()[-1])

    def figures(self, wall, peak_mib, output):
        return wall, peak_mib

    def settle(self):
        pass

    def served(self):
        return 0

    def size(self, store):
        return sum(path.stat().st_size for path in store.rglob("*") if path.is_file())

    def release(self):
        pass
