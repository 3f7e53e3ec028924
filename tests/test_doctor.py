"""`newsark doctor` on machines, settings and archives that are not well: each fault is named with its cure."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from newsark import checks
from newsark.checking import machine, work
from newsark.checking.disk import file_system_of, findings_of
from newsark.checking.finding import Finding
from newsark.checking.network import unresolved
from newsark.home import utc_now
from storage.archive import Archive, ArchiveSettings
from tests.cli import NEWSARK, on_a_terminal
from tests.crawling import write_source

SECRET = "swordfish-and-hunters"
SITE, NOWHERE = "http://127.0.0.1:9", "https://no-such-newsroom.invalid"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive without anything in it, and a way to look at it that starts no reader."""
    Archive.open(tmp_path / "archive", ArchiveSettings(), utc_now).close()
    (tmp_path / "newsark.toml").write_text('contact = "a@example.org"\n')
    (tmp_path / "sources").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checks, "ALONE", ())
    return tmp_path


def found(name: str) -> list[tuple[str, str]]:
    """Verdict and message of what a check of that name says here."""
    return [(one.verdict, one.message) for one in checks.examine(None) if one.check == name]


def not_well() -> dict[str, str]:
    """What is not well here, by check."""
    return {one.check: one.message for one in checks.examine(None) if one.verdict != "ok"}


def fault(name: str) -> str:
    """The message of the fault that a check of that name finds here."""
    (only,) = found(name)
    assert only[0] == "fault"
    return only[1]


def set_here(home: Path, line: str) -> None:
    with (home / "newsark.toml").open("a") as file:
        file.write(line + "\n")


def test_all_is_well_where_it_is(home: Path) -> None:
    verdicts = {one.check: one.verdict for one in checks.examine(None)}
    for name in ("store", "archive", "catalogue", "catalogue's wholeness", "contact", "open files", "flushing"):
        assert verdicts[name] == "ok", name
    assert "fault" not in verdicts.values()
    assert sorted(path.name for path in home.iterdir()) == ["archive", "newsark.toml", "sources"]


def test_what_people_see_is_a_table_with_a_sum(home: Path) -> None:
    code, screen = on_a_terminal("doctor", cwd=home, columns=100)
    assert code == 0
    lines = screen.splitlines()
    heads = [line for line in lines if line.strip("\x1b[10m") in ("This machine", "Settings and sources")]
    assert len(heads) == 2
    assert any(line.startswith(("✓  reader process", "✓  reader")) for line in lines)
    assert max(map(len, lines)) <= 100
    assert lines[-1].startswith(("\x1b[1mAll is well", "\x1b[1m0 faults", "All is well", "0 faults"))


# the checks themselves


def test_a_check_that_hangs_or_fails_costs_no_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hangs(_: Any) -> Iterator[Finding]:
        yield Finding("first", "ok", "said before it hung")
        over.wait(60)

    def fails(_: Any) -> Iterator[Finding]:
        raise KeyError("a mistake")

    monkeypatch.setattr(checks, "PATIENCE_SECONDS", 1.0)
    area = checks.MACHINE
    monkeypatch.setattr(
        checks, "CHECKS", ((area, "hung", hangs), (area, "failed", fails), (area, "disk", checks.check_disk))
    )
    findings = {one.check: one for one in checks.examine(None)}
    over.set()
    assert findings["first"].verdict == "ok"
    assert "no answer within 1 s" in findings["hung"].message
    assert "please report it: KeyError: 'a mistake'" in findings["failed"].message
    assert findings["disk"].verdict in ("ok", "warning")


def test_settings_that_cannot_be_used_are_a_finding(home: Path) -> None:
    set_here(home, "workers = 0")
    assert "workers: must be at least 1" in fault("settings")


# this machine


