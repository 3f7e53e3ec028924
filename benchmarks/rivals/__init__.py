"""Other tools that do a part of what Newsark does, each in an environment of its own: see `install.py`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Rival:
    """A tool: the name of its package and of its list of versions, the script that lets it do its job, in its words."""

    name: str
    runner: str
    does: str

    @property
    def versions(self) -> Path:
        """The requirements file with a version for all that it needs."""
        return HERE / f"{self.name}.txt"

    @property
    def version(self) -> str:
        """The version of the tool itself."""
        wanted = f"{self.name}=="
        lines = (line for line in self.versions.read_text().splitlines() if line.lower().startswith(wanted))
        return next(lines).removeprefix(wanted)

    def python(self, environments: Path) -> Path:
        """The Python of its environment, which need not exist."""
        return environments / self.name / "bin" / "python"

    def is_installed(self, environments: Path) -> bool:
        """Whether its environment was made, to the end and with these versions."""
        mark = environments / self.name / "installed.txt"
        return mark.exists() and mark.read_bytes() == self.versions.read_bytes()


RIVALS = (
    Rival("news-please", "run_newsplease.py", "fetches, extracts; NewsPlease.from_urls, no images"),
    Rival("newspaper4k", "run_newspaper.py", "fetches, extracts; 8 threads, no images"),
    Rival("scrapy-webarchive", "run_webarchive.py", "fetches, archives (WACZ)"),
)


def default_environments() -> Path:
    """Where environments are made when nothing else is said: below XDG_CACHE_HOME, or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "newsark-rivals"
