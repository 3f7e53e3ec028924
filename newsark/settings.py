"""Settings as rows: newsark.toml, then NEWSARK_* variables, then options; nonsense is refused at the start."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from storage.errors import BadSetting

FILE = "newsark.toml"
PREFIX = "NEWSARK_"
HOME_VARIABLE = "NEWSARK_HOME"


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line of text")
    return value


def _header_text(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("must be one line of ASCII text, since it is sent in a header")
    return value


def _contact(value: str) -> str:
    if "@" not in value and not value.startswith(("http://", "https://")):
        raise ValueError("must be an e-mail address or a URL that newsrooms can write to")
    return _header_text(value)


def _allowed_host(value: str) -> str:
    from crawler.guard import Guard

    try:
        Guard([value])
    except BadSetting as problem:
        raise ValueError(problem.problem) from None
    return value


class NewsarkSettings(BaseModel):
    """Everything that can be set for a whole archive; a source's own file goes first where both say something."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)

    archive: str = Field("./archive", min_length=1, description="Where the archive is: a directory.")
    contact: Annotated[str, AfterValidator(_contact)] | None = Field(
        None, description="Who newsrooms can write to, an e-mail address or a URL; sent with every request."
    )
    operator: Annotated[str, AfterValidator(_one_line)] | None = Field(
        None, description="Who runs this archive; written into every WARC file."
    )
    user_agent: Annotated[str, AfterValidator(_header_text)] | None = Field(
        None, description="The whole User-Agent header, instead of Newsark's own."
    )
    catalogue: str | None = Field(
        None, description="Database URL of the catalogue; without one it is a SQLite file beside the archive."
    )
    delay_seconds: float | None = Field(
        None, ge=0, description="Seconds between two requests to one host, instead of what source files say."
    )
    allow_hosts: tuple[Annotated[str, AfterValidator(_allowed_host)], ...] = Field(
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


@dataclass(frozen=True, slots=True)
class _Given:
    """A value with where it was given, and the name it has there."""

    value: Any
    where: str
    name: str


def load_settings(home: Path, options: Mapping[str, Any]) -> NewsarkSettings:
    """The settings that hold in `home`: its newsark.toml, then NEWSARK_* variables, then options that are not None.

    A relative archive directory in newsark.toml is relative to that file. An empty variable or text sets nothing.
    `options` have the names of settings. Raises BadSetting with where and cure.
    """
    given: dict[str, _Given] = {}
    path = home / FILE
    if path.is_file():
        given |= {name: _Given(value, str(path), name) for name, value in _read(path).items() if value != ""}
        archive = given.get("archive", _Given("./archive", str(path), "archive"))
        if isinstance(archive.value, str):
            given["archive"] = _Given(str(home / Path(archive.value).expanduser()), archive.where, archive.name)
    for name, variable in _variables():
        text = os.environ[variable]
        value = tuple(text.replace(",", " ").split()) if name == "allow_hosts" else text
        given[name] = _Given(value, "environment", variable)
    for name, value in options.items():
        if value is not None:
            given[name] = _Given(value, "option", OPTIONS.get(name, f"--{name}"))
    return _checked(given)


OPTIONS = {"allow_hosts": "--allow-host", "delay_seconds": "--delay", "fetch_timeout_seconds": "--timeout"}
"""The options that are called otherwise than their setting."""


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadSetting(str(path), "the file", f"is not TOML: {problem}") from problem
    except OSError as problem:
        raise BadSetting(str(path), "the file", f"cannot be read: {problem.strerror}") from problem


def _variables() -> Iterator[tuple[str, str]]:
    """The settings that the environment sets, each with its variable's name.

    A variable that is nearly a setting's is a mistake; any other one may be somebody else's.
    """
    names = {PREFIX + name.upper(): name for name in NewsarkSettings.model_fields}
    for variable in sorted(os.environ):
        if not variable.startswith(PREFIX) or variable == HOME_VARIABLE or not os.environ[variable]:
            continue
        if variable in names:
            yield names[variable], variable
            continue
        near = difflib.get_close_matches(variable.removeprefix(PREFIX), [name.upper() for name in names.values()], n=1)
        if near:
            raise BadSetting("environment", variable, f"there is no such setting; did you mean {PREFIX}{near[0]}?")


def _checked(given: Mapping[str, _Given]) -> NewsarkSettings:
    try:
        return NewsarkSettings.model_validate({name: one.value for name, one in given.items()})
    except ValidationError as problem:
        mistake = problem.errors()[0]
        name = str(mistake["loc"][0])
        where = given[name] if name in given else _Given(None, FILE, name)
        raise BadSetting(where.where, where.name, _sentence(name, mistake)) from None


_EXPECTED = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be an ordinary number",
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "tuple_type": 'must be a list, such as ["…", "…"]',
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
}


def _sentence(name: str, mistake: Any) -> str:
    if mistake["type"] == "extra_forbidden":
        known = list(NewsarkSettings.model_fields)
        near = difflib.get_close_matches(name, known, n=1)
        cure = f"did you mean {near[0]!r}?" if near else f"known settings: {', '.join(known)}"
        return f"there is no such setting; {cure}"
    context = mistake.get("ctx", {})
    if mistake["type"] == "value_error":
        return f"{context['error']}, not {mistake['input']!r}"
    expected = _EXPECTED.get(mistake["type"])
    return f"{expected.format(**context) if expected else mistake['msg']}, not {mistake['input']!r}"
