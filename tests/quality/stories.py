"""Invented stories in many languages, with the furniture that stands around and between their paragraphs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Story:
    """A story and what a newsroom of its language puts beside it: `furniture` is newsletter, appeal, link, sharing,
    related headline and rights, in this order."""

    language: str
    headline: str
    author: str
    section: str
    keywords: tuple[str, ...]
    paragraphs: tuple[str, ...]
    furniture: tuple[str, str, str, str, str, str]


def _stories() -> tuple[Story, ...]:
    told = json.loads((Path(__file__).parent / "stories.json").read_text())
    return tuple(Story(**{name: tuple(v) if isinstance(v, list) else v for name, v in one.items()}) for one in told)


STORIES = _stories()
