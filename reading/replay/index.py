"""The catalogue as an index of pywb: lines by SURT key and time, each naming the object that has the bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pywb.warcserver.index.cdxobject import CDXObject
from pywb.warcserver.index.indexsource import BaseIndexSource

from storage.captures import captures_between
from storage.catalogue import Catalogue
from storage.cdxj import index_line

NAME = "newsark:catalogue"


class CatalogueIndex(BaseIndexSource):  # type: ignore[misc]  # pywb publishes no types
    """Answers pywb's lookups, exact ones and those of a prefix, a host or a domain, from the captures known now."""

    catalogue: Catalogue

    def load_index(self, params: Mapping[str, Any]) -> Iterator[CDXObject]:
        """The lines between `key` and `end_key`, in order; read as they are asked for."""
        first, end = (params[name].decode("utf-8", "replace") for name in ("key", "end_key"))
        return self._lines(first, end)

    def _lines(self, first: str, end: str) -> Iterator[CDXObject]:
        with self.catalogue.begin() as connection:
            for source_id, capture in captures_between(connection, first, end):
                line = index_line(capture)
                if line is not None:
                    found = CDXObject(line.rstrip(b"\n"))
                    # the whole key of the object: what pywb asks the holdings for
                    found["filename"] = capture.key
                    found["newsroom"] = source_id
                    yield found

    @classmethod
    def over(cls, catalogue: Catalogue) -> type[CatalogueIndex]:
        """The index of one catalogue, as a class: pywb makes its sources from words of its configuration."""
        return type("OpenCatalogueIndex", (cls,), {"catalogue": catalogue})

    @classmethod
    def init_from_string(cls, value: str) -> CatalogueIndex | None:
        """As pywb asks each kind of source whether a word of the configuration is its own."""
        return cls() if value == NAME else None

    @classmethod
    def init_from_config(cls, config: Mapping[str, Any]) -> None:  # noqa: ARG003 - the signature is pywb's
        """Nothing but the word is known."""
        return

    def __str__(self) -> str:
        return "catalogue"
