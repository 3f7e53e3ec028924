"""The unpacked model says what the packed one says, wherever it can be kept and whatever lies there."""

from __future__ import annotations

from pathlib import Path

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from pipelines.languagemodel import load_identifier, unpacked_path

TEXTS = [
    "The harbour master said on Monday that the ferry would sail again.",
    "Der Hafenmeister sagte am Montag, die Fähre werde wieder fahren.",
    "Начальник порта сообщил в понедельник, что паром снова пойдёт.",
    "港の責任者は月曜日にフェリーが再び運航すると述べた。",
    "",
    "12 34",
]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return unpacked_path()


def test_the_same_languages_and_probabilities(cache: Path) -> None:
    packed = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    for _ in ("unpacked now", "found unpacked"):
        identifier = load_identifier()
        assert [identifier.classify(text) for text in TEXTS] == [packed.classify(text) for text in TEXTS]
        assert [one.name for one in cache.parent.iterdir()] == [cache.name]


def test_a_torn_file_is_unpacked_anew(cache: Path) -> None:
    load_identifier()
    whole = cache.read_bytes()
    cache.write_bytes(whole[: len(whole) // 2])
    assert load_identifier().classify(TEXTS[1])[0] == "de"
    assert cache.read_bytes() == whole


def test_another_layout_costs_the_copy_and_nothing_else(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.mkdir()
    assert load_identifier().classify(TEXTS[1])[0] == "de"


def test_where_nothing_can_be_kept_it_is_unpacked_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert load_identifier().classify(TEXTS[2])[0] == "ru"
