"""The documents that are generated from the record's model: a JSON Schema and a data dictionary.

python -m pipelines.schema --write docs     write docs/record.schema.json and docs/record.md
python -m pipelines.schema --check docs     exit code 1 when they are not those of the model
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from pipelines.article import SCHEMA_VERSION, ArticleRecord
from pipelines.observation import ObservationRecord

DIALECT = "https://json-schema.org/draft/2020-12/schema"
INTRODUCTION = f"""# The record

Generated from the model by `make docs`; schema version {SCHEMA_VERSION}. [record.schema.json](record.schema.json) is
the same for programs.

One JSON object a line. Names are camelCase: schema.org's where it has one, then those of WARC and CDXJ for where the
bytes are. Dates are ISO 8601 with the offset that the newsroom gave; what stood there is kept as `…Raw`. All keys of an
article are always there; what the page does not say is null or an empty list.
"""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a line of a records file: an article version or an observation."""
    article = ArticleRecord.model_json_schema(by_alias=True, mode="serialization")
    observation = ObservationRecord.model_json_schema(by_alias=True, mode="serialization")
    parts = article.pop("$defs", {}) | observation.pop("$defs", {})
    return {
        "$schema": DIALECT,
        "title": "A line of a Newsark records file",
        "anyOf": [{"$ref": "#/$defs/ArticleRecord"}, {"$ref": "#/$defs/ObservationRecord"}],
        "$defs": {**parts, "ArticleRecord": _nullable(article), "ObservationRecord": observation},
    }


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Lists of an article are null on a page that could not be read at all, since every key is always there."""
    for value in schema["properties"].values():
        if value.get("type") == "array":
            value["type"] = ["array", "null"]
    return schema


def dictionary() -> str:
    """The data dictionary as Markdown: each field with its type and its sentence."""
    schema = json_schema()["$defs"]
    parts = [INTRODUCTION]
    for name in ("ArticleRecord", "ObservationRecord", *sorted(set(schema) - {"ArticleRecord", "ObservationRecord"})):
        model = schema[name]
        parts.append(
            f"\n## {name}\n\n{model.get('description', '').strip()}\n\n| field | type | meaning |\n|---|---|---|\n"
        )
        parts += [
            f"| `{field}` | {_type(value)} | {value.get('description', '')} |\n"
            for field, value in model["properties"].items()
        ]
    return "".join(parts)


def _type(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        return str(value["$ref"]).rpartition("/")[2]
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_type(one) for one in value["anyOf"]))
    if "const" in value:
        return f"`{value['const']}`"
    kinds = value.get("type", "any")
    kind = next((one for one in kinds if one != "null"), "any") if isinstance(kinds, list) else str(kinds)
    if kind == "array":
        return f"list of {_type(value.get('items', {}))}"
    return kind


def _documents() -> dict[str, bytes]:
    schema = orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return {"record.schema.json": schema, "record.md": dictionary().encode()}


def main() -> int:
    """Write or check the documents; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.schema", description="The record's generated documents.")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--write", type=Path, metavar="DIR")
    chosen.add_argument("--check", type=Path, metavar="DIR")
    options = parser.parse_args()
    stale = []
    for name, data in _documents().items():
        path = (options.write or options.check) / name
        if options.write:
            path.write_bytes(data)
        elif not path.is_file() or path.read_bytes() != data:
            stale.append(str(path))
    if stale:
        sys.stderr.write(f"not what the model says: {', '.join(stale)}; run make docs\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
