"""This machine: interpreter, parts, limits, clock. No setting is needed for any of it but the number of workers."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from newsark.checking.finding import Finding
from newsark.console import human_bytes
from newsark.home import Home

OLDEST_PYTHON = (3, 11)
PARTS = ("scrapy", "aiohttp", "warcio", "trafilatura", "lxml", "pydantic", "SQLAlchemy", "boto3", "structlog")
FASTER_PARTS = {"uvloop": "crawling", "isal": "packing"}
EXTRAS = {
    "serve": ("fastapi", "newsark serve"),
    "replay": ("pywb", "newsark replay"),
    "alerts": ("apprise", "alerts"),
    "parquet": ("pyarrow", "exports as Parquet"),
    "render": ("playwright", "pages that scripts fill"),
    "postgresql": ("psycopg", "a catalogue in PostgreSQL"),
    "timestamps": ("rfc3161_client", "time stamps on manifests"),
    "cluster": ("ray", "crawls on several machines"),
}
PROXIES = ("http_proxy", "https_proxy", "all_proxy")

BASE_FILES, FILES_OF_A_SOURCE = 128, 16
BASE_BYTES, BYTES_OF_A_READER = 400_000_000, 150_000_000
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
ASKING_SECONDS = 3.0


def check_python() -> Iterator[Finding]:
    """The interpreter, and the parts that Newsark stands on."""
    bits = struct.calcsize("P") * 8
    told = f"{platform.python_implementation()} {platform.python_version()}, {bits} bits"
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("python", "fault", f"{told}: Newsark needs {'.'.join(map(str, OLDEST_PYTHON))} or newer")
    elif bits < 64:
        yield Finding("python", "warning", f"{told}: with 32 bits a process has 2 to 4 GB; take a 64-bit one")
    else:
        yield Finding("python", "ok", told)
    found = {part: _version(part) for part in (*PARTS, *FASTER_PARTS)}
    for part in PARTS:
        if found[part] is None:
            yield Finding(part, "fault", "is not installed; run make setup, or pip install newsark again")
    for part, slower in FASTER_PARTS.items():
        if found[part] is None:
            yield Finding(part, "warning", f"is not installed: {slower} is slower; run make setup")
    told = ", ".join(f"{part} {number}" for part, number in found.items() if number)
    yield Finding("dependencies", "ok", told)


def _version(part: str) -> str | None:
    try:
        return version(part)
    except PackageNotFoundError:
        return None


def check_extras() -> Iterator[Finding]:
    """What else is installed, and what the rest would be for; none of it is a must."""
    there = {name for name, (module, _) in EXTRAS.items() if find_spec(module) is not None}
    lacking = [f"{name} ({what})" for name, (_, what) in EXTRAS.items() if name not in there]
    told = f"installed: {', '.join(name for name in EXTRAS if name in there) or 'none'}"
    if lacking:
        told += f". Not installed: {', '.join(lacking)}; pip install 'newsark[{lacking[0].partition(' ')[0]}]'"
    yield Finding("extras", "ok", told)


def check_clock() -> Iterator[Finding]:
    """Whether something keeps this machine's clock right: every record is dated by it."""
    program = shutil.which("timedatectl")
    said = ""
    if program is not None:
        command = [program, "show", "--property=NTPSynchronized", "--value"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=ASKING_SECONDS, check=False)  # noqa: S603 - our own words, which no shell reads
            said = done.stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            said = ""
    if said == "no":
        told = "is not set by NTP, and every record is dated by it: timedatectl set-ntp true"
        yield Finding("clock", "warning", told)
    else:
        yield Finding("clock", "ok", "is set by NTP" if said == "yes" else "nobody here says whether it is set by NTP")


def check_limits(home: Home) -> Iterator[Finding]:
    """Open files and memory, against what the sources and readers of the settings need."""
    sources, workers = len(home.source_paths()), home.settings.workers
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = BASE_FILES + FILES_OF_A_SOURCE * sources
    if soft != resource.RLIM_INFINITY and soft < needed:
        told = f"{soft} may be open, these sources need about {needed}: ulimit -n, or LimitNOFILE= in the unit"
        yield Finding("open files", "warning", told + (f" (at most {hard})" if 0 <= hard < needed else ""))
    else:
        yield Finding(
            "open files", "ok", "without a limit" if soft == resource.RLIM_INFINITY else f"{soft} may be open"
        )
    limit, whose = _memory()
    if limit is None:
        return
    wanted = BASE_BYTES + BYTES_OF_A_READER * workers
    told = f"{human_bytes(limit)} {whose}, {workers} readers"
    if limit < wanted:
        cure = f"about {human_bytes(wanted)} are needed: give more, or set `workers` lower"
        yield Finding("memory", "warning", f"{told}: {cure}")
    else:
        yield Finding("memory", "ok", told)


def _memory() -> tuple[int | None, str]:
    """The bytes of memory that may be used, and by whose word."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else None
    for path in map(Path, CGROUP_LIMITS):
        try:
            limit = int(path.read_text())
        except (OSError, ValueError):
            continue
        if total is None or limit < total:
            return limit, "are this container's limit"
    return total, "in this machine"


def check_proxies() -> Iterator[Finding]:
    """Proxies in the environment, which newsrooms are not visited through."""
    named = [name for name in PROXIES for name in (name, name.upper()) if os.environ.get(name)]
    if named:
        told = f"{', '.join(named)} set, and not used for newsrooms: each is asked directly; only stores go through it"
        yield Finding("proxies", "warning", told)
