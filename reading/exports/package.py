"""What an export says of itself: a Frictionless data package and Croissant metadata beside the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reading.exports.columns import Column

PACKAGE, CROISSANT, IDS, GONE = "datapackage.json", "croissant.json", "ids.txt.gz", "gone.csv"
MEDIA_TYPES = {
    "jsonl": "application/x-ndjson",
    "jsonl.gz": "application/gzip",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "txt.gz": "application/gzip",
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
    """One file of an export; `sha256` is of all of it, in hex. `columns` are those of a table, none for other forms."""

    name: str
    rows: int
    size_bytes: int
    sha256: str
    columns: tuple[Column, ...] = ()

    @property
    def form(self) -> str:
        """What its name ends with."""
        return self.name.partition(".")[2]

    @property
    def stem(self) -> str:
        """Its name without that."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Told:
    """What the files came from: the query, when it was asked, and what the archive held then.

    `since` says of a delta which export it goes on from.
    """

    what: str
    form: str
    query: Mapping[str, Any]
    asked_at: datetime
    archive: str
    archive_created: str | None
    software: str
    versions_held: int
    newest_capture: datetime | None
    since: Mapping[str, str] | None = None

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"{self.what.capitalize()} of {self.archive}"


def data_package(files: Sequence[ExportedFile], lists: Sequence[ExportedFile], told: Told) -> dict[str, Any]:
    """The export as a Frictionless data package (Data Package 2.0): every file with its digest, the table's fields, and
    under `newsark` what is needed to ask for the same again. `lists` are the files that are not of the table's rows."""
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "newsark-export",
        "title": told.title,
        "created": _iso(told.asked_at),
        "resources": [_resource(file) for file in (*files, *lists)],
        "newsark": {
            "software": told.software,
            "archive": told.archive,
            "archiveCreated": told.archive_created,
            "what": told.what,
            "format": told.form,
            "query": dict(told.query),
            "rows": sum(file.rows for file in files),
            **{file.stem: file.rows for file in lists},
            "since": dict(told.since) if told.since else None,
            "versionsHeld": told.versions_held,
            "newestCapture": _iso(told.newest_capture) if told.newest_capture else None,
        },
    }


def _resource(file: ExportedFile) -> dict[str, Any]:
    return {
        "name": file.stem.lower(),
        "path": file.name,
        "format": file.form.partition(".")[0],
        "mediatype": MEDIA_TYPES[file.form],
        "encoding": "utf-8",
        "bytes": file.size_bytes,
        "hash": f"sha256:{file.sha256}",
        **({"schema": _schema(file)} if file.columns else {}),
    }


def _schema(file: ExportedFile) -> dict[str, Any]:
    fields = [{"name": one.name, "type": _type(one, file.form), "description": one.description} for one in file.columns]
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
            "encodingFormat": MEDIA_TYPES[file.form],
            "sha256": file.sha256,
        }
        for file in files
    ]
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
        "description": f"{told.title}, exported by {told.software}",
        "dateCreated": _iso(told.asked_at),
        "distribution": distribution,
        "recordSet": [_record_set(file) for file in files if file.columns],
    }


def _record_set(file: ExportedFile) -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{file.name}/{one.name}",
            "name": one.name,
            "description": one.description,
            "dataType": _CROISSANT_TYPES[one.type],
            **({"repeated": True} if one.type == "list" else {}),
            "source": {"fileObject": {"@id": file.name}, "extract": {"column": one.name}},
        }
        for one in file.columns
    ]
    return {"@type": "cr:RecordSet", "@id": file.stem, "name": file.stem, "field": fields}


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
