"""A newsroom's year on a fake clock: what was scripted, what the ledger tells of it, and how soon.

python benchmarks/year.py [--articles 400] [--days 365] [--json]

The real crawler watches two sites on loopback whose clock jumps to whatever falls due next. tests/year/script.py has
edits loud and silent, headline changes, removals of eight kinds, restorations, moves, paywalls, a redesign, a donation
banner with new words every week, an outage of a day, a wall for robots for three, and a second newsroom whose domain
is gone. Ends with 1 when something scripted is missing from the ledger, or when the ledger tells of something that was
not scripted. tests/test_year.py asserts the same of fewer articles.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.year.comparison import SOURCES, compared, table
from tests.year.paper import Paper
from tests.year.script import DAY, GONE, START, Article, written
from tests.year.watching import watch


def main() -> None:
    """Write the script, watch it, compare."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--articles", type=int, default=400)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    articles = written(chosen.articles, chosen.days)
    papers = [Paper(articles), Paper([Article(900 + n, START) for n in range(12)], GONE, calm=True)]
    with tempfile.TemporaryDirectory() as directory:
        watched = watch(Path(directory) / "archive", papers, chosen.days)
    result = compared(articles, watched.entries, START + chosen.days * DAY)
    requests = sum(paper.requests for paper in papers)
    facts: dict[str, Any] = {
        "seconds": round(watched.seconds, 1),
        "requests": requests,
        "bytes": watched.size_bytes,
        "catalogue_bytes_per_request": watched.catalogue_bytes // requests,
        "memory_mb_and_files_by_month": watched.memory,
        "found": {kind: len(some) for kind, some in sorted(result.seen.items())},
        "missed": len(result.missed),
        "false": dict(Counter(entry.kind for entry in result.false)),
        "sources": result.sources,
    }
    if not chosen.json:
        print("\n".join(table(result)))
        for path, one in result.missed[:10]:
            print(f"missed: {path} {one}")
        for entry in result.false[:10]:
            print(f"not scripted: {entry.as_json()}")
    print(json.dumps(facts))
    wrong = result.missed or result.false or (chosen.days == 365 and sorted(result.sources) != sorted(SOURCES))
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
