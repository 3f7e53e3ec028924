"""One language of the newspaper: its stories, its sections and the words around them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from tests.newsroom.story import Story, load_story

CONTENT = Path(__file__).parent / "content"
LANGUAGES = ("en", "ru", "de")


@dataclass(frozen=True, slots=True)
class Appeal:
    """The plea for money that stands in the middle of a story."""

    title: str
    paragraphs: tuple[str, ...]
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Edition:
    """The paper in one language. `labels`, `cookies` and `newsletter` hold its words by name."""

    language: str
    name: str
    motto: str
    home: str
    section_path: str
    feed: str
    date_format: str
    months: tuple[str, ...]
    sections: Mapping[str, str]
    labels: Mapping[str, str]
    cookies: Mapping[str, str]
    newsletter: Mapping[str, str]
    appeal: Appeal
    stories: tuple[Story, ...]

    @property
    def furniture(self) -> tuple[str, ...]:
        """Sentences around the stories that belong to none of them and must not be in any article's text."""
        words = self.appeal.words
        labels = ("support", "most_read", "read_also", "share", "copy_link", "comments", "rights")
        return (
            self.appeal.title,
            *self.appeal.paragraphs,
            *(words[name] for name in ("button", "methods", "later")),
            *(self.newsletter[name] for name in ("title", "text", "field", "small")),
            *(self.cookies[name] for name in ("text", "refuse")),
            *(self.labels[name] for name in labels),
        )

    def section_url(self, section: str, page: int = 1) -> str:
        """The path of a section's page; the first one has no number."""
        path = self.section_path.format(section=section)
        return path if page == 1 else f"{path}/page/{page}"

    def date(self, moment: datetime) -> str:
        """A moment as this language's readers are used to see it, in the offset it was given with."""
        month = self.months[moment.month - 1]
        return self.date_format.format(day=moment.day, month=month, year=moment.year, time=f"{moment:%H:%M}")


@cache
def load_editions() -> tuple[Edition, ...]:
    """All editions with all their stories, those that are not out yet included."""
    return tuple(_load_edition(CONTENT / language) for language in LANGUAGES)


def _load_edition(folder: Path) -> Edition:
    entry = tomllib.loads((folder / "edition.toml").read_text(encoding="utf-8"))
    appeal = entry.pop("appeal")
    path_pattern = entry.pop("path")
    stories = [load_story(file, entry["language"], path_pattern) for file in sorted(folder.glob("*.md"))]
    return Edition(
        **entry | {"months": tuple(entry["months"])},
        appeal=Appeal(appeal.pop("title"), tuple(appeal.pop("paragraphs")), appeal),
        stories=tuple(stories),
    )


def with_copies(edition: Edition, copies: int) -> Edition:
    """The edition with each story `copies` times, at paths of their own: a larger site for measurements.

    Copies are an hour older each, are numbered in their headlines and are never edited or removed.
    """
    stories = list(edition.stories)
    for number in range(2, copies + 1):
        stories += [_copy(story, number) for story in edition.stories]
    return replace(edition, stories=tuple(stories))


def _copy(story: Story, number: int) -> Story:
    return replace(
        story,
        path=f"/copy/{number}{story.path}",
        headline=f"{story.headline} ({number})",
        published=story.published - timedelta(hours=number),
        modified=None,
        moved_from=(),
        edits=(),
        removed=None,
        restored=None,
    )
