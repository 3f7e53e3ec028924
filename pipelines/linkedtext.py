"""The text as JSON-LD's articleBody has it: the last resort, for a page that does not show its article."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

from lxml.etree import ParserError
from lxml.html import document_fromstring

from pipelines.blocks import Block, chars, plain_blocks
from pipelines.doubts import MIN_TEXT_CHARS, Told, contained, trust
from pipelines.furniture import drop_silent
from pipelines.judge import Judgement
from pipelines.page import html_parser
from pipelines.text import Text
from pipelines.wording import words_of

MIN_GAIN = 3.0
"""How much longer than what the page shows it must be: some hold the text twice, or code."""

MIN_SHARED = 0.8
"""The share of the shown text's words that it must have: else it is another text."""

_MARKUP = re.compile(r"<(?:p|br|div|h[1-6]|li)\b", re.IGNORECASE)


def with_linked_text(text: Text, told: Told, judgement: Judgement) -> tuple[Text, Judgement]:
    """The text and judgement as they are, or JSON-LD's text where the page shows none or a small part of it.

    Never for a page behind a wall, a challenge or a notice: what a page is, is judged by what it shows.
    """
    if len(told.body) < MIN_TEXT_CHARS or judgement.kind not in ("article", "liveblog", "empty", "other"):
        return text, judgement
    blocks = tuple(linked_blocks(told.body))
    length = chars(blocks)
    if length < max(MIN_TEXT_CHARS, MIN_GAIN * text.chars):
        return text, judgement
    if contained(" ".join(block.text for block in text.blocks), [block.text for block in blocks]) < MIN_SHARED:
        return text, judgement
    found = replace(text, blocks=blocks, way="json-ld", trust=trust(blocks, "json-ld", 0, told), within=None)
    length = sum(len(block.text) for block in blocks)
    evidence = (*judgement.evidence, f"{length} characters of text in json-ld, which the page does not show")
    kind = judgement.kind if judgement.kind == "liveblog" else "article"
    return found, Judgement(kind, evidence)


def linked_blocks(body: str) -> Iterator[Block]:
    """The paragraphs of an articleBody, which may be plain text or markup, with its entities written out or not."""
    body = unescape(body) if "&" in body else body
    if _MARKUP.search(body):
        try:
            tree = document_fromstring(body.encode("utf-8", "replace"), parser=html_parser())
        except ParserError:
            return
        drop_silent(tree)
        blocks = list(plain_blocks(tree))
        if chars(blocks) >= MIN_TEXT_CHARS:
            yield from blocks
            return
        body = "\n".join(str(text) for text in tree.itertext())
    for line in body.splitlines():
        if words := words_of(line):
            yield Block("p", words)