def test_few_open_files_are_a_warning_and_programs_are_told_too(home: Path) -> None:
    for number in range(20):
        write_source(home / "sources" / f"s{number}.toml", SITE, feeds=[f"{SITE}/feed"])
    (home / "sources" / "wrong.toml").write_text("id = 5")
    command = f"ulimit -S -n 200; exec {NEWSARK} doctor --json"
    done = subprocess.run(["bash", "-c", command], cwd=home, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)
    findings = {one["check"]: one for one in told["findings"]}
    assert (told["ok"], findings["open files"]["verdict"]) == (False, "warning")
    assert "200 may be open, these sources need about 464: ulimit -n" in findings["open files"]["message"]
    assert (findings["source files"]["verdict"], findings["source files"]["area"]) == ("fault", checks.WORK)
    assert set(findings["open files"]) == {"area", "check", "verdict", "message"}


def test_too_little_memory_is_a_warning(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = home / "memory.max"
    limit.write_text("500000000\n")
    monkeypatch.setattr(machine, "CGROUP_LIMITS", (str(home / "none"), str(limit)))
    set_here(home, "workers = 8")
    assert "500.0 MB are this container's limit, 8 readers: about 1.6 GB are needed" in not_well()["memory"]
    limit.write_text("max\n")
    assert "memory" not in not_well()


def test_proxies_and_missing_parts_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{SECRET}@proxy:3128")
    (told,) = machine.check_proxies()
    assert told.verdict == "warning"
    assert told.message.startswith("HTTPS_PROXY set, and not used for newsrooms")
    assert SECRET not in told.message
    monkeypatch.setattr(machine, "PARTS", ("scrapy", "not-there-at-all"))
    monkeypatch.setattr(machine, "FASTER_PARTS", {"not-fast": "packing"})
    verdicts = {one.check: one.verdict for one in machine.check_python()}
    assert (verdicts["not-there-at-all"], verdicts["not-fast"]) == ("fault", "warning")
    monkeypatch.setattr(machine, "EXTRAS", {"serve": ("fastapi", "a"), "wings": ("no_such_module", "flying")})
    (told,) = machine.check_extras()
    assert told.message == "installed: serve. Not installed: wings (flying); pip install 'newsark[wings]'"


@pytest.mark.parametrize(
    ("said", "verdict", "words"),
    [("yes", "ok", "is set by NTP"), ("no", "warning", "timedatectl set-ntp true"), ("", "ok", "nobody here says")],
)
def test_a_clock_that_nobody_sets_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, verdict: str, words: str
) -> None:
    program = tmp_path / "timedatectl"
    program.write_text(f"#!/bin/sh\necho {said}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (told,) = machine.check_clock()
    assert told.verdict == verdict
    assert words in told.message


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A function that mounts a small file system with these options."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    places: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / f"disk{len(places)}"
        place.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], check=False).returncode:
            pytest.skip("nothing can be mounted here")
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_disks_that_are_full_or_read_only_are_faults(mounted: Callable[[str], Path]) -> None:
    full = mounted("size=65536,nr_inodes=100")
    verdicts = {one.check: one for one in findings_of(full, 1_000_000)}
    assert verdicts["disk"].verdict == "fault"
    assert "less than disk_reserve_bytes: crawls pause; make room" in verdicts["disk"].message
    assert (verdicts["inodes"].verdict, verdicts["file system"].verdict) == ("warning", "warning")
    assert "in memory" in verdicts["file system"].message
    (full / "ballast").write_bytes(bytes(65536))
    verdicts = {one.check: one for one in findings_of(full, 0)}
    assert (verdicts["flushing"].verdict, "No space left" in verdicts["flushing"].message) == ("fault", True)
    (closed,) = findings_of(mounted("size=65536,ro"), 0)
    assert closed.verdict == "fault"
    assert "cannot be written to; choose another place" in closed.message


