"""Settings as rows: newsark.toml, then NEWSARK_* variables, then options; nonsense is refused at the start."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from newsark.storerows import Replica, StoreRows
from storage.errors import BadSetting

FILE = "newsark.toml"
PREFIX = "NEWSARK_"
HOME_VARIABLE = "NEWSARK_HOME"
PASSPHRASE_VARIABLE = "NEWSARK_SIGNING_PASSPHRASE"  # noqa: S105 - a variable's name
"""The passphrase of the signing key: a secret, so it is no setting, which a file could hold."""


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


def _web_address(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must be an http:// or https:// URL")
    return _header_text(value)


def _listening(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("must be a port, or HOST:PORT such as 0.0.0.0:9464")
    return f"{host or '127.0.0.1'}:{int(port)}"


def _confirmation(value: str) -> str:
    from reading.life import confirmation

    confirmation(value)
    return value


Confirmed = Annotated[str, AfterValidator(_confirmation)]


class NewsarkSettings(StoreRows):
    """Everything that can be set for a whole archive; a source's own file goes first where both say something.

    The rows of `StoreRows` are those of the archive's own store.
    """

    archive: str = Field(
        "./archive", min_length=1, description="Where the archive is: a directory, or s3://bucket/prefix."
    )
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
    catalogue_patience_seconds: float = Field(
        600.0, ge=0, description="How long a crawl waits for the catalogue's server before it gives up."
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
    cluster_cpus_per_worker: int = Field(
        2, ge=1, description="Processors that one worker of a cluster takes: one crawls, all read pages."
    )
    cluster_sources_per_worker: int = Field(4, ge=1, description="Sources that one worker of a cluster crawls at once.")
    cluster_segment_max_bytes: int = Field(
        64_000_000, ge=1_000_000, description="The same as segment_max_bytes, in a crawl with --cluster."
    )
    cluster_segment_minutes: float = Field(
        5.0, gt=0, description="A WARC file is closed when it is this old, in a crawl with --cluster."
    )
    disk_reserve_bytes: int = Field(
        200_000_000, ge=0, description="A crawl pauses while less than this is free on the disk of the working state."
    )
    disk_patience_minutes: float = Field(
        1440.0, ge=0, description="How long a crawl waits for room on a full disk before it gives up."
    )
    replicas: tuple[Replica, ...] = Field(
        (), description="Further stores that hold everything: directories or buckets, each with rows of its own."
    )
    copies_required: int | None = Field(
        None, ge=1, description="Stores that must have confirmed a segment before it is forgotten here; all of them."
    )
    state: str | None = Field(
        None, description="Directory of the working state; it is in the archive's directory, or for a bucket in yours."
    )
    upload_patience_seconds: float = Field(
        300.0, ge=0, description="How long a crawl waits at its end for the stores to confirm what it sealed."
    )
    max_waiting_bytes: int = Field(
        20_000_000_000, ge=1_000_000, description="Sealed data that may wait for a store; beyond it crawls pause."
    )
    signing_key: str | None = Field(
        None, description="File with the private key that signs manifests; newsark init --sign makes one."
    )
    timestamp_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        None, description="URL of an authority that puts time stamps (RFC 3161) on manifests."
    )
    timestamp_certificates: str | None = Field(
        None, description="PEM file with the root certificates that time stamps are checked with."
    )
    alert_to: tuple[str, ...] = Field(
        (), description="Who is told when something happens: addresses as apprise has them, such as mailto://…"
    )
    alert_removed: Literal["confirmed", "suspected", "never"] = Field(
        "confirmed", description="Tell of an article that was removed: once 'confirmed', when 'suspected', 'never'."
    )
    alert_removed_in_an_hour: int = Field(
        10, ge=0, description="Tell when more articles of a source than this were removed within an hour; 0 never."
    )
    alert_silent_times: float = Field(
        3.0, ge=0, description="Tell when a source is silent for so many times as long as usual; 0 never."
    )
    alert_confidence_fall: float = Field(
        0.1, ge=0, le=1, description="Tell when the confidence in a source's texts falls by more than this; 0 never."
    )
    alert_store_hours: float = Field(
        24.0, ge=0, description="Tell when a store has not confirmed what it was given for so many hours; 0 never."
    )
    alert_every_minutes: float = Field(
        15.0, ge=0, description="Least time between two messages; what happens meanwhile is in the next one."
    )
    confirm_removed: Confirmed = Field(
        "3 visits over 24h", description="What makes a fact of an article that seems removed."
    )
    confirm_paywalled: Confirmed = Field("2 visits over 24h", description="The same for one behind a paywall.")
    confirm_blocked: Confirmed = Field("3 visits over 3d", description="The same for one that we are kept from.")
    confirm_unreachable: Confirmed = Field("5 visits over 7d", description="The same for one that does not answer.")

    serve_token: str | None = Field(
        None, min_length=1, description="What visitors of the reading room show; better in NEWSARK_SERVE_TOKEN."
    )
    serve_searches_per_minute: int = Field(
        120, ge=0, description="How often one visitor of the reading room may search in a minute; 0 for ever so often."
    )
    serve_exports_per_hour: int = Field(
        30, ge=0, description="How many exports one visitor of the reading room may ask for in an hour; 0 for any."
    )
    metrics: Annotated[str, AfterValidator(_listening)] | None = Field(
        None, description="Where newsark watch shows its metrics: a port of this machine, or an address as HOST:PORT."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="How much is logged: 'debug', 'info', 'warning' or 'error'."
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="How a line of the log looks: 'console' for people, 'json' for programs."
    )
    log_file: str | None = Field(
        None, min_length=1, description="File that the log goes to, instead of standard error."
    )

    @model_validator(mode="after")
    def _copies_can_be_had(self) -> Self:
        if (self.copies_required or 0) > 1 + len(self.replicas):
            raise ValueError(f"copies_required is {self.copies_required}, more than there are stores")
        return self


@dataclass(frozen=True, slots=True)
class _Given:
    """A value with where it was given, and the name it has there."""

    value: Any
    where: str
    name: str


def setting_names() -> list[str]:
    """Every setting, in the order in which people need them: how to use the archive's own store comes last."""
    own = [name for name in NewsarkSettings.model_fields if name not in StoreRows.model_fields]
    return [*own, *StoreRows.model_fields]


