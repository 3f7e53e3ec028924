"""A query's tree in the words of the two databases: FTS5's MATCH and PostgreSQL's tsquery.

Only words of storage/words.py reach either, always quoted, and they hold letters, digits and our marks alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reading.query import And, Tree, Words, index_words
from storage.wordindex import AUTHOR, SUBJECT
from storage.words import ADDRESS, HEADLINE_STEM, STEM, indexed, is_unspaced, stem_of

_MARKS = {"authors": AUTHOR, "subjects": SUBJECT, "address": ADDRESS}


def stems_asked(words: Words, languages: Sequence[str]) -> set[str]:
    """The marked stems that a bare word is also found by, in those languages."""
    is_word = len(words.written) == 1 and not is_unspaced(words.written[0])
    if not is_word or words.is_exact or words.is_prefix or words.field not in (None, "headline"):
        return set()
    word = words.written[0]
    # the stem itself has no stem of its own in the index
    return {stem_of(word, language) or STEM + indexed([word]) for language in languages}


def bare_stems(stems: Iterable[str], languages: Sequence[str]) -> set[str]:
    """Those stems that are words too: where a text has them, they stand in it unmarked."""
    bare = {stem.removeprefix(STEM) for stem in stems}
    return {word for word in bare if any(not stem_of(word, language) for language in languages)}


def fts5(tree: Tree, languages: Sequence[str]) -> str:
    """The query for MATCH; `languages` are those whose stems are looked for."""
    if isinstance(tree, Words):
        return _fts5_words(tree, languages)
    if not isinstance(tree, And):
        return f"({' OR '.join(fts5(part, languages) for part in tree.parts)})"
    wanted = " AND ".join(fts5(part, languages) for part in tree.parts)
    if not tree.without:
        return f"({wanted})"
    return f"(({wanted}) NOT ({' OR '.join(fts5(part, languages) for part in tree.without)}))"


def _fts5_words(words: Words, languages: Sequence[str]) -> str:
    found, is_open = index_words(words)
    mark = ADDRESS if words.field == "address" else ""
    phrase = f'"{" ".join(mark + word for word in found)}"{" *" if is_open else ""}'
    stems, bare = _others(words, found, languages)
    if words.field is None:
        ways = [phrase, *map(_quoted, bare + stems)]
    else:
        ways = [f"({words.field} : {one})" for one in (phrase, *map(_quoted, bare))] + [*map(_quoted, stems)]
    return f"({' OR '.join(ways)})" if len(ways) > 1 else ways[0]


def _others(words: Words, found: Sequence[str], languages: Sequence[str]) -> tuple[list[str], list[str]]:
    """The stems that a word is found by too, as the index marks them, and those of them that are words."""
    stems = stems_asked(words, languages)
    bare = bare_stems(stems, languages) - set(found)
    mark = HEADLINE_STEM if words.field == "headline" else STEM
    return sorted(mark + stem.removeprefix(STEM) for stem in stems), sorted(bare)


def _quoted(word: str) -> str:
    return f'"{word}"'


def tsquery(tree: Tree, languages: Sequence[str]) -> str:
    """The query as a literal of tsquery."""
    if isinstance(tree, Words):
        return _tsquery_words(tree, languages)
    if not isinstance(tree, And):
        return f"({' | '.join(tsquery(part, languages) for part in tree.parts)})"
    parts = [tsquery(part, languages) for part in tree.parts]
    return f"({' & '.join([*parts, *(f'!{tsquery(part, languages)}' for part in tree.without)])})"


def _tsquery_words(words: Words, languages: Sequence[str]) -> str:
    found, is_open = index_words(words)
    mark = _MARKS.get(words.field or "", "")
    weight = "A" if words.field == "headline" else ""
    lexemes = [f"'{mark}{word}'" + (f":{weight}" if weight else "") for word in found]
    if is_open:
        lexemes[-1] = f"'{mark}{found[-1]}':*{weight}"
    stems, bare = _others(words, found, languages)
    ways = [f"'{word}'" + (f":{weight}" if weight else "") for word in bare] + [f"'{word}'" for word in stems]
    return f"({' | '.join([f'({_phrase(lexemes)})', *ways])})" if ways else f"({_phrase(lexemes)})"


def _phrase(lexemes: Sequence[str]) -> str:
    return " <-> ".join(lexemes)
