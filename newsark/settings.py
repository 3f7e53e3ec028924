"""Settings as rows: newsark.toml, then NEWSARK_* variables, then options; nonsense is refused at the start."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from storage.errors import BadSetting

FILE = "newsark.toml"
PREFIX = "NEWSARK_"


class NewsarkSettings(BaseModel):
    """Everything that can be set for a whole archive; a source's own file goes first where both say something."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    archive: str = Field("./archive", description="Where the archive is: a directory.")
    contact: str | None = Field(
        None, description="Who newsrooms can write to, an e-mail address or a URL; sent with every request."
    )
    operator: str | None = Field(None, description="Who runs this archive; written into every WARC file.")
    user_agent: str | None = Field(None, description="The whole User-Agent header, instead of Newsark's own.")
    catalogue: str | None = Field(
        None, description="Database URL of the catalogue; without one it is a SQLite file beside the archive."
    )
    delay_seconds: float | None = Field(
        None, ge=0, description="Seconds between two requests to one host, instead of what source files say."
    )
    allow_hosts: tuple[str, ...] = Field(
        (), description="Hosts, as host or host:port, that may be at private addresses."
    )
    workers: int = Field(
        default_factory=lambda: max(1, os.cpu_count() or 1), ge=1, description="Processes that read pages."
    )
    extract_timeout_seconds: float = Field(20.0, gt=0, description="Longest time for reading one page.")
    fetch_timeout_seconds: float = Field(60.0, gt=0, description="Longest time for one exchange.")
    max_body_bytes: int = Field(
        32 * 1024 * 1024,
        ge=1024,
        description="Longest body that is kept; a longer one is marked as truncated.",
    )
    max_page_bytes: int = Field(
        32 * 1024 * 1024,
        ge=1024,
        description="Longest unpacked page that is read; the bytes are kept all the same.",
    )
    segment_max_bytes: int = Field(
        1_000_000_000, ge=1_000_000, description="A WARC file is closed when it is this long."
    )
    segment_max_age_hours: float = Field(6.0, gt=0, description="A WARC file is closed when it is this old.")


def load_settings(home: Path, options: Mapping[str, Any]) -> NewsarkSettings:
    """The settings that hold in `home`: its newsark.toml, then NEWSARK_* variables, then options that are not None.

    A relative archive directory in newsark.toml is relative to that file. Raises BadSetting with where and cure.
    """
    values: dict[str, tuple[str, Any]] = {}
    path = home / FILE
    if path.is_file():
        for name, value in _read(path).items():
            values[name] = (str(path), value)
        where, archive = values.get("archive", (str(path), "./archive"))
        if isinstance(archive, str):
            values["archive"] = (where, str(home / archive))
    for name in NewsarkSettings.model_fields:
        variable = PREFIX + name.upper()
        if variable in os.environ:
            text = os.environ[variable]
            values[name] = (variable, tuple(text.split()) if name == "allow_hosts" else text)
    for name, value in options.items():
        if value is not None:
            values[name] = (f"--{name.replace('_', '-')}", value)
    return _checked(values)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadSetting(str(path), "the file", f"is not TOML: {problem}") from problem
    except OSError as problem:
        raise BadSetting(str(path), "the file", f"cannot be read: {problem.strerror}") from problem


def _checked(values: Mapping[str, tuple[str, Any]]) -> NewsarkSettings:
    try:
        return NewsarkSettings.model_validate({name: value for name, (_, value) in values.items()})
    except ValidationError as problem:
        mistake = problem.errors()[0]
        name = str(mistake["loc"][0])
        where = values[name][0] if name in values else FILE
        raise BadSetting(where, name, _sentence(name, mistake)) from None


def _sentence(name: str, mistake: Any) -> str:
    if mistake["type"] != "extra_forbidden":
        return f"{mistake['msg'][:1].lower()}{mistake['msg'][1:]}, not {mistake['input']!r}"
    known = list(NewsarkSettings.model_fields)
    near = difflib.get_close_matches(name, known, n=1)
    return f"there is no such setting; did you mean {near[0]!r}?" if near else f"known settings: {', '.join(known)}"


def commented_file(contact: str | None, operator: str | None) -> str:
    """A newsark.toml with every setting, its default and its sentence; those given are set."""
    given = {"contact": contact, "operator": operator, "archive": "./archive"}
    lines = [
        "# Newsark's settings. NEWSARK_<NAME> variables and command-line options go before this file.",
        "",
    ]
    for name, field in NewsarkSettings.model_fields.items():
        lines.append(f"# {field.description}")
        if given.get(name):
            lines.append(f"{name} = {_toml(given[name])}")
        else:
            lines.append(f"# {name} = {_toml(_example(name, field.get_default(call_default_factory=True)))}")
        lines.append("")
    return "\n".join(lines)


def _example(name: str, default: Any) -> Any:
    examples = {
        "contact": "archive@example.org",
        "operator": "An archive, a city",
        "user_agent": "ExampleArchive/1.0 (+https://example.org/about-our-visits)",
        "catalogue": "sqlite:////var/lib/newsark/catalogue.sqlite",
        "delay_seconds": 2.0,
        "allow_hosts": ["intranet.example:8080"],
    }
    return examples.get(name, default)


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)
