"""The JSON files of a WACZ package held to its specification: datapackage.json, its digest, the lists of pages."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from storage.validation.fieldsyntax import ALGORITHMS

PACKAGE = "datapackage.json"
DIGEST = "datapackage-digest.json"
PAGES = "pages/pages.jsonl"
JSON_LIMIT_BYTES = 64 * 1024 * 1024
_DESCRIPTIVE = ("title", "description", "created", "modified", "software")
_VERSION = re.compile(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?")
_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_HASH = re.compile(r"([A-Za-z0-9-]+):([0-9A-Fa-f]+)")
_SIGNED = {"hash", "created", "software", "version", "signature"}
_ANONYMOUS = _SIGNED | {"publicKey"}
_DOMAIN = _SIGNED | {"domain", "domainCert", "timeSignature", "timestampCert"}
_OPTIONAL = {"crossSignedCert"}

Tell = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the package as it is: its size, and its digests in hex by hashlib name."""

    size_bytes: int
    digests: Mapping[str, str]


def unknown_entry(size_bytes: int, algorithms: Iterable[str]) -> Entry:
    """A file that could not be read: its digests are empty, and are compared with nothing."""
    return Entry(size_bytes, dict.fromkeys(algorithms, ""))


def is_time(value: object) -> bool:
    """Whether it is a time as RFC 3339 writes it."""
    found = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return False
    try:
        datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3].upper()}")
    except ValueError:
        return False
    return True


def json_object(data: bytes) -> dict[str, Any] | None:
    """The JSON object in the bytes, or None when they are something else."""
    try:
        value = orjson.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def wanted_algorithms(package: dict[str, Any] | None) -> set[str]:
    """The hashlib names of the digests that a package gives for its resources; SHA-256 is always among them."""
    wanted = {"sha256"}
    for resource in _resources(package):
        found = _HASH.fullmatch(str(resource.get("hash")))
        if found and (name := _algorithm(found[1])):
            wanted.add(name)
    return wanted


def check_package(package: dict[str, Any], tell: Tell) -> None:
    """Hold what datapackage.json says about the whole to the rules."""
    if package.get("profile") != "data-package":
        more = ", which is of the draft 1.2.0" if package.get("profile") == "wacz" else ""
        tell("package-profile", f"profile is {package.get('profile')!r}{more}")
    version = package.get("wacz_version")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        tell("package-version", f"wacz_version is {version!r}" if "wacz_version" in package else "there is none")
    for name in ("created", "modified"):
        if name in package and not is_time(package[name]):
            tell("package-time", f"{name} is {package[name]!r}")
    missing = [name for name in _DESCRIPTIVE if not package.get(name)]
    if missing:
        tell("package-description", f"it lacks {', '.join(missing)}")


def check_resources(package: dict[str, Any], entries: Mapping[str, Entry], tell: Tell) -> None:
    """Hold the list of resources to the files of the package, both ways."""
    resources = package.get("resources")
    if not isinstance(resources, list) or any(not isinstance(one, dict) for one in resources):
        tell("resource-list", "resources is no list of objects")
        return
    names: set[str] = set()
    listed: set[str] = set()
    for number, resource in enumerate(resources, 1):
        path, name = resource.get("path"), resource.get("name")
        missing = [key for key in ("name", "path", "hash", "bytes") if key not in resource]
        if missing:
            tell("resource-field", f"resource {number}, {path!r}, lacks {', '.join(missing)}")
        if isinstance(name, str) and name in names:
            tell("resource-name", f"resource {number}, {path!r}, has the name {name!r} of another one")
        if not isinstance(path, str) or path not in entries or path in listed:
            problem = "is listed twice" if path in listed else "is not in the package"
            tell("resource-missing", f"{path!r} {problem}")
            continue
        names.add(str(name))
        listed.add(path)
        _check_resource(resource, path, entries[path], tell)
    for path in entries.keys() - listed - {PACKAGE, DIGEST}:
        tell("resource-unlisted", f"{path} is no resource")


