"""The values that the keys of a source file take: each says what is wrong with one that cannot be used."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from crawler.guard import Guard
from crawler.weburl import parse_host, parse_web_url
from pipelines.selectors import check_expression
from storage.errors import BadSetting, Refused

MAX_ID_LENGTH = 64
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_HEADER_TEXT = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_PATTERN_START = ("/", "*", "http://", "https://")


def is_source_id(value: str) -> bool:
    """Whether a text can be the id of a source."""
    return _SLUG.fullmatch(value) is not None and len(value) <= MAX_ID_LENGTH


def _slug(value: str) -> str:
    """The id of a source."""
    if not is_source_id(value):
        raise ValueError(f"must be lower-case letters, digits and single hyphens, at most {MAX_ID_LENGTH}")
    return value


def _one_line(value: str) -> str:
    """A text of one line."""
    if not value.strip() or not value.isprintable():
        raise ValueError("must be one line of text")
    return value


def _url(value: str) -> str:
    try:
        return str(parse_web_url(value))
    except Refused as error:
        raise ValueError(f"{value!r} is not a URL to visit: {error.problem}") from None


def _host(value: str) -> str:
    try:
        return parse_host(value, value)
    except Refused as error:
        raise ValueError(f"{error.problem}; write a host name without scheme, port and path") from None


def _pattern(value: str) -> str:
    if not value.startswith(_PATTERN_START):
        raise ValueError(f"{value!r} must begin with /, *, http:// or https://")
    return value


def _allowed_host(value: str) -> str:
    try:
        Guard([value])
    except BadSetting as error:
        raise ValueError(f"{value!r}: {error.problem}") from None
    return value


def _language(value: str) -> str:
    """A language tag."""
    if not _LANGUAGE.fullmatch(value):
        raise ValueError("must be a language tag, such as 'ru' or 'pt-BR'")
    return value


def _header_text(value: str) -> str:
    """A text that can be sent in a header."""
    if not _HEADER_TEXT.fullmatch(value):
        raise ValueError("must be one line of ASCII text: it is sent in a header")
    return value


def _expressions(value: Any) -> Any:
    """Each field's expressions as they stand, once they are known to be usable."""
    if not isinstance(value, dict):
        raise ValueError('must be a table, such as [fields] with headline = "h1.title" below it')
    for name, told in value.items():
        listed = [told] if isinstance(told, str) else told
        if not isinstance(listed, list | tuple) or not all(isinstance(one, str) and one for one in listed):
            raise ValueError(f"{name}: must be a selector in quotes, or a list of them")
        for one in listed:
            check_expression(name, one)
    return {name: told if isinstance(told, str) else tuple(told) for name, told in value.items()}


Texts = Annotated[tuple[str, ...], Field(strict=False)]
Url = Annotated[str, AfterValidator(_url)]
Urls = Annotated[tuple[Url, ...], Field(strict=False)]
Patterns = Annotated[tuple[Annotated[str, AfterValidator(_pattern)], ...], Field(strict=False)]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], Field(strict=False)]
AllowedHosts = Annotated[tuple[Annotated[str, AfterValidator(_allowed_host)], ...], Field(strict=False)]
HeaderText = Annotated[str, AfterValidator(_header_text)]
Slug = Annotated[str, AfterValidator(_slug)]
Line = Annotated[str, AfterValidator(_one_line)]
Language = Annotated[str, AfterValidator(_language)]
FieldTable = Annotated[dict[str, str | Texts], BeforeValidator(_expressions)]
Seconds = Annotated[float, Field(allow_inf_nan=False)]
