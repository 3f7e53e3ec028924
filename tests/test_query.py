"""The query language: what is a query, what is none and why, and that nothing of it reaches a database unquoted."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading.query import FIELDS, MAX_SIGNS, parse
from reading.querysql import fts5, tsquery
from storage.errors import BadQuery
from storage.wordindex import SQLITE_INDEX
from storage.words import places_of, stems_of, words_as_written, words_of

LANGUAGES = ("ru", "en")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("мир труд", '("мир" AND ("труд" OR "§труд"))'),
        ('"мир труд" май', '("мир труд" AND "май")'),
        ("a|b OR c", '("a" OR "b" OR "c")'),
        ("a -b", '(("a") NOT ("b"))'),
        ("a NOT (b OR c)", '(("a") NOT (("b" OR "c")))'),
        ("a AND b", '("a" AND "b")'),
        ("and or not", '("and" AND "or" AND "not")'),
        ("-(-a)", '"a"'),
        ("title:(a b)", '((headline : "a") AND (headline : "b"))'),
        ("TITLE: a", '(headline : "a")'),
        ("nofield:a", '"nofield a"'),
        ("ab* 12", '("ab" * AND "12")'),
        ("中 中国人", '("中" * AND "中国 国人")'),
        ("— a &", '"a"'),
        ("don't", '"don t"'),
        ("https://a.example/b", '(address : "¶a ¶example ¶b")'),
    ],
)
def test_a_query_in_the_words_of_fts5(query: str, expected: str) -> None:
    # without languages there are no stems, which one of them shows
    said = fts5(parse(query), LANGUAGES if "труд" in query and '"' not in query else ())
    assert said.replace('("мир" OR "§мир")', '"мир"') == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a b", "(('a') & ('b'))"),
        ("a -b", "(('a') & !('b'))"),
        ("title:a*", "('a':*A)"),
        ('author:"a b"', "('@a' <-> '@b')"),
        ("中 | 中国人", "(('中':*) | ('中国' <-> '国人'))"),
    ],
)
def test_a_query_in_the_words_of_postgresql(query: str, expected: str) -> None:
    assert tsquery(parse(query), ()) == expected


@pytest.mark.parametrize(
    ("query", "at", "words"),
    [
        ("", 1, "no word"),
        ("— * ()", 1, "no word"),
        ('a "b', 3, "a quote that does not end"),
        ("a (b", 3, r"a \( without its \)"),
        ("a) b", 2, r"a \) without its \("),
        ("OR", 1, "without a word on each side"),
        ("a OR", 3, "without a word on each side"),
        ("a | | b", 3, "without a word on each side"),
        ("a AND", 3, "ends with AND"),
        ("-a", 1, "only what must not be there"),
        ("a OR -b", 6, "only what must not be there"),
        ("a NOT", 3, "NOT without a word after it"),
        ("title:", 1, "title: without a word after it"),
        ("(" * 30 + "a" + ")" * 30, 1, "parentheses in each other"),
        ("a" * (MAX_SIGNS + 1), MAX_SIGNS, "longer than"),
    ],
)
def test_what_is_no_query_says_where_and_what_to_write(query: str, at: int, words: str) -> None:
    with pytest.raises(BadQuery, match=words) as refused:
        parse(query)
    assert (refused.value.at, refused.value.exit_code) == (at, 2)
    assert f"at sign {at}; {refused.value.cure}" in str(refused.value)


SIGNS = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            [*"()\"|*-:&!<>'\\,^+{} «»“”\n\x00", "OR", "AND", "NOT", "NEAR", "中国", "ёлка", "a", "title:", "url:", "-"]
        )
    ).map("".join),
    st.lists(st.sampled_from(["(", ")", "-", "NOT ", "OR ", "a ", "title:"]), max_size=200).map("".join),
)
QUOTED = re.compile(r'"[^"]*"')


@cache
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute(SQLITE_INDEX)
    return connection


@given(SIGNS)
def test_no_text_breaks_the_parser_or_reaches_a_database_unquoted(query: str) -> None:
    try:
        tree = parse(query)
    except BadQuery:
        return
    said = fts5(tree, LANGUAGES)
    columns = "|".join(sorted(set(FIELDS.values())))
    assert re.fullmatch(rf"(?:[() *]|AND|OR|NOT|(?:{columns}) : )*", QUOTED.sub("", said))
    assert all(words_of(word.strip("§¶")) for quoted in QUOTED.findall(said) for word in quoted[1:-1].split())
    database().execute("SELECT rowid FROM words WHERE words MATCH ?", (said,)).fetchall()
    assert re.fullmatch(r"(?:[()&|! ]|<->|:\*?A?)*", re.sub(r"'[^'\\]+'", "", tsquery(tree, LANGUAGES)))


# words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ёлка и ЙОД", ["елка", "и", "йод"]),
        ("и\u0306од", ["йод"]),
        ("Café ŁÓDŹ Straße Ærø", ["cafe", "lodz", "strasse", "aero"]),
        ("ΑΘΉΝΑ Ὀδύσσεια", ["αθηνα", "οδυσσεια"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("中国人 日本", ["中国", "国人", "人", "日本", "本"]),
        ("iPhone15中国", ["iphone15", "中国", "国"]),
        ("한국어", ["한국", "국어", "어"]),
        ("ﾃﾚﾋﾞ", ["テレ", "レビ", "ビ"]),
        ("ＡＢＣ１２", ["abc12"]),
        ("snake_case it's", ["snake", "case", "it", "s"]),
        ("!?… \n—", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_stems_are_those_of_the_language_where_they_differ_from_the_word() -> None:
    assert stems_of(words_as_written("журналиста журналисты журналист и 中国"), "ru") == ["§журналист"] * 2
    assert stems_of(words_as_written("running " * 9 + "run"), "en") == ["§run"] * 3


@given(st.text())
def test_sqlite_has_exactly_our_words(text: str) -> None:
    words = words_of(text)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(SQLITE_INDEX)
        connection.execute("CREATE VIRTUAL TABLE seen USING fts5vocab(words, 'instance')")
        connection.execute("INSERT INTO words (rowid, body) VALUES (1, ?)", (" ".join(words),))
        seen = connection.execute("SELECT term FROM seen ORDER BY offset").fetchall()
    assert [term for (term,) in seen] == words
    assert all(text[found.start() : found.end()] == found[0] for found in places_of(text))
