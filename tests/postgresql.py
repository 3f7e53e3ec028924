"""A PostgreSQL server of Debian's for the tests, where there is one; otherwise they are skipped and say why."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest


@contextmanager
def server() -> Iterator[str]:
    """The URL of an empty database. Skips loudly without the server's programs or a driver."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("NO POSTGRESQL: apt-get install postgresql to test its half of search")
    if find_spec("psycopg") is None:
        pytest.skip("NO DRIVER FOR POSTGRESQL: pip install 'psycopg[binary]' to test its half of search")
    # the path of its socket may not be long, and it does not run as root
    directory = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(directory, user)
    data = directory / "data"
    bin_directory = programs[-1].parent

    def run(*command: object) -> None:
        subprocess.run([str(part) for part in command], user=user, check=True, capture_output=True, cwd=directory)

    run(bin_directory / "initdb", "-D", data, "-A", "trust", "-E", "UTF8", "-U", "newsark", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={directory} -c fsync=off"
    run(bin_directory / "pg_ctl", "-D", data, "-o", options, "-l", directory / "log", "-w", "start")
    try:
        yield f"postgresql+psycopg://newsark@/postgres?host={directory}"
    finally:
        run(bin_directory / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(directory, ignore_errors=True)