def test_file_systems_that_are_not_safe_are_told(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path}/my\\040share nfs4 rw 0 0\n")
    (tmp_path / "my share").mkdir()
    assert file_system_of(tmp_path / "my share" / "deep", mounts) == "nfs4"
    assert file_system_of(tmp_path, mounts) == "ext4"
    assert file_system_of(tmp_path, tmp_path / "none") is None


# settings and sources


def test_alert_addresses_that_nobody_understands_are_a_fault(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARK_ALERT_TO", f"nobody-knows://{SECRET}@here")
    told = fault("alerts")
    assert "address 1 (nobody-knows) is none that apprise understands" in told
    assert SECRET not in told


def test_a_host_that_is_not_known_is_a_warning(home: Path) -> None:
    write_source(home / "sources" / "a.toml", NOWHERE, feeds=[f"{NOWHERE}/feed"])
    write_source(home / "sources" / "b.toml", SITE, feeds=[f"{SITE}/feed"])
    assert not_well()["names"].startswith("no-such-newsroom.invalid is not resolved here: ")


def test_a_resolver_that_is_silent_is_waited_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(60))
    assert unresolved(["a.example", "b.example"], 0.2) == dict.fromkeys(
        ["a.example", "b.example"], "no answer within 0.2 s"
    )
    over.set()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo '<p>shown</p>'", None),
        ("echo 'no display' >&2; exit 1", "does not start: no display"),
        ("sleep 60", "does not start: no page within"),
    ],
)
def test_a_browser_is_started(home: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str | None) -> None:
    write_source(home / "sources" / "a.toml", SITE, feeds=[f"{SITE}/feed"], render=True)
    browser = home / "chromium"
    browser.write_text(f"#!/bin/sh\nexec 2>&1\n{script}\n" if words is None else f"#!/bin/sh\n{script}\n")
    browser.chmod(0o755)
    monkeypatch.setattr(work, "chromium_path", lambda: str(browser))
    monkeypatch.setattr(work, "BROWSER_SECONDS", 2.0)
    monkeypatch.setattr(work, "refuse_without_browser", lambda _: None)
    ((verdict, told),) = found("browser")
    assert (verdict == "fault") == (words is not None)
    assert words is None or words in told


# archive and stores


def test_a_damaged_catalogue_is_a_fault_with_its_cure(home: Path) -> None:
    path = home / "archive" / ".newsark" / "catalogue.sqlite"
    data = bytearray(path.read_bytes())
    for place in range(4096, len(data), 4096):
        data[place : place + 64] = b"\xff" * 64
    path.write_bytes(data)
    told = " ".join(not_well().values())
    assert "malformed" in told
    assert "newsark rebuild --replace" in told


def test_a_database_that_is_away_is_a_fault_without_its_password(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        url = f"postgresql+psycopg://newsark:{SECRET}@127.0.0.1:{port}/news?connect_timeout=2"
        monkeypatch.setenv("NEWSARK_CATALOGUE", url)
        told = not_well()
    assert "see to its server" in told["catalogue"]
    assert SECRET not in str(told)


def test_a_store_that_is_silent_is_a_fault_and_the_rest_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        set_here(home, 'archive = "s3://kept/a"')
        set_here(home, f'endpoint_url = "http://127.0.0.1:{silent.getsockname()[1]}"')
        set_here(home, f'state = "{home / "state"}"')
        set_here(home, "store_patience_seconds = 1")
        findings = checks.examine(None)
    told = {one.check: one for one in findings}
    assert told["store"].verdict == "fault"
    assert "s3://kept/a" in told["store"].message
    assert told["disk"].verdict in ("ok", "warning")
    assert told["contact"].verdict == "ok"
    assert SECRET not in str(findings)


def test_nothing_is_left_behind_where_there_is_no_archive_yet(home: Path) -> None:
    shutil.rmtree(home / "archive")
    assert found("archive") == [("ok", f"{home / 'archive'} will be made by the first crawl")]
    assert sorted(path.name for path in home.iterdir()) == ["newsark.toml", "sources"]
