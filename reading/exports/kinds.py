"""The kinds of export there are."""

from __future__ import annotations

from reading.exports.articles import Articles
from reading.exports.happenings import Ledger
from reading.exports.kind import Kind
from reading.exports.observations import Observations

KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (Articles, Observations, Ledger)}
