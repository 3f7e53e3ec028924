"""A source: one newsroom, how it is discovered, how politely it is fetched, how much at risk it is.

Its home is a TOML file that people write and read: every key has one meaning, a mistake is named with its
cure, and there is no key that does nothing.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import textwrap
import tomllib
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from crawler.pattern import matches
from crawler.scope import ScopeVerdict, site_of
from crawler.shape import shape_of
from crawler.sourcevalues import (
    MAX_ID_LENGTH,
    AllowedHosts,
    FieldTable,
    HeaderText,
    Hosts,
    Language,
    Line,
    Patterns,
    Seconds,
    Slug,
    Texts,
    Url,
    Urls,
)
from crawler.weburl import WebUrl, parse_web_url
from pipelines.requisites import Requisites
from pipelines.selectors import Selectors, check_expression
from storage.errors import BadSourceFile, Refused

_RISKS = ("normal", "high", "acute")


class Source(BaseModel):
    """One newsroom. The fields are the keys of its TOML file, and their descriptions the comments in it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: Slug = Field(description="Its name in file names: lower-case letters, digits and hyphens. Never change it.")
    name: Line = Field(description="The newsroom's name, for people.")
    home: Url = Field(description="Its home page. Links within this site belong to the source.")
    language: Language | None = Field(
        default=None, description="Its language where pages do not say, as a tag: 'ru', 'pt-BR'."
    )
    risk: Literal["normal", "high", "acute"] = Field(
        default="normal",
        description="How likely it is to vanish: 'normal', 'high' or 'acute'; the likelier, the sooner.",
    )
    discover: Literal["auto", "listed"] = Field(
        default="auto",
        description="'auto' looks for feeds, sitemaps and sections beyond those listed; 'listed' does not.",
    )
    feeds: Urls = Field(default=(), description="RSS, Atom and JSON feeds.")
    sitemaps: Urls = Field(default=(), description="Sitemaps and sitemap indexes.")
    sections: Urls = Field(default=(), description="Pages that link to articles.")
    hosts: Hosts = Field(default=(), description="Hosts of other sites that belong to it, each with all below it.")
    include: Patterns = Field(
        default=(),
        description="Only what matches one of these patterns. They are those of robots.txt: from the start of"
        " the path, * is anything, $ at the end is the end. One that begins with http is compared with the"
        " whole URL.",
    )
    exclude: Patterns = Field(default=(), description="Nothing that matches one of these; they win over include.")
    max_depth: int = Field(
        default=2,
        ge=0,
        le=10,
        description="How many links away from home or a listed section a section may be.",
    )
    delay_seconds: Seconds = Field(
        default=1.0,
        ge=0,
        description="Least time between two requests to one host. A longer Crawl-delay is obeyed.",
    )
    max_concurrency: int = Field(
        default=2, ge=1, le=64, description="Most requests to one host that are under way at once."
    )
    daily_requests: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Most requests in a day (UTC); then it is left alone until the next."
    )
    daily_bytes: Annotated[int, Field(ge=1_000_000)] | None = Field(
        default=None, description="Most bytes of pages in a day (UTC), as they come; at least 1000000."
    )
    requisites: Requisites = Field(
        default="page",
        description="What is kept with each article so that it can be seen as it was: 'page' (pictures, style sheets,"
        " fonts, scripts), 'images' (the pictures in the page) or 'none'.",
    )
    page_requests: int = Field(default=200, ge=1, description="Most files that one page may bring with it.")
    page_bytes: int = Field(
        default=30_000_000, ge=10_000, description="When a page's files came to this many bytes, no more are asked for."
    )
    block: Patterns = Field(
        default=(),
        description="Files of pages that are not asked for, as patterns like those of include; trackers and"
        " advertising are left out anyway.",
    )
    extract: Literal["now", "later"] = Field(
        default="now",
        description="'now' reads each article as it is fetched; 'later' only keeps it, as fast as that goes, until"
        " 'newsark reextract' reads it. Files of pages that are not read are not known, nor asked for.",
    )
    render: bool = Field(
        default=False,
        description="true shows its articles in a browser before they are read, for newsrooms whose pages are empty"
        " without scripts. What the browser asks for is asked as politely as all else. It needs Chromium.",
    )
    render_seconds: Seconds = Field(
        default=15.0, ge=1, le=300, description="How long a shown page may take, without the time it waits for answers."
    )
    scroll: int = Field(default=0, ge=0, le=50, description="How many screens a shown page is scrolled down.")
    click: Texts = Field(
        default=(), description="What is pressed on a shown page, in this order, where it is there: CSS selectors."
    )
    robots: Literal["obey", "ignore"] = Field(
        default="obey",
        description="robots.txt: 'obey', or 'ignore' with a robots_reason. The record says which.",
    )
    robots_reason: Line | None = Field(
        default=None, description="Why robots.txt is not obeyed: who decided it, and on what ground."
    )
    user_agent: HeaderText | None = Field(
        default=None, description="The whole User-Agent header, instead of Newsark's own."
    )
    contact: HeaderText | None = Field(
        default=None,
        description="Who to write to about these visits, an address or a URL, for the user agent.",
    )
    allow_hosts: AllowedHosts = Field(
        default=(),
        description="Hosts that may be at private addresses, as host or host:port: for tests, own networks.",
    )
    insecure_tls: bool = Field(
        default=False,
        description="true takes pages from servers that prove no identity; each record says unverified.",
    )

    remove: Texts = Field(
        default=(), description="CSS selectors of what stands within articles and is none: it goes into `removed`."
    )
    fields: FieldTable = Field(
        default={},
        description="Where its pages have a field, by CSS selector or by jsonld: and a JMESPath, when it is read"
        " wrongly; of a list the first that says something. docs/extraction.md has an example.",
    )

    @field_validator("remove", "click")
    @classmethod
    def _remove_can_be_used(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            check_expression("remove", one)
        return value

    @cached_property
    def selectors(self) -> Selectors | None:
        """What `fields` and `remove` say, for whoever reads pages; None when they say nothing."""
        return Selectors.of(self.fields, self.remove)

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Self:
        if self.robots == "ignore" and not self.robots_reason:
            raise ValueError("robots = 'ignore' needs a robots_reason that says who decided it and why")
        if self.extract == "later" and self.render:
            raise ValueError("extract = 'later' does not go with render: what a browser shows is read at once")
        if self.discover == "listed" and not (self.feeds or self.sitemaps or self.sections):
            raise ValueError("discover = 'listed' needs at least one of feeds, sitemaps and sections")
        return self

    @property
    def urgency(self) -> int:
        """0 for a normal risk, 1 for a high one, 2 for an acute one: what is greater is visited first."""
        return _RISKS.index(self.risk)

    @cached_property
    def site(self) -> str:
        """The site of the home page: its registrable domain, or host and port where there is none."""
        return site_of(parse_web_url(self.home))

    def on_site(self, url: str) -> ScopeVerdict:
        """Whether a URL is one of this newsroom's own: listed, on its site, or on one of its `hosts`."""
        try:
            parsed = parse_web_url(url)
        except Refused as error:
            return ScopeVerdict(False, f"{error.rule}: {error.problem}")
        if str(parsed) in self._listed:
            return ScopeVerdict(True, "listed in the source file")
        if site_of(parsed) == self.site:
            return ScopeVerdict(True, f"on the site {self.site}")
        host = parsed.host.removesuffix(".")
        for own in self.hosts:
            if host == own or host.endswith(f".{own}"):
                return ScopeVerdict(True, f"hosts {own!r}")
        return ScopeVerdict(False, f"{parsed.authority} is not part of {self.site} or of hosts")

    def in_scope(self, url: str) -> ScopeVerdict:
        """Whether a found URL is to be visited: on the site, not excluded, included where include is used."""
        verdict = self.on_site(url)
        if not verdict.inside or verdict.rule.startswith("listed"):
            return verdict
        parsed = parse_web_url(url)
        excluded = _first_match(self.exclude, parsed)
        if excluded:
            return ScopeVerdict(False, f"exclude {excluded!r}")
        included = _first_match(self.include, parsed)
        if included:
            return ScopeVerdict(True, f"include {included!r}")
        return ScopeVerdict(False, "it matches no include pattern") if self.include else verdict

    def blocks(self, url: str) -> str | None:
        """The pattern of `block` that a page's file matches, or None."""
        return _first_match(self.block, parse_web_url(url)) if self.block else None

    @cached_property
    def _listed(self) -> frozenset[str]:
        return frozenset((self.home, *self.feeds, *self.sitemaps, *self.sections))


def load_source(path: Path) -> Source:
    """The source in a TOML file. Raises BadSourceFile with path, key and cure; show it and stop."""
    try:
        return parse_source(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise BadSourceFile(str(path), "", f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadSourceFile(str(path), "", f"is not UTF-8 text, from byte {error.start} on") from None


def parse_source(text: str, where: str) -> Source:
    """The source in a TOML text; `where` names it in the BadSourceFile that a mistake raises."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSourceFile(where, "", f"is not TOML: {error}") from None
    try:
        return Source.model_validate(table)
    except ValidationError as error:
        raise _explain(error, where) from None


def source_for_url(url: str, *, allow_hosts: Collection[str] = (), delay_seconds: float = 1.0) -> Source:
    """A source made on the fly for a URL that belongs to none.

    Its id comes from host and port. A URL that ends in a slash and is not shaped like an article is taken
    for the home page; for any other, the root of its host is. The URL itself is a lead for the caller to
    add. Raises Refused when it is no URL to visit, and BadSourceFile when an entry of `allow_hosts` or the
    delay is none.
    """
    parsed = parse_web_url(url)
    name = re.sub(r"[^a-z0-9]+", "-", parsed.authority.removeprefix("www.")).strip("-") or "source"
    if len(name) > MAX_ID_LENGTH:
        name = f"{name[:50].strip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    is_home = parsed.path.endswith("/") and shape_of(parsed).kind == "section"
    home = f"{parsed.origin}{parsed.path if is_home else '/'}"
    try:
        return Source(
            id=name,
            name=parsed.authority,
            home=home,
            allow_hosts=tuple(allow_hosts),
            delay_seconds=delay_seconds,
        )
    except ValidationError as error:
        raise _explain(error, url) from None


def dump_source(source: Source) -> str:
    """The source as a TOML file with a comment for every key; keys at their default are commented out."""
    blocks = ["# A newsroom that Newsark follows. A line without a leading # sets a key."]
    for key, field in Source.model_fields.items():
        value = getattr(source, key)
        comment = textwrap.fill(field.description or "", 100, initial_indent="# ", subsequent_indent="# ")
        unset = not field.is_required() and value == field.default
        example = "# " if unset else ""
        blocks.append(f"{comment}\n{example}{key} = {_toml(value) if value is not None else _toml('')}")
    return "\n\n".join(blocks) + "\n"


def _toml(value: str | float | bool | tuple[str, ...] | dict[str, Any]) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(one)}' for key, one in value.items())} }}" if value else "{}"
    if isinstance(value, tuple):
        items = [_toml(item) for item in value]
        inline = f"[{', '.join(items)}]"
        return inline if len(inline) <= 80 else "".join(["[\n", *(f"    {item},\n" for item in items), "]"])
    # A TOML basic string is a JSON string, but for DEL, which JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _first_match(patterns: tuple[str, ...], url: WebUrl) -> str | None:
    return next((p for p in patterns if matches(p, str(url) if p.startswith("http") else url.target)), None)


_EXPECTED = {
    "string_type": "must be text in quotes",
    "tuple_type": 'must be a list, such as ["…", "…"]',
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be an ordinary number",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge:.12g}",
    "less_than_equal": "must be at most {le:.12g}",
}


def _explain(error: ValidationError, where: str) -> BadSourceFile:
    """The first mistake as a sentence, and the names of the others."""
    first, *others = error.errors()
    problem = _sentence(dict(first))
    if others:
        problem += f" (also wrong: {', '.join(_key(dict(other)) for other in others)})"
    return BadSourceFile(where, _key(dict(first)), problem)


def _key(mistake: dict[str, Any]) -> str:
    name, *places = mistake["loc"] or ("",)
    return f"{name}[{places[0]}]" if places else str(name)


def _sentence(mistake: dict[str, Any]) -> str:
    kind, context = mistake["type"], mistake.get("ctx", {})
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(mistake["loc"][0]), Source.model_fields, 1, 0.5)
        cure = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(Source.model_fields)}"
        return f"there is no such key; {cure}"
    if kind == "missing":
        return f"is missing. {Source.model_fields[mistake['loc'][0]].description}"
    if kind == "value_error":
        return str(context["error"])
    expected = _EXPECTED.get(kind)
    return f"{expected.format(**context)}, not {mistake['input']!r}" if expected else str(mistake["msg"])
