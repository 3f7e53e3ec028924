"""What an export says of itself: a Frictionless data package and Croissant metadata beside the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reading.exports.columns import COLUMNS, Column

PACKAGE, CROISSANT = "datapackage.json", "croissant.json"
MEDIA_TYPES = {
    "jsonl": "application/x-ndjson",
    "jsonl.gz": "application/gzip",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
_CROISSANT_TYPES = {
    "string": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "datetime": "sc:Date",
    "list": "sc:Text",
}


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file of an export; `sha256` is of all of it, in hex."""

    name: str
    rows: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the files came from: the query, when it was asked, and what the archive held then."""

    form: str
    query: Mapping[str, Any]
    asked_at: datetime
    archive: str
    software: str
    versions_held: int
    newest_capture: datetime | None


def data_package(files: Sequence[ExportedFile], told: Told) -> dict[str, Any]:
    """The export as a Frictionless data package (Data Package 2.0): every file with its digest, the table's fields, and
    under `newsark` what is needed to ask for the same again."""
    resources = [
        {
            "name": file.name.partition(".")[0].lower(),
            "path": file.name,
            "format": told.form.partition(".")[0],
            "mediatype": MEDIA_TYPES[told.form],
            "encoding": "utf-8",
            "bytes": file.size_bytes,
            "hash": f"sha256:{file.sha256}",
            **({} if told.form.startswith("jsonl") else {"schema": _schema(told.form)}),
        }
        for file in files
    ]
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "newsark-export",
        "title": f"Articles of {told.archive}",
        "created": _iso(told.asked_at),
        "resources": resources,
        "newsark": {
            "software": told.software,
            "archive": told.archive,
            "query": dict(told.query),
            "rows": sum(file.rows for file in files),
            "versionsHeld": told.versions_held,
            "newestCapture": _iso(told.newest_capture) if told.newest_capture else None,
        },
    }


def _schema(form: str) -> dict[str, Any]:
    fields = [{"name": one.name, "type": _type(one, form), "description": one.description} for one in COLUMNS]
    return {"fields": fields, "primaryKey": ["id"]}


def _type(column: Column, form: str) -> str:
    if column.type == "list":
        return "array" if form == "parquet" else "string"
    return column.type


def croissant(files: Sequence[ExportedFile], told: Told) -> dict[str, Any]:
    """The same as Croissant 1.0 (docs.mlcommons.org/croissant), for those who look for data sets to learn from."""
    distribution = [
        {
            "@type": "cr:FileObject",
            "@id": file.name,
            "name": file.name,
            "contentUrl": file.name,
            "contentSize": f"{file.size_bytes} B",
            "encodingFormat": MEDIA_TYPES[told.form],
            "sha256": file.sha256,
        }
        for file in files
    ]
    records = [_record_set(file.name) for file in files] if not told.form.startswith("jsonl") else []
    return {
        "@context": {
            "@language": "en",
            "@vocab": "https://schema.org/",
            "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "conformsTo": "http://purl.org/dc/terms/conformsTo",
            "recordSet": "cr:recordSet",
            "field": "cr:field",
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
            "source": "cr:source",
            "fileObject": "cr:fileObject",
            "extract": "cr:extract",
            "column": "cr:column",
            "repeated": "cr:repeated",
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "newsark-export",
        "description": f"Articles of {told.archive}, exported by {told.software}",
        "dateCreated": _iso(told.asked_at),
        "distribution": distribution,
        "recordSet": records,
    }


def _record_set(file: str) -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{file}/{one.name}",
            "name": one.name,
            "description": one.description,
            "dataType": _CROISSANT_TYPES[one.type],
            **({"repeated": True} if one.type == "list" else {}),
            "source": {"fileObject": {"@id": file}, "extract": {"column": one.name}},
        }
        for one in COLUMNS
    ]
    return {"@type": "cr:RecordSet", "@id": file.partition(".")[0], "name": file.partition(".")[0], "field": fields}


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
