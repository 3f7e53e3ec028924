"""The command line as a user runs it: in a process of its own, from an empty directory."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NEWSARK = str(Path(sys.executable).with_name("newsark"))


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON value."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def newsark(
    *arguments: str | Path,
    cwd: Path,
    stdin: bytes = b"",
    timeout: float = 100,
    environment: Mapping[str, str] | None = None,
) -> Ran:
    """Run `newsark` with these arguments in `cwd`, without any NEWSARK_ variable of the caller but those given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEWSARK_")}
    done = subprocess.run(
        [NEWSARK, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        timeout=timeout,
        env=clean | {"COLUMNS": "200", "NO_COLOR": "1"} | dict(environment or {}),
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def crawl(url: str, cwd: Path, *options: str, timeout: float = 100) -> Ran:
    """Crawl a site on loopback into `archive`, as fast as it answers, and report as JSON."""
    host = url.partition("://")[2].partition("/")[0]
    fixed = ["--archive", "archive", "--allow-host", host, "--delay", "0", "--contact", "test@localhost", "--json"]
    return newsark("crawl", url, *fixed, *options, cwd=cwd, timeout=timeout)


def on_a_terminal(*arguments: str, cwd: Path, typed: bytes = b"", columns: int = 80) -> tuple[int, str]:
    """Exit code and screen of a command that has a terminal of that width."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSARK_")}
    process = subprocess.Popen(
        [NEWSARK, *arguments],
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment | {"COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"},
    )
    os.close(theirs)
    os.write(ours, typed)
    screen = b""
    while True:
        try:
            screen += os.read(ours, 65536)
        except OSError:  # Linux ends a terminal that nobody writes to any more in this way
            break
    os.close(ours)
    return process.wait(timeout=30), screen.decode().replace("\r\n", "\n")
