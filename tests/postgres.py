"""A real PostgreSQL server for tests: its own data folder and port, durable as in production."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.processes import Ports, Watchman

START_SECONDS_MAX = 30
TEMPLATE = "ledger_template"
USERS = ("-U", "ledger", "-A", "trust", "-E", "UTF8")
LOCALE = ("--locale-provider=icu", "--icu-locale=zh", "--locale=C.UTF-8")
"""Not the order of bytes, so that a text column which forgets its collation shows."""

CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
fsync = on
full_page_writes = on
synchronous_commit = on
"""


def _programs() -> Path:
    """Where the server's programs are."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = debian[-1] if debian else shutil.which("initdb")
    if not found:
        raise RuntimeError("PostgreSQL's server is not installed — apt-get install postgresql")
    return Path(found).parent


class Server:
    """A server process that the test may kill and start again; ``options`` are those of its data folder."""

    def __init__(self, *options: str) -> None:
        self.programs = _programs()
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-postgres-"))
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.folder, self.user)
        self.data = self.folder / "data"
        self.watchman = Watchman(str(self.data))
        self.ports = Ports()
        self.port = self.ports.take()
        self.process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._beside: psycopg.Connection | None = None
        self.call("initdb", "-D", str(self.data), *USERS, *LOCALE, *options)
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"{CONFIGURATION}port = {self.port}\n")
        self.start()

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self.programs / program, *arguments],
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def call(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs to its end, as its user."""
        if self._run(program, *arguments).wait():
            raise RuntimeError(f"{program} failed: {self.log()}")

    def log(self) -> str:
        """The end of what the server said."""
        return (self.folder / "log").read_text("utf-8", "replace")[-3_000:]

    def start(self, *settings: str, within: float = START_SECONDS_MAX) -> None:
        """Start the server and wait until it answers; ``settings`` are like ``fsync=off``."""
        options = [word for setting in settings for word in ("-c", setting)]
        self.process = self._run("postgres", "-D", str(self.data), *options)
        end = time.monotonic() + within
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"PostgreSQL does not start: {self.log()}") from None
                time.sleep(0.05)

    def kill(self) -> None:
        """End the server's every process at once, as a power cut would."""
        assert self.process is not None
        self._leave()
        children = _children(self.process.pid)
        for pid in (self.process.pid, *children):
            with contextlib.suppress(ProcessLookupError):  # a child may end by itself meanwhile
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        while any(Path(f"/proc/{pid}/exe").exists() for pid in children):
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop in good order, ending connections."""
        assert self.process is not None
        self._leave()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(START_SECONDS_MAX)

    def remove(self) -> None:
        """Stop and delete everything."""
        self._leave()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(START_SECONDS_MAX)
        self.watchman.dismiss()
        self.ports.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """How to reach a database."""
        return f"postgresql://ledger@127.0.0.1:{self.port}/{database}"

    @contextlib.contextmanager
    def standby(self) -> Iterator[int]:
        """The port of a copy of the server that follows it, and can only be read."""
        folder, ports = f"{self.data}-standby", Ports()
        port = ports.take()
        source = f"-h 127.0.0.1 -p {self.port} -U ledger"
        # Fast: by itself it waits minutes for the server's next checkpoint.
        copied = self._run("pg_basebackup", *f"{source} -R -D {folder} --checkpoint=fast".split())
        assert copied.wait() == 0, self.log()
        begun = self._run("pg_ctl", "start", "-w", "-D", folder, "-l", f"{folder}.log", "-o", f"-p {port}")
        assert begun.wait() == 0, self.log()
        try:
            yield port
        finally:
            self._run("pg_ctl", "stop", "-m", "immediate", "-D", folder).wait()
            ports.release()

    def run(self, sql: str) -> None:
        """Run one statement beside all databases, on a connection that stays until the server ends."""
        if self._beside is None or self._beside.closed:
            self._beside = psycopg.connect(self.url("postgres"), autocommit=True)
        self._beside.execute(sql)

    def _leave(self) -> None:
        if self._beside is not None:
            self._beside.close()

    def create(self, template: str | None = None) -> str:
        """A new database's name; empty, unless it is a copy of another."""
        self._databases += 1
        name = f"ledger_{self._databases}"
        # As files: through the log, which is the default, it takes twice as long.
        self.run(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        """Delete a database, ending its connections."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]
