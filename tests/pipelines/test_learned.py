"""Learned furniture: what goes, what stays, and that nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.learned import WINDOW_ARTICLES, LearnedFurniture, furniture_removed_from, learn_and_apply

APPEAL = ["Dear readers,", "We need your help to go on with our work in these times.", "Give now"]


def article(*paragraphs: str, headline: str = "A headline", description: str | None = None) -> dict[str, Any]:
    return {
        "headline": headline,
        "description": description,
        "articleBody": "\n".join(paragraphs),
        "sections": [{"headline": None, "paragraphs": list(paragraphs)}],
        "wordCount": sum(len(paragraph.split()) for paragraph in paragraphs),
    }


def story(number: int, *more: str) -> dict[str, Any]:
    first, last = f"Story {number} begins with a sentence of its own.", f"And so ends the story number {number}."
    return article(first, *more, last, headline=f"Story number{number} of the day")


def lines(read: dict[str, Any]) -> list[str]:
    return list(read["articleBody"].split("\n"))


def in_sections(read: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for section in read["sections"]:
        found += [section["headline"]] if section["headline"] is not None else []
        found += section["paragraphs"]
    return found


def test_an_appeal_in_three_articles_goes_with_the_short_lines_beside_it() -> None:
    stories = [story(number, *APPEAL) for number in range(3)]
    for number, read in enumerate(learn_and_apply([(str(key), one) for key, one in enumerate(stories)])):
        assert lines(read) == lines(story(number))
        assert in_sections(read) == lines(read)
        assert read["removed"] == [{"text": line, "reason": "furniture"} for line in APPEAL]
        assert read["wordCount"] == len(read["articleBody"].split())


def test_two_articles_are_too_few_and_versions_of_one_count_once() -> None:
    stories = [("a", story(1, *APPEAL)), ("b", story(2, *APPEAL)), ("b", story(2, "A line more.", *APPEAL))]
    assert [lines(read) for read in learn_and_apply(stories)] == [lines(one) for _, one in stories]


def test_digits_count() -> None:
    stories = [
        (str(number), story(number, f"The court dealt with {number}17 cases in the year.")) for number in range(5)
    ]
    assert [lines(read) for read in learn_and_apply(stories)] == [lines(one) for _, one in stories]


@pytest.mark.parametrize(
    "note",
    [
        "Editor's note: this story was updated after the vote in parliament.",
        "Correction: an earlier version of this article named the wrong river.",
        "Anmerkung der Redaktion: Der Text wurde nach der Abstimmung ergänzt.",
        "Примечание редакции: текст дополнен после голосования в парламенте.",
    ],
)
def test_a_note_of_the_editors_stays(note: str) -> None:
    stories = [(str(number), story(number, note)) for number in range(4)]
    assert all(note in lines(read) for read in learn_and_apply(stories))


def test_a_lead_that_others_show_as_a_teaser_stays_in_its_article() -> None:
    lead = "The ferry sails again after two winters at the quay."
    own = article(lead, "It has a new engine, and a crew that knows it.", headline="Old ferry sails again")
    others = [(str(number), story(number, lead)) for number in range(4)]
    after = learn_and_apply([*others, ("own", own)])[-1]
    assert lines(after) == lines(own)


def test_a_short_line_alone_stays_wherever_it_stands() -> None:
    stories = [(str(number), story(number, "Lisbon")) for number in range(5)]
    assert all("Lisbon" in lines(read) for read in learn_and_apply(stories))


def test_a_heading_goes_with_what_stands_under_it() -> None:
    stories = []
    for number in range(3):
        read = story(number)
        own = lines(read)
        read["articleBody"] = "\n".join([own[0], "Help us", APPEAL[1], own[1]])
        read["sections"] = [
            {"headline": None, "paragraphs": [own[0]]},
            {"headline": "Help us", "paragraphs": [APPEAL[1], own[1]]},
        ]
        stories.append((str(number), read))
    for number, read in enumerate(learn_and_apply(stories)):
        assert lines(read) == lines(story(number))
        assert read["sections"] == [{"headline": None, "paragraphs": lines(story(number))}]


def test_a_heading_below_furniture_stays_with_its_own_text() -> None:
    stories = []
    for number in range(3):
        read = story(number)
        own = lines(read)
        read["articleBody"] = "\n".join([own[0], APPEAL[1], "Background", own[1]])
        read["sections"] = [
            {"headline": None, "paragraphs": [own[0], APPEAL[1]]},
            {"headline": "Background", "paragraphs": [own[1]]},
        ]
        stories.append((str(number), read))
    for number, read in enumerate(learn_and_apply(stories)):
        first, last = lines(story(number))
        assert lines(read) == [first, "Background", last]
        assert [section["headline"] for section in read["sections"]] == [None, "Background"]


@pytest.mark.parametrize("sign", ["\ud800", "\x00"])
def test_a_line_that_cannot_be_written_down_is_not_learned(sign: str) -> None:
    known = LearnedFurniture()
    for number in range(4):
        known.learn(str(number), story(number, APPEAL[1], f"A paragraph with a broken {sign} sign in it."))
    assert known.fresh == [APPEAL[1]]


def test_a_text_that_is_all_furniture_stays() -> None:
    said = ("The same short message stands here.", "It is all that this page has to say.")
    stories = [(str(key), article(*said, headline=f"Number{key} unlike others")) for key in range(4)]
    assert all(lines(read) == list(said) for read in learn_and_apply(stories))


def test_an_article_at_several_addresses_teaches_nothing() -> None:
    stories = [
        (address, story(1, "A sentence of the story that stands here once.")) for address in ("a", "b", "c", "d")
    ]
    assert all(lines(read) == lines(stories[0][1]) for read in learn_and_apply(stories))


def test_a_banner_above_every_text_goes_too() -> None:
    stories = [
        (str(number), article(APPEAL[1], *lines(story(number)), headline=f"Ferry{number}")) for number in range(4)
    ]
    assert all(APPEAL[1] not in lines(read) for read in learn_and_apply(stories))


def test_what_was_learned_before_is_known_and_only_new_lines_are_fresh() -> None:
    known = LearnedFurniture([APPEAL[1]])
    assert APPEAL[1] not in lines(known.apply(story(1, *APPEAL)))
    for number in range(3):
        known.learn(str(number), story(number, *APPEAL))
    assert known.fresh == sorted([APPEAL[0], APPEAL[2]])
    known.taken()
    known.learn("more", story(9, *APPEAL))
    assert known.fresh == []


def test_what_was_removed_before_still_counts_as_standing_there() -> None:
    known = LearnedFurniture()
    for number in range(2):
        read = story(number)
        known.learn(str(number), {**read, "removed": [{"text": APPEAL[1], "reason": "furniture"}]})
    known.learn("3", story(3, APPEAL[1]))
    assert known.fresh == [APPEAL[1]]


def test_only_the_newest_articles_are_looked_at() -> None:
    known = LearnedFurniture()
    for key in ("old", "older"):
        known.learn(key, story(1, APPEAL[1]))
    for number in range(WINDOW_ARTICLES):
        known.learn(str(number), story(number + 10))
    known.learn("new", story(2, APPEAL[1]))
    assert known.fresh == []


PARAGRAPHS = st.lists(st.sampled_from([*APPEAL, "", "Other words.", "A sentence that is long enough to be told."]))


@given(st.lists(PARAGRAPHS, min_size=1, max_size=8))
def test_nothing_is_lost_and_the_order_stays(texts: list[list[str]]) -> None:
    stories = [(str(key), story(key, *filter(None, text))) for key, text in enumerate(texts)]
    for (_, before), after in zip(stories, learn_and_apply(stories), strict=True):
        gone = [one["text"] for one in after.get("removed", ())]
        assert sorted(lines(before)) == sorted([*lines(after), *gone])
        assert in_sections(after) == lines(after)
        left = iter(lines(before))
        assert all(line in left for line in lines(after)), "the order changed"
        assert lines(furniture_removed_from(after).apply(before)) == lines(after)


def test_furniture_goes_from_the_html_too_and_from_nowhere_else() -> None:
    def marked(one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "articleBodyHtml": "\n".join(f"<p>{line}</p>" for line in lines(one))}

    stories = [(str(number), marked(story(number, *APPEAL))) for number in range(3)]
    for number, read in enumerate(learn_and_apply(stories)):
        assert read["articleBodyHtml"] == marked(story(number))["articleBodyHtml"]
