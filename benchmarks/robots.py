"""robots.txt rules against a file of published cases; exit 1 when one of them disagrees.

    python benchmarks/robots.py --corpus FILE

FILE is a JSON list of `{"test", "robots", "agent", "url", "allowed"}`, such as the cases of google/robotstxt.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from crawler.robotstxt import RobotsRules


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    args = parser.parse_args()
    agreed, asked = Counter[str](), Counter[str]()
    for case in json.loads(args.corpus.read_text(encoding="utf-8")):
        verdict = RobotsRules.parse(case["robots"].encode()).allowed(case["url"], case["agent"])
        asked[case["test"]] += 1
        agreed[case["test"]] += verdict.allowed == case["allowed"]
        if verdict.allowed != case["allowed"]:
            print(f"DISAGREES {case['robots']!r} {case['agent']} {case['url']}: {verdict}")
    for test, count in asked.items():
        print(f"{agreed[test]:4} of {count:3}  {test}")
    print(f"{agreed.total()} of {asked.total()} agree")
    return 0 if agreed == asked else 1


if __name__ == "__main__":
    sys.exit(main())