def load_settings(home: Path, options: Mapping[str, Any]) -> NewsarkSettings:
    """The settings that hold in `home`: its newsark.toml, then NEWSARK_* variables, then options that are not None.

    A relative directory or file in newsark.toml is relative to that file. An empty variable or text sets nothing.
    `options` have the names of settings. Raises BadSetting with where and cure.
    """
    given: dict[str, _Given] = {}
    path = home / FILE
    if path.is_file():
        given |= {name: _Given(value, str(path), name) for name, value in _read(path).items() if value != ""}
        archive = given.get("archive", _Given("./archive", str(path), "archive"))
        given["archive"] = _Given(_beside(home, archive.value), archive.where, archive.name)
        if "replicas" in given and isinstance(given["replicas"].value, list):
            given["replicas"] = _Given([_beside(home, one) for one in given["replicas"].value], str(path), "replicas")
        for name in (*FILES, "state"):
            if name in given:
                given[name] = _Given(_beside(home, given[name].value), str(path), name)
    for name, variable in _variables():
        text = os.environ[variable]
        value = tuple(text.replace(",", " ").split()) if name in LISTED else text
        # a comma may be part of such an address
        value = tuple(text.split()) if name == "alert_to" else value
        given[name] = _Given(value, "environment", variable)
    for name, value in options.items():
        if value is not None:
            given[name] = _Given(value, "option", OPTIONS.get(name, f"--{name}"))
    return _checked(given)


FILES = ("signing_key", "timestamp_certificates", "log_file")
"""The settings that are files."""

LISTED = ("allow_hosts", "replicas")
"""The settings that are lists; a variable separates their parts by spaces or commas."""

OPTIONS = {
    "allow_hosts": "--allow-host",
    "delay_seconds": "--delay",
    "fetch_timeout_seconds": "--timeout",
    "log_level": "--log-level",
    "log_format": "--log-format",
    "log_file": "--log-file",
}
"""The options that are called otherwise than their setting."""


def _beside(home: Path, place: Any) -> Any:
    """A place as newsark.toml has it; a relative directory is relative to that file."""
    if isinstance(place, dict) and "place" in place:
        return {**place, "place": _beside(home, place["place"])}
    is_directory = isinstance(place, str) and "://" not in place
    return str(home / Path(place).expanduser()) if is_directory else place


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
        is_other = variable in (HOME_VARIABLE, PASSPHRASE_VARIABLE)
        if not variable.startswith(PREFIX) or is_other or not os.environ[variable]:
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
        name = str(mistake["loc"][0]) if mistake["loc"] else _named_in(str(mistake["msg"]))
        where = given[name] if name in given else _Given(None, FILE, name)
        raise BadSetting(where.where, where.name, _sentence(name, mistake)) from None


def _named_in(sentence: str) -> str:
    """The setting that a problem of several settings is about: the first it names."""
    return next((name for name in NewsarkSettings.model_fields if name in sentence), "settings")


_EXPECTED = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be an ordinary number",
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "tuple_type": 'must be a list, such as ["…", "…"]',
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
}


def _sentence(name: str, mistake: Any) -> str:
    """What is wrong and the cure; a mistake inside a replica names it by number and row."""
    _, *inside = mistake["loc"] or (name,)
    prefix = "".join(f"number {one + 1}: " if isinstance(one, int) else f"{one}: " for one in inside)
    if mistake["type"] == "extra_forbidden":
        known = list(Replica.model_fields) if inside else setting_names()
        near = difflib.get_close_matches(str(inside[-1] if inside else name), known, n=1)
        cure = f"did you mean {near[0]!r}?" if near else f"known settings: {', '.join(known)}"
        return f"{prefix}there is no such setting; {cure}"
    context = mistake.get("ctx", {})
    found = "" if isinstance(mistake["input"], dict) else f", not {mistake['input']!r}"
    if mistake["type"] == "value_error":
        return f"{prefix}{context['error']}{found}"
    expected = _EXPECTED.get(mistake["type"])
    return f"{prefix}{expected.format(**context) if expected else mistake['msg']}{found}"