def check_digest(data: bytes, package_data: bytes, tell: Tell) -> None:
    """Hold datapackage-digest.json to datapackage.json."""
    digest = json_object(data)
    if digest is None:
        tell("digest-json", "it is no JSON object")
        return
    if digest.get("path") != PACKAGE:
        tell("digest-path", f"path is {digest.get('path')!r}")
    found = _HASH.fullmatch(str(digest.get("hash")))
    name = _algorithm(found[1]) if found else None
    if not found or name is None:
        tell("digest-hash", f"hash is {digest.get('hash')!r}")
    elif hashlib.new(name, package_data, usedforsecurity=False).hexdigest() != found[2].lower():
        tell("digest-hash", "it is the hash of other bytes")
    if "signedData" in digest:
        _check_signature(digest["signedData"], digest.get("hash"), tell)


def check_pages(
    lines: Iterable[tuple[int, bytes]], *, main: bool, urls: set[int], tell: Callable[[str, str, int], None]
) -> None:
    """Hold a list of pages to the rules; `main` is whether it is pages.jsonl, `urls` are hashes of those indexed."""
    count = 0
    for offset, line in lines:
        if not line.strip():
            continue
        count += 1
        page = json_object(line)
        if page is None:
            tell("page-line", f"line {count} is no JSON object", offset)
        elif count == 1 and "url" not in page:
            if page.get("format") != "json-pages-1.0":
                tell("page-header", f"the format of the list is {page.get('format')!r}", offset)
        else:
            if count == 1:
                tell("page-header", "the list has no header line", offset)
            for rule, message in _page_problems(page, urls):
                tell(rule, f"line {count}: {message}", offset)
    if not count and main:
        tell("page-header", "the list is empty", 0)


def _page_problems(page: dict[str, Any], urls: set[int]) -> Iterator[tuple[str, str]]:
    url = page.get("url")
    if not isinstance(url, str) or not url:
        yield "page-field", "it has no url"
    elif hash(url) not in urls and hash(url.partition("#")[0]) not in urls:
        yield "page-absent", f"{url} is in no index"
    if not is_time(page.get("ts")):
        yield "page-field", f"ts is {page['ts']!r}" if "ts" in page else "it has no ts"
    wrong: list[str] = [name for name in ("title", "id", "text") if not isinstance(page.get(name), str | None)]
    size = page.get("size", 0)
    if not isinstance(size, int) or isinstance(size, bool):
        wrong.append("size")
    if wrong:
        yield "page-type", f"{', '.join(wrong)} of another type"


def _resources(package: dict[str, Any] | None) -> list[dict[str, Any]]:
    resources = (package or {}).get("resources")
    return [one for one in resources if isinstance(one, dict)] if isinstance(resources, list) else []


def _check_resource(resource: dict[str, Any], path: str, entry: Entry, tell: Tell) -> None:
    size = resource.get("bytes")
    if "bytes" in resource and (size != entry.size_bytes or isinstance(size, bool)):
        tell("resource-bytes", f"{path} has {entry.size_bytes} bytes, not {size!r}")
    if "hash" not in resource:
        return
    found = _HASH.fullmatch(str(resource["hash"]))
    name = _algorithm(found[1]) if found else None
    if not found:
        tell("resource-hash", f"{path}: {resource['hash']!r} is no hash")
    elif name is None:
        tell("resource-hash-unknown", f"{path} is not verified: {found[1]} is not known here")
    elif entry.digests[name] and entry.digests[name] != found[2].lower():
        tell("resource-hash", f"{path} has the {name} {entry.digests[name]}")


def _algorithm(label: str) -> str | None:
    lower = label.lower()
    name = ALGORITHMS.get(lower) or ALGORITHMS.get(lower.replace("sha-", "sha"))
    return name if name in hashlib.algorithms_available else None


def _check_signature(signed: object, digest: object, tell: Tell) -> None:
    if not isinstance(signed, dict):
        tell("signature-shape", "signedData is no object")
        return
    keys = set(signed)
    if keys != _ANONYMOUS and keys - _OPTIONAL != _DOMAIN:
        shape = _DOMAIN if "domain" in keys or "domainCert" in keys else _ANONYMOUS
        missing, foreign = sorted(shape - keys), sorted(keys - shape - (_OPTIONAL if shape is _DOMAIN else set()))
        tell("signature-shape", f"signedData lacks {missing} and has {foreign} beyond the shape")
        return
    if any(not isinstance(value, str) or not value for value in signed.values()):
        tell("signature-shape", "a value of signedData is no text")
    elif signed["hash"] != digest:
        tell("signature-shape", "signedData signs another hash")
    elif not is_time(signed["created"]):
        tell("signature-shape", f"created is {signed['created']!r}")
