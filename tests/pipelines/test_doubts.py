"""How far a text can be relied on: each witness alone, all together, and what a damaged page does to them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pipelines.blocks import Block
from pipelines.doubts import Told, contained, relevance, trust
from pipelines.page import PageInput, ReadLimits
from pipelines.read import read_page

WORDS = "The council of the river towns met on Monday and spoke of the bridges that the flood had taken. "
TEXT = [Block("p", WORDS.strip())] * 4
LENGTH = sum(len(block.text) for block in TEXT)


def names(doubts: tuple[str, ...]) -> list[str]:
    return [doubt.partition(":")[0] for doubt in doubts]


def test_a_text_that_nothing_speaks_against_is_trusted_wholly() -> None:
    told = Told(("River towns count their bridges after the flood",), (WORDS,), words=76, body=WORDS * 4)
    found = trust(TEXT, "region", LENGTH, told)
    assert (found.confidence, found.doubts) == (1.0, ())


def test_each_witness_is_named_when_it_disagrees() -> None:
    off_topic = Told(("Parliament votes about pensions, teachers protest outside tonight",))
    cases = {
        "way": trust(TEXT, "cascade", LENGTH, Told()),
        "short": trust(TEXT[:1], "region", len(WORDS) - 1, Told()),
        "coverage": trust(TEXT, "region", 3 * LENGTH, Told()),
        "subject": trust(TEXT, "region", LENGTH, off_topic),
        "json-ld": trust(TEXT, "region", LENGTH, Told(body="Ministers quarrelled about quite different taxes. " * 8)),
        "word-count": trust(TEXT, "region", LENGTH, Told(words=400)),
    }
    for name, found in cases.items():
        assert names(found.doubts) == [name]
        assert found.confidence < 0.7


def test_an_excerpt_in_linked_data_agrees_with_the_text_it_is_from() -> None:
    assert trust(TEXT * 5, "region", 5 * LENGTH, Told(body=WORDS * 3)).confidence == 1.0


def test_scripts_without_spaces_are_compared_by_pairs_of_signs() -> None:
    told = Told(
        ("洪水で二つの橋が流された町の会議",), ("川沿いの町の代表が月曜に集まり、橋の再建について話し合った。",)
    )
    right = [
        Block("p", "川沿いの町の代表は月曜に集まって、洪水で流された二つの橋の再建を話し合った。会議は町で開かれた。")
    ]
    wrong = [Block("p", "年金改革の法案が国会で可決され、野党は強く反対した。教員たちは夜まで抗議を続けている。")]
    assert relevance(right, told) > 0.6
    assert relevance(wrong, told) < 0.25


@given(st.lists(st.text(max_size=60).map(lambda text: Block("p", text)), max_size=6), st.integers(0, 10**6))
def test_confidence_is_a_share_whatever_the_text(blocks: list[Block], running: int) -> None:
    told = Told(("A headline of some words that a text may use or not",), ("and a summary",), (), WORDS * 4, 72)
    found = trust(blocks, "region", running, told)
    assert 0 <= found.confidence <= 1


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_part_is_contained_in_its_whole(part: str, rest: str) -> None:
    assert contained(part, [part, rest]) == 1.0


def page(shown: str, linked: dict[str, object], wall: str = "") -> PageInput:
    data = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": "River towns meet", **linked}
    markup = f"""<html><head><title>River towns meet</title><script type="application/ld+json">{json.dumps(data)}
    </script></head><body><main><article><h1>River towns meet</h1>{shown}</article>{wall}</main></body></html>"""
    return PageInput("https://example.org/2026/03/story", markup.encode())


BODY = "\n".join(
    f"{WORDS}It was meeting number {number} of the year, and the clerk wrote it down." for number in range(9)
)
PARAGRAPHS = "".join(f"<p>{line}</p>" for line in BODY.split("\n"))


def read(given: PageInput) -> tuple[str, str, str]:
    reading = read_page(given, ReadLimits())
    assert reading.article is not None
    source = reading.article["metadata"]["fieldSources"].get("articleBody", "")
    return reading.kind, source, reading.article.get("articleBody") or ""


def test_linked_datas_text_is_taken_where_the_page_shows_none() -> None:
    kind, source, text = read(page("", {"articleBody": BODY}))
    assert (kind, source) == ("article", "json-ld")
    assert text.split("\n") == [line.strip() for line in BODY.split("\n")]


def test_linked_datas_text_may_be_markup_with_its_entities_written_out() -> None:
    kind, source, text = read(page("", {"articleBody": PARAGRAPHS.replace("<", "&lt;")}))
    assert (kind, source) == ("article", "json-ld")
    assert text.split("\n") == [line.strip() for line in BODY.split("\n")]


def test_the_shown_text_is_kept_where_it_is_whole() -> None:
    kind, source, text = read(page(PARAGRAPHS, {"articleBody": BODY * 2}))
    assert (kind, source) == ("article", "region")
    assert len(text.split("\n")) == 9


def test_the_text_of_another_story_is_not_taken() -> None:
    shown = "<p>Ministers quarrelled about taxes, pensions and teachers until late at night. " * 4 + "</p>"
    kind, source, text = read(page(shown, {"articleBody": BODY}))
    assert (kind, source) == ("article", "region")
    assert text.startswith("Ministers quarrelled")


def test_behind_a_wall_only_what_is_shown_is_the_text() -> None:
    linked = {"articleBody": BODY, "isAccessibleForFree": False}
    kind, source, text = read(page(f"<p>{WORDS * 3}</p>", linked, "<p>Subscribe to read the rest.</p>"))
    assert (kind, source) == ("paywalled", "region")
    assert len(text) < 3 * len(WORDS)


def test_a_notice_of_removal_is_no_article_whatever_linked_data_holds() -> None:
    assert read(page("<p>This article has been removed.</p>", {"articleBody": BODY}))[0] == "removed-notice"


def test_teasers_in_figures_are_no_gallery() -> None:
    teaser = (
        '<figure><a href="/x{0}"><img src="{0}.jpg"><figcaption>{1} Number {0} of the week.</figcaption></a></figure>'
    )
    teasers = "".join(teaser.format(number, WORDS) for number in range(6))
    assert read(page(teasers, {}))[1] != "captions"
    captions = teasers.replace('<a href="/x', '<b id="x').replace("</a>", "</b>")
    assert read(page(captions, {}))[1] == "captions"


def test_what_is_left_out_as_a_call_stands_in_removed() -> None:
    reading = read_page(page(f"{PARAGRAPHS}<p>Read more: What the clerk says</p>{PARAGRAPHS}", {}), ReadLimits())
    assert reading.article is not None
    assert reading.article["removed"] == [{"text": "Read more: What the clerk says", "reason": "cue"}]
    assert "Read more" not in reading.article["articleBody"]
