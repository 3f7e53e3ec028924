"""A small archive to export: articles in three languages with texts that spreadsheets and readers trip over."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from storage.archive import Archive
from storage.archivesettings import ArchiveSettings
from storage.place import Place
from storage.settling import Settlement
from storage.versions import Observation, Version

START = datetime(2026, 1, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TEXTS = {
    "en": "The old hall was sold.\nNobody knows to whom; “they” said: nothing, at all.",
    "ru": "Старый рынок продан.\nКому — неизвестно.",
    "zh": "老市场卖掉了。\n没有人知道是谁买的。",
}
LANGUAGES = tuple(TEXTS)


def record(number: int, version: int = 1, **more: Any) -> dict[str, Any]:
    language = LANGUAGES[number % 3]
    captured = START + number * 3 * DAY + (version - 1) * timedelta(hours=1)
    return {
        "id": f"{number:030x}{version:02x}",
        "type": "NewsArticle",
        "url": f"https://p.example/{number}",
        "headline": f"=Hall {number} \t{language}",
        "articleBody": f"{TEXTS[language]} ({number}.{version})",
        "wordCount": 10 + number,
        "inLanguage": "en-GB" if number == 0 else language,
        "datePublished": f"2026-0{1 + number % 4}-11T08:00:00+02:00",
        "author": [{"name": "Ada Brook"}, {"name": "-Б. Петров"}],
        "image": [{"url": "https://p.example/a.jpg"}, {"caption": "without an address"}],
        "keywords": ["hall", "sale, public"],
        "isAccessibleForFree": None if number % 2 else True,
        "version": version,
        "archive": {"filename": "warc/p/a.warc.gz", "offset": 2**40 + number, "date": captured.isoformat()},
        "metadata": {"judgement": "article", "confidence": 0.5 + number / 40, "doubts": []},
        **more,
    }


def add(archive: Archive, source: str, facts: dict[str, Any]) -> None:
    line = json.dumps(facts, ensure_ascii=False) + "\n"
    version = Version(
        article=facts["url"],
        record_id=facts["id"],
        version=facts["version"],
        url=facts["url"],
        content_digest=facts["id"],
        captured_at=datetime.fromisoformat(facts["archive"]["date"]),
        records_key="",
        line=line,
        headline=facts["headline"],
        date_published=facts["datePublished"],
        in_language=facts["inLanguage"],
    )
    archive.settle(source, Settlement(versions=[version], records=[line.encode()]))


def observe(archive: Archive, number: int, day: float, outcome: str, detail: str | None = None) -> None:
    """Let a visit, so many days after START, find that of an article of the paper."""
    url = f"https://p.example/{number}"
    seen = Observation(url, START + day * DAY, outcome, detail, article=url, capture_record_id=f"<urn:uuid:{number}>")
    archive.settle("paper", Settlement(observations=[seen]))


def make_archive(place: Path | Place) -> Archive:
    """Twelve articles of two sources, one with a second version, one removed, one removed and back; in `archive` below
    a directory."""
    where = place / "archive" if isinstance(place, Path) else place
    archive = Archive.open(where, ArchiveSettings(), lambda: START + 60 * DAY, create=True)
    for name in ("paper", "gazette"):
        toml = f'id = "{name}"\nname = "{name}"\nhome = "https://{name}.example/"\n'
        archive.enlist(name, name=name, home=f"https://{name}.example/", toml=toml)
    for number in range(12):
        add(archive, "gazette" if number >= 9 else "paper", record(number))
    add(archive, "paper", record(4, 2))
    observe(archive, 1, 50, "removed", "=404\nстраница удалена")
    observe(archive, 2, 50, "removed")
    observe(archive, 2, 51, "unchanged")
    return archive
