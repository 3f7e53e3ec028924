"""A Containerfile taken apart: its steps as (instruction, words), and its RUN steps run in a directory of one's own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction and what stands after it, continued lines joined."""

    instruction: str
    text: str

    @property
    def words(self) -> list[str]:
        """The words, or the strings of the exec form."""
        if self.text.startswith("["):
            return list(map(str, json.loads(self.text)))
        return self.text.split()

    @property
    def pairs(self) -> dict[str, str]:
        """The NAME=VALUE of ENV, ARG and LABEL."""
        return dict(re.findall(r'([\w.]+)=("[^"]*"|\S+)', self.text))


def steps_of(path: Path) -> list[Step]:
    """The steps of a Containerfile."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [Step(*line.split(maxsplit=1)) for line in joined.splitlines()]


def stages_of(steps: list[Step]) -> Iterator[list[Step]]:
    """Its stages, each beginning with its FROM."""
    begins = [place for place, step in enumerate(steps) if step.instruction == "FROM"]
    for begin, end in zip(begins, [*begins[1:], len(steps)], strict=True):
        yield steps[begin:end]


def run_stage(
    stage: list[Step], context: Path, root: Path, arguments: Mapping[str, str], base: Mapping[str, str]
) -> None:
    """Do what the COPY and RUN steps of a stage say below `root`, with these build arguments.

    Nothing outside of `root` is written as long as the steps name their places by arguments. Raises
    CalledProcessError for a step that fails.
    """
    values: dict[str, str] = {}
    here = root
    for step in stage:
        if step.instruction == "ARG":
            name, _, default = step.text.partition("=")
            values[name] = arguments.get(name, default)
        elif step.instruction == "ENV":
            values |= {name: _filled(value.strip('"'), values) for name, value in step.pairs.items()}
        elif step.instruction == "WORKDIR":
            here = root / step.text.strip("/")
            here.mkdir(parents=True, exist_ok=True)
        elif step.instruction == "COPY":
            *sources, target = step.words
            for source in sources:
                _copy(context / source, here / target, into=target.endswith("/"))
        elif step.instruction == "RUN":
            subprocess.run(["/bin/sh", "-c", step.text], cwd=here, env={**base, **values}, check=True, timeout=250)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], ""), text)


def _copy(source: Path, target: Path, *, into: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target / source.name if into else target)
