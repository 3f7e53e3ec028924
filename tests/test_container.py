"""The image: its file is linted, and each of its steps is done here, in a directory instead of a container."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containerfile import Step, run_stage, stages_of, steps_of
from tests.onestory import OneStory

ROOT = Path(__file__).parent.parent
FILE = ROOT / "deploy" / "Containerfile"
STEPS = steps_of(FILE)
BUILD, FINAL = stages_of(STEPS)
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==(\S+?)(?:\s*;.*)?\s*\\?$", re.MULTILINE)


def only(stage: list[Step], instruction: str) -> Step:
    (step,) = [step for step in stage if step.instruction == instruction]
    return step


def pins(lock: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall(lock.read_text()):
        found.setdefault(name, set()).add(version)
    return found


def test_it_is_linted() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "--format", "json", FILE], capture_output=True, check=False
    )
    assert json.loads(linted.stdout) == []


def test_it_is_a_plain_image_without_rights() -> None:
    """No address of a registry, a pinned base, numbers for a user that is not root, nothing run in the last stage."""
    bases = {stage[0].words[0] for stage in (BUILD, FINAL)}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", bases.pop())
    assert only(FINAL, "USER").text == "1000:1000"
    assert only(FINAL, "STOPSIGNAL").text == "SIGTERM"
    assert not [step for step in FINAL if step.instruction in ("RUN", "ADD")]
    assert only(FINAL, "ENTRYPOINT").words == ["newsark"]
    assert only(FINAL, "HEALTHCHECK").text.endswith('CMD ["newsark", "doctor", "--quiet"]')


def test_what_is_copied_is_let_in_and_the_packages_are_all_there() -> None:
    let_in = {line[1:] for line in FILE.with_suffix(".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for step in BUILD if step.instruction == "COPY" for word in step.words[:-1]}
    assert copied == let_in
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.rstrip("*") for name in packages} < copied


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock"])
def test_the_image_has_the_versions_that_are_tested(name: str) -> None:
    tested, has = pins(ROOT / "requirements.lock"), pins(ROOT / "deploy" / name)
    assert has
    assert {package: versions for package, versions in has.items() if not versions <= tested.get(package, set())} == {}
    assert (ROOT / "deploy" / name).read_text().count("--hash=sha256:") >= len(has)
    assert "://" not in (ROOT / "deploy" / name).read_text()


def stamps(directory: Path) -> dict[str, float]:
    """When each file below was written."""
    return {str(path): path.lstat().st_mtime for path in directory.rglob("*")}


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A directory with a short name: sockets are made in it."""
    with tempfile.TemporaryDirectory(prefix="nk", dir="/tmp") as directory:
        yield Path(directory)


@pytest.mark.timeout(400)
def test_every_step_runs_and_what_it_makes_crawls_and_writes_nowhere_else(tmp_path: Path, scratch: Path) -> None:
    prefix, state = tmp_path / "newsark", tmp_path / "state"
    arguments = {"PYTHON": sys.executable, "TOOLS": str(tmp_path / "tools"), "PREFIX": str(prefix), "BYTECODE": "0"}
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("NEWSARK_", "VIRTUAL_ENV"))}
    run_stage(BUILD, ROOT, tmp_path / "root", arguments, plain)
    assert (prefix / "empty").is_dir()
    # no compiler, no installer, nothing of the tests
    has = {path.name for path in (prefix / "bin").iterdir()}
    assert not has & {"pip", "uv", "pytest", "mypy", "ruff"}

    state.mkdir()
    said = {
        name: value.replace("/opt/newsark", str(prefix)).replace("/var/lib/newsark", str(state))
        for step in FINAL
        if step.instruction == "ENV"
        for name, value in step.pairs.items()
    }
    environment = {**plain, **said, "PATH": f"{prefix}/bin:{plain['PATH']}", "TMPDIR": str(scratch)}
    # to compile everything, as the image does, takes longer than the rest: here only what is used, and beside it
    del environment["PYTHONDONTWRITEBYTECODE"]
    environment["PYTHONPYCACHEPREFIX"] = str(scratch / "pycache")
    before = stamps(prefix)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(prefix / "bin" / words[0]), *words[1:]],
            cwd=state,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    (entry,) = only(FINAL, "ENTRYPOINT").words
    command, *options = only(FINAL, "CMD").words
    assert f" {options[0]} " in run(entry, command, "--help").stdout
    checked = run("newsark", "doctor", "--json")
    assert checked.returncode == 0, checked.stdout
    with OneStory() as site:
        host = site.url.removeprefix("http://")
        crawled = run(entry, "crawl", site.url, "--allow-host", host, "--delay", "0", "--json")
    assert json.loads(crawled.stdout)["sources"][0]["kinds"]["article"] == {"captured": 1}
    assert stamps(prefix) == before
