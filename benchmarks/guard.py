"""The guard against collections of hostile and odd URLs: every one is refused, or means what a browser means.

    python benchmarks/guard.py --corpus DIR [--verbose]

DIR holds `url/ssrf-urls.txt` (URLs that try to reach private addresses, one a line; nothing is fetched) and
`url/whatwg-urltestdata.json` (web-platform-tests). Exit 1 when an address that is not public gets through, or
when a URL is read as another host or port than the WHATWG standard's.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crawler.guard import Guard
from crawler.weburl import DEFAULT_PORTS, WebUrl, parse_web_url, resolve
from storage.errors import Refused


def check_hostile(path: Path, verbose: bool) -> int:
    """Number of lines that the guard lets through to an address that is not public."""
    guard, verdicts, failures = Guard(()), Counter[str](), 0
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            guarded = guard.check_url(line)
        except Refused as refused:
            verdict = f"refused: {refused.rule}"
        else:
            verdict = "public address" if guarded.is_address else "name, its address is checked at each connection"
            if guarded.is_address and not ipaddress.ip_address(guarded.host).is_global:
                verdict, failures = "LET THROUGH", failures + 1
            other = urlsplit(guarded.url)
            if (other.hostname, other.port or DEFAULT_PORTS[other.scheme]) != (guarded.host, guarded.port):
                verdict, failures = "READ IN TWO WAYS", failures + 1
        verdicts[verdict] += 1
        if verbose or verdict.isupper():
            print(f"{verdict:50} {line}")
    for verdict, count in verdicts.most_common():
        print(f"{count:5}  {verdict}")
    return failures


def check_standard(path: Path, verbose: bool) -> int:
    """Number of URLs read as another host or port than the standard's, or read though the standard fails."""
    verdicts, failures = Counter[str](), 0
    for case in json.loads(path.read_text(encoding="utf-8")):
        if not isinstance(case, dict) or not _is_about_the_web(case):
            continue
        verdict = _compare(case)
        failures += verdict.isupper()
        verdicts[verdict] += 1
        if verdict.isupper() or (verbose and verdict != "the same"):
            print(f"{verdict:50} {case['input']!r} on {case['base']!r}: {case.get('href', 'failure')!r}")
    for verdict, count in verdicts.most_common():
        print(f"{count:5}  {verdict}")
    return failures


def _is_about_the_web(case: dict[str, Any]) -> bool:
    """Cases of http and https; a base of another scheme is no page that a crawler reads."""
    base_is_web = case["base"] is None or case["base"].startswith("http")
    return base_is_web and (bool(case.get("failure")) or case["protocol"] in ("http:", "https:"))


def _compare(case: dict[str, Any]) -> str:
    try:
        found = resolve(case["base"], case["input"]) if case["base"] else parse_web_url(case["input"])
    except Refused:
        return "refused, as the standard fails" if case.get("failure") else "refused, though the standard accepts it"
    if case.get("failure"):
        return "READ, THOUGH THE STANDARD FAILS"
    if _place(found) != (case["protocol"], case["hostname"], case["port"]):
        return "READ AS ANOTHER HOST OR PORT"
    return (
        "the same" if str(found) == case["href"].partition("#")[0] else "the same host and port, another path or query"
    )


def _place(url: WebUrl) -> tuple[str, str, str]:
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}:", host, "" if url.port == DEFAULT_PORTS[url.scheme] else str(url.port)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--verbose", action="store_true", help="print every verdict")
    args = parser.parse_args()
    print("hostile URLs")
    failures = check_hostile(args.corpus / "url" / "ssrf-urls.txt", args.verbose)
    print("WHATWG cases of http and https")
    failures += check_standard(args.corpus / "url" / "whatwg-urltestdata.json", args.verbose)
    print("ok" if not failures else f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
