"""A PostgreSQL server of Debian's for the tests, where there is one; otherwise they are skipped and say why.

One server for each test process, started when the first test asks for it; each test has a database of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

USER = "newsark"
# What the tests are about is not whether the disk keeps what the server wrote.
OPTIONS = "-c listen_addresses= -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=60"


@dataclass(slots=True)
class Server:
    """A server on a socket in a directory of its own."""

    programs: Path
    directory: Path
    number: int = 0
    _templates: dict[str, str] = field(default_factory=dict)

    @property
    def _owner(self) -> str | None:
        # it does not run as root
        return "postgres" if os.geteuid() == 0 else None

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        subprocess.run(command, user=self._owner, check=True, stdout=subprocess.DEVNULL, cwd=self.directory)

    def make(self) -> None:
        """Make the directory of its data, and start it."""
        if self._owner:
            shutil.chown(self.directory, self._owner)
        locale = ("--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8")
        self._run("initdb", "-D", self.data, "-A", "trust", "-E", "UTF8", "-U", USER, "--no-sync", *locale)
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"{OPTIONS} -c unix_socket_directories={self.directory}"
        self._run("pg_ctl", "-D", self.data, "-o", options, "-l", self.directory / "log", "-w", "-s", "start")

    def stop(self) -> None:
        """End it at once, as a machine does that loses its power; who is connected notices."""
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-s", "stop")

    def remove(self) -> None:
        """Stop it, and forget all it had."""
        if (self.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def data(self) -> Path:
        """The directory of its data."""
        return self.directory / "data"

    def url(self, database: str) -> str:
        """The URL of a database, as somebody would write it."""
        return f"postgresql://{USER}@/{database}?host={self.directory}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """The rows of a statement."""
        import psycopg

        with psycopg.connect(f"host={self.directory} user={USER} dbname={database}", autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create(self, template: str = "template0") -> str:
        """The name of a new database."""
        self.number += 1
        name = f"test_{self.number}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def missing() -> str | None:
    """Why there can be no server, in capitals, or None."""
    if not sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return "NO POSTGRESQL: apt-get install postgresql, or make postgresql, to test catalogues in it"
    if find_spec("psycopg") is None:
        return "NO DRIVER FOR POSTGRESQL: pip install 'psycopg[binary]' to test catalogues in it"
    return None


@cache
def server() -> Server:
    """The server of this process. Skips loudly without the server's programs or a driver."""
    if why := missing():
        pytest.skip(why)
    made = new_server()
    atexit.register(made.remove)
    return made


def new_server() -> Server:
    """A server more, which the caller removes."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    # the path of its socket may not be long
    made = Server(programs[-1].parent, Path(tempfile.mkdtemp(prefix="pg", dir="/tmp")))
    try:
        made.make()
    except BaseException:
        made.remove()
        raise
    return made


@contextmanager
def database() -> Iterator[str]:
    """The URL of an empty database."""
    running = server()
    name = running.create()
    try:
        yield running.url(name)
    finally:
        running.drop(name)
