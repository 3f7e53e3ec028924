"""Characters: a declaration is believed only when the bytes are valid in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.charset import page_text

RUSSIAN = "Старый паром снова выйдет на линию весной, сообщил совет порта. Две зимы он простоял у причала. " * 4
FRENCH = "Le vieux bac reprendra la mer au printemps, a annoncé lundi le conseil du port. L’été sera là — enfin. " * 4
TURKISH = "Eski vapur ilkbaharda yeniden sefere çıkacak, dedi liman kurulu. İşçiler şaşırdı; ığdır ağacı gibi. " * 4
JAPANESE = "古い渡し船は春に再び運航すると港湾委員会が月曜日に発表した。二冬のあいだ岸壁に係留されていた。" * 6
GREEK = "Το παλιό πλοίο θα ταξιδέψει ξανά την άνοιξη, ανακοίνωσε τη Δευτέρα το συμβούλιο του λιμανιού. " * 4


def page(text: str, head: str = '<meta charset="utf-8">') -> str:
    return f"<html><head>{head}</head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "windows-1251"),
        (RUSSIAN, "koi8-r"),
        (FRENCH, "windows-1252"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc-jp"),
        (GREEK, "windows-1253"),
    ],
)
def test_a_page_that_wrongly_declares_utf8_is_read_right(text: str, encoding: str) -> None:
    found = page_text(page(text).encode(encoding), "text/html; charset=utf-8")
    assert found.text == page(text)
    assert found.witness == "detected"


def test_the_page_s_language_decides_between_latin_encodings() -> None:
    source = page(TURKISH).replace("<html>", '<html lang="tr">')
    found = page_text(source.encode("cp1254"), "text/html; charset=utf-8")
    assert (found.text, found.witness) == (source, "lang")


@pytest.mark.parametrize(
    ("content_type", "head", "witness"),
    [
        ("text/html; charset=windows-1251", "", "header"),
        ('text/html; charset="windows-1251"', "", "header"),
        ("text/html", '<meta charset="windows-1251">', "meta"),
        ("text/html", '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">', "meta"),
        ("text/html; charset=nonsense", '<meta charset="windows-1251">', "meta"),
    ],
)
def test_a_declaration_that_fits_is_followed(content_type: str, head: str, witness: str) -> None:
    source = page(RUSSIAN, head)
    found = page_text(source.encode("windows-1251"), content_type)
    assert (found.text, found.witness) == (source, witness)


def test_utf8_proves_itself_against_a_wrong_declaration() -> None:
    source = page(RUSSIAN, '<meta charset="windows-1251">')
    found = page_text(source.encode(), "text/html; charset=iso-8859-1")
    assert (found.text, found.witness) == (source, "utf-8")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_decides(encoding: str) -> None:
    found = page_text(page(RUSSIAN).encode(encoding), "text/html; charset=koi8-r")
    assert (found.text, found.witness) == (page(RUSSIAN), "bom")


def test_one_broken_byte_does_not_change_the_encoding() -> None:
    found = page_text(page(RUSSIAN).encode() + b"\xd0 ", "text/html; charset=utf-8")
    assert found.text == page(RUSSIAN) + "\ufffd "
    assert (found.encoding, found.witness) == ("utf-8", "replaced")


@given(st.text())
def test_utf8_comes_back_as_it_was(text: str) -> None:
    data = text.encode("utf-8", "replace")
    if not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        assert page_text(data).text == data.decode()


@given(st.binary(max_size=400), st.sampled_from([None, "text/html", "text/html; charset=shift_jis", ";;=charset"]))
def test_any_bytes_become_text(data: bytes, content_type: str | None) -> None:
    assert isinstance(page_text(data, content_type).text, str)
