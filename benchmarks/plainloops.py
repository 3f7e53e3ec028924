"""What others write to turn WARC files into texts: a loop over the records with an extractor in it, a file a process.

    python benchmarks/plainloops.py warcio|fastwarc PROCESSES OUTPUT FILE …

As jobs over Common Crawl are built (cc-pyspark, datatrove): each response that is HTML goes to trafilatura, with
metadata, and what comes of it becomes a JSON line. Nothing else is kept, compared or checked. Run by `importing.py` and
`reextract.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from trafilatura import extract

Pages = Callable[[Path], Iterator[tuple[str, bytes]]]


def by_warcio(path: Path) -> Iterator[tuple[str, bytes]]:
    """URL and body of each HTML response, read by warcio."""
    from warcio.archiveiterator import ArchiveIterator

    with path.open("rb") as file:
        for record in ArchiveIterator(file):
            if record.rec_type == "response" and "html" in (record.http_headers.get_header("Content-Type") or ""):
                yield record.rec_headers.get_header("WARC-Target-URI"), record.content_stream().read()


def by_fastwarc(path: Path) -> Iterator[tuple[str, bytes]]:
    """The same, read by FastWARC."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    for record in ArchiveIterator(str(path), record_types=WarcRecordType.response, auto_decode="all"):
        if "html" in (record.http_headers.get("Content-Type") or ""):
            yield record.headers.get("WARC-Target-URI"), record.reader.read()


READERS: dict[str, Pages] = {"warcio": by_warcio, "fastwarc": by_fastwarc}


def main(reader: str, processes: int, output: Path, files: Sequence[Path]) -> None:
    """Write the lines; print how many."""
    work = partial(_lines, reader, output)
    if processes == 1:
        counts = [work(path) for path in files]
    else:
        with ProcessPoolExecutor(processes) as pool:
            counts = list(pool.map(work, files))
    print(json.dumps({"texts": sum(counts)}))


def _lines(reader: str, output: Path, path: Path) -> int:
    count = 0
    with (output / f"{path.name}.jsonl").open("w") as lines:
        for url, body in READERS[reader](path):
            text = extract(body, url=url, output_format="json", with_metadata=True)
            if text is not None:
                lines.write(text + "\n")
                count += 1
    return count


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), [Path(name) for name in sys.argv[4:]])
