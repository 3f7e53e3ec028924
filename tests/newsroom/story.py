"""One story as its file says it, and as it stood at a moment: planned, published, edited, removed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

Kind = Literal["paragraph", "subhead", "item"]
State = Literal["planned", "published", "removed"]

_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
_EMPHASIS = re.compile(r"\*([^*]+)\*")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a subhead or one item of a list; `source` may hold `*emphasis*` and `[links](/path)`."""

    kind: Kind
    source: str

    @property
    def text(self) -> str:
        """The words as a reader sees them."""
        return _EMPHASIS.sub(r"\1", _LINK.sub(r"\1", self.source))


@dataclass(frozen=True, slots=True)
class Picture:
    """What is written below a story's picture."""

    caption: str
    credit: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A change made at a moment; without a headline or text only the date of modification changes."""

    at: datetime
    headline: str | None
    paragraph: int | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """What one article says. `path` begins with a slash; times keep the offset the newsroom gave them."""

    language: str
    slug: str
    path: str
    section: str
    template: str
    charset: str
    headline: str
    deck: str
    authors: tuple[str, ...]
    agencies: tuple[str, ...]
    tags: tuple[str, ...]
    published: datetime
    modified: datetime | None
    picture: Picture | None
    body: tuple[Block, ...]
    moved_from: tuple[str, ...]
    edits: tuple[Edit, ...]
    removed: datetime | None
    restored: datetime | None

    @property
    def text(self) -> str:
        """Every block of the body in order, one a line: what a good extractor returns."""
        return "\n".join(block.text for block in self.body)

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The paragraphs alone, without subheads and list items."""
        return tuple(block.text for block in self.body if block.kind == "paragraph")

    @property
    def summary(self) -> str:
        """The deck, or the first paragraph of a story that has none."""
        return self.deck or self.body[0].text

    @property
    def bylines(self) -> tuple[str, ...]:
        """People first, then agencies."""
        return self.authors + self.agencies

    @property
    def image_path(self) -> str | None:
        """Where the picture is, when there is one."""
        return f"/images/{self.slug}.png" if self.picture else None

    def state(self, moment: datetime) -> State:
        """Whether a reader finds it at that moment."""
        if moment < self.published:
            return "planned"
        if self.removed is None or moment < self.removed:
            return "published"
        return "published" if self.restored is not None and self.restored <= moment else "removed"

    def at(self, moment: datetime) -> Story:
        """The story with the edits that were made until then."""
        story = self
        for edit in self.edits:
            if edit.at <= moment:
                story = replace(
                    story,
                    headline=edit.headline or story.headline,
                    body=_with_paragraph(story.body, edit),
                    modified=edit.at,
                )
        return story

    def changed(self, moment: datetime) -> datetime:
        """When what a reader finds last changed, as known at that moment."""
        story = self.at(moment)
        times = [story.published, story.modified, story.removed, story.restored]
        return max((time for time in times if time is not None and time <= moment), default=story.published)


def load_story(file: Path, language: str, path_pattern: str) -> Story:
    """The story in a file: TOML between two lines of `+++`, then blocks with an empty line between them.

    `path_pattern` is the edition's, with `{date}`, `{section}` and `{slug}`; an entry `path` replaces it.
    """
    _, head, body = file.read_text(encoding="utf-8").split("+++\n", 2)
    entry: Mapping[str, Any] = tomllib.loads(head)
    path = path_pattern.format(date=entry["published"], section=entry["section"], slug=file.stem)
    return Story(
        language=language,
        slug=file.stem,
        path=entry.get("path", path),
        section=entry["section"],
        template=entry["template"],
        charset=entry.get("charset", "utf-8"),
        headline=entry["headline"],
        deck=entry["deck"],
        authors=tuple(entry.get("authors", ())),
        agencies=tuple(entry.get("agency", ())),
        tags=tuple(entry["tags"]),
        published=entry["published"],
        modified=entry.get("modified"),
        picture=Picture(**entry["image"]) if "image" in entry else None,
        body=_blocks(body),
        moved_from=tuple(entry.get("moved_from", ())),
        edits=tuple(_edit(edit) for edit in entry.get("edit", ())),
        removed=entry.get("removed"),
        restored=entry.get("restored"),
    )


def _blocks(body: str) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for part in body.strip().split("\n\n"):
        if part.startswith("- "):
            blocks += [Block("item", line.removeprefix("- ")) for line in part.split("\n")]
        elif part.startswith("## "):
            blocks.append(Block("subhead", part.removeprefix("## ")))
        else:
            blocks.append(Block("paragraph", part))
    return tuple(blocks)


def _edit(entry: Mapping[str, Any]) -> Edit:
    return Edit(entry["at"], entry.get("headline"), entry.get("paragraph"), entry.get("text"))


def _with_paragraph(body: tuple[Block, ...], edit: Edit) -> tuple[Block, ...]:
    """The body with the edit's paragraph, counted from 1, replaced."""
    if edit.paragraph is None or edit.text is None:
        return body
    places = [place for place, block in enumerate(body) if block.kind == "paragraph"]
    place = places[edit.paragraph - 1]
    return (*body[:place], Block("paragraph", edit.text), *body[place + 1 :])
