"""WACZ packages made by hand: a valid one, and one with one fault for each rule."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.storage.warc_files import EVENT, NAME, Broken, member, packed, warc_1_1

ARCHIVE = f"archive/{NAME}"
INDEX = "indexes/index.cdxj"
PAGES = "pages/pages.jsonl"
PACKAGE = "datapackage.json"
DIGEST = "datapackage-digest.json"
KEY = "example,gazette)/one"
SIGNED = {"created": "2026-11-24T00:00:00Z", "software": "x", "version": "0.1.0", "signature": "c2ln"}


@dataclass
class Package:
    """The files of a package before they are put together; `manifest` and `digest` may change what is made of them."""

    files: dict[str, bytes]
    manifest: Callable[[dict[str, Any]], None] = lambda facts: None
    digest: Callable[[dict[str, Any]], None] = lambda facts: None
    deflated: tuple[str, ...] = (PAGES, INDEX)
    left_out: tuple[str, ...] = ()
    raw: dict[str, bytes] = field(default_factory=dict)

    def bytes(self) -> bytes:
        resources = [
            {
                "name": path.rpartition("/")[2],
                "path": path,
                "hash": "sha256:" + hashlib.sha256(data).hexdigest(),
                "bytes": len(data),
            }
            for path, data in self.files.items()
        ]
        facts: dict[str, Any] = {
            "profile": "data-package",
            "wacz_version": "1.1.1",
            "title": "t",
            "description": "d",
            "created": "2026-11-24T00:00:00Z",
            "modified": "2026-11-24T00:00:00.5+01:00",
            "software": "x/1",
            "mainPageUrl": EVENT,
            "resources": resources,
        }
        self.manifest(facts)
        manifest = self.raw.get(PACKAGE, json.dumps(facts).encode())
        told = {"path": PACKAGE, "hash": "sha256:" + hashlib.sha256(manifest).hexdigest()}
        self.digest(told)
        whole = {**self.files, PACKAGE: manifest, DIGEST: self.raw.get(DIGEST, json.dumps(told).encode())}
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as package:
            for path, data in whole.items():
                if path not in self.left_out:
                    method = zipfile.ZIP_DEFLATED if path in self.deflated else zipfile.ZIP_STORED
                    package.writestr(zipfile.ZipInfo(path), data, method)
        return out.getvalue()

    def index(self, change: Callable[[dict[str, Any]], None], number: int = 0) -> Package:
        """The package with a change in one line of its index."""
        lines = self.files[INDEX].splitlines(keepends=True)
        key, digits, text = lines[number].split(b" ", 2)
        facts = json.loads(text)
        change(facts)
        lines[number] = b" ".join((key, digits, json.dumps(facts).encode())) + b"\n"
        self.files[INDEX] = b"".join(sorted(lines))
        return self


def cdxj() -> bytes:
    """The index of the valid WARC file: its response, revisit, chunked response and resource."""
    records = list(warc_1_1().values())
    lines, offset = [], 0
    for number, made in enumerate(records, 1):
        size = len(member(made.bytes()))
        if number in (4, 6, 7, 8):
            url = made.value("WARC-Target-URI")
            facts = {
                "url": url,
                "mime": "warc/revisit" if number == 6 else "text/html",
                "status": "200",
                "digest": made.value("WARC-Payload-Digest"),
                "length": str(size),
                "offset": offset,
                "filename": NAME,
            }
            key = KEY + ("?again" if number == 6 else "")
            lines.append(f"{key} 20261123180509 {json.dumps(facts)}\n".encode())
        offset += size
    return b"".join(sorted(lines))


def valid() -> Package:
    """A valid package with a plain index."""
    header = {"format": "json-pages-1.0", "id": "pages", "title": "All"}
    page = {"id": "1", "url": EVENT, "ts": "2026-11-23T18:05:09Z", "title": "One"}
    pages = b"".join(json.dumps(one).encode() + b"\n" for one in (header, page))
    return Package({ARCHIVE: packed(warc_1_1().values()), INDEX: cdxj(), PAGES: pages, "logs/crawl.log": b"x"})


def compressed(filename: str = "index.cdx.gz") -> Package:
    """A valid package with a compressed index of two blocks."""
    package = valid()
    lines = package.files.pop(INDEX).splitlines(keepends=True)
    meta = {"format": "cdxj-gzip-1.0", "filename": filename}
    idx, data = [b"!meta 0 " + json.dumps(meta).encode() + b"\n"], b""
    for part in (lines[:2], lines[2:]):
        block = gzip.compress(b"".join(part), mtime=0)
        place = {"offset": len(data), "length": len(block), "digest": "sha256:" + hashlib.sha256(block).hexdigest()}
        key = b" ".join(part[0].split(b" ")[:2])
        idx.append(key + b" " + json.dumps(place | {"filename": filename}).encode() + b"\n")
        data += block
    package.files |= {"indexes/index.cdx.gz": data, "indexes/index.idx": b"".join(idx)}
    return package


def put(**facts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda old: old.update(facts)


def drop(*names: str) -> Callable[[dict[str, Any]], None]:
    def change(facts: dict[str, Any]) -> None:
        for name in names:
            del facts[name]

    return change


def resource(change: Callable[[dict[str, Any]], None], number: int = 3) -> Callable[[dict[str, Any]], None]:
    return lambda facts: change(facts["resources"][number])


def with_files(files: dict[str, bytes], *gone: str) -> Package:
    package = valid()
    package.files = {path: data for path, data in package.files.items() if path not in gone} | files
    return package


def with_pages(*lines: str) -> Package:
    return with_files({PAGES: "".join(line + "\n" for line in lines).encode()})


HEADER = '{"format": "json-pages-1.0"}'
PAGE = f'"url": "{EVENT}", "ts": "2026-11-23T18:05:09Z"'


def packages() -> Iterator[tuple[str, Package, tuple[str, ...]]]:
    """Rule, package, and rules that cannot but be broken beside it."""
    deflated = valid()
    deflated.deflated = (ARCHIVE,)
    yield "zip-recompressed", deflated, ()
    flat = warc_1_1()
    flat["warcinfo"] = flat["warcinfo"].put("WARC-Filename", "x.warc")
    data = b"".join(made.bytes() for made in flat.values())
    no_index = ("index-absent", "index-filename", "filename-other")
    squeezed = with_files({"archive/x.warc": data})
    squeezed.deflated = ("archive/x.warc",)
    yield "zip-not-stored", squeezed, no_index
    yield "archive-missing", with_files({}, ARCHIVE), ("index-filename",)
    yield "archive-foreign", with_files({"archive/readme.txt": b"hello"}), ()
    yield "archive-suffix", with_files({"archive/data.warc": packed(warc_1_1().values())}), no_index
    yield "archive-suffix:plain", with_files({"archive/data.warc.gz": data}), no_index
    yield "index-missing", with_files({}, INDEX), ("page-absent", "package-main-page")
    yield "index-foreign", with_files({"indexes/readme.txt": b"hello"}), ()
    yield "index-line", with_files({INDEX: b"!\n" + cdxj()}), ()
    yield "index-field", valid().index(drop("mime")), ("index-absent",)
    yield "index-field:offset", valid().index(put(offset="x")), ("index-absent",)
    yield "index-sorted", with_files({INDEX: b"".join(reversed(cdxj().splitlines(keepends=True)))}), ()
    yield "index-key", with_files({INDEX: cdxj().replace(b"example,gazette)/one 2", b"example,gazette)/on 2")}), ()
    yield "index-filename", valid().index(put(filename=ARCHIVE)), ("index-absent",)
    yield "index-record", valid().index(put(offset=7)), ("index-absent",)
    yield "index-record:length", valid().index(put(length=7)), ()
    yield "index-url", valid().index(put(url=EVENT + "#x")), ("index-key",)
    yield "index-time", with_files({INDEX: cdxj().replace(b" 20261123180509 ", b" 20261123180510 ")}), ()
    yield "index-digest", valid().index(put(digest="sha256:" + "0" * 64), 1), ()
    yield "index-revisit", valid().index(put(mime="warc/revisit")), ()
    yield "index-absent", with_files({INDEX: b"".join(cdxj().splitlines(keepends=True)[1:])}), ()
    yield "index-meta:name", compressed("other.cdx.gz"), ()
    yield "index-meta:folder", compressed("indexes/index.cdx.gz"), ()
    missing = compressed()
    missing.files["indexes/index.idx"] = missing.files["indexes/index.idx"].split(b"\n", 1)[1]
    yield "index-meta:none", missing, ()
    moved = compressed()
    moved.files["indexes/index.idx"] = moved.files["indexes/index.idx"].replace(b'"offset": 0', b'"offset": 1')
    yield "index-block", moved, ()
    other = compressed()
    other.files["indexes/index.idx"] = other.files["indexes/index.idx"].replace(b'"sha256:', b'"sha256:0')
    yield "index-block:digest", other, ()
    half = compressed()
    half.files["indexes/index.idx"] = b"".join(half.files["indexes/index.idx"].splitlines(keepends=True)[:-1])
    yield "index-block:rest", half, ()
    cut = compressed()
    cut.files["indexes/index.cdx.gz"] = cut.files["indexes/index.cdx.gz"][:-3]
    yield "index-damaged", cut, ("index-block", "index-absent", "index-line")
    yield "pages-missing", with_files({}, PAGES), ()
    yield "pages-foreign", with_files({"pages/readme.txt": b"hello"}), ()
    yield "page-header", with_pages("{" + PAGE + "}"), ()
    yield "page-header:format", with_pages('{"format": "x"}', "{" + PAGE + "}"), ()
    yield "page-line", with_pages(HEADER, "[]"), ()
    yield "page-field:url", with_pages(HEADER, '{"ts": "2026-11-23T18:05:09Z"}'), ()
    yield "page-field:ts", with_pages(HEADER, f'{{"url": "{EVENT}", "ts": "20261123180509"}}'), ()
    yield "page-type", with_pages(HEADER, "{" + PAGE + ', "title": 1}'), ()
    yield "page-absent", with_pages(HEADER, "{" + PAGE.replace("/one", "/two") + "}"), ()
    for rule, change in MANIFESTS:
        package = valid()
        package.manifest = change
        yield rule, package, ("resource-unlisted",) if rule.startswith("resource-missing") else ()
    no_manifest = valid()
    no_manifest.left_out = (PACKAGE,)
    yield "package-missing", no_manifest, ()
    no_object = valid()
    no_object.raw = {PACKAGE: b"[1]"}
    yield "package-json", no_object, ()
    unlisted = valid()
    unlisted.manifest = lambda facts: facts["resources"].pop()
    yield "resource-unlisted", unlisted, ()
    twins = with_files({"logs/a/x": b"1", "logs/b/x": b"2"})
    yield "resource-name", twins, ()
    for rule, change in DIGESTS:
        package = valid()
        package.digest = change
        yield rule, package, ()
    no_digest = valid()
    no_digest.left_out = (DIGEST,)
    yield "digest-missing", no_digest, ()
    bad_digest = valid()
    bad_digest.raw = {DIGEST: b"nothing"}
    yield "digest-json", bad_digest, ()


def sign(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def signed(facts: dict[str, Any]) -> None:
        data: dict[str, Any] = {"hash": facts["hash"], **SIGNED, "publicKey": "a2V5"}
        change(data)
        facts["signedData"] = data

    return signed


MANIFESTS: tuple[tuple[str, Callable[[dict[str, Any]], None]], ...] = (
    ("package-profile", put(profile="wacz")),
    ("package-version", drop("wacz_version")),
    ("package-version:form", put(wacz_version=1)),
    ("package-time", put(created="yesterday")),
    ("package-description", drop("title", "software")),
    ("package-main-page", put(mainPageUrl="http://gazette.example/two")),
    ("resource-list", put(resources={})),
    ("resource-field", resource(drop("name"))),
    ("resource-missing", resource(put(path="logs/other.log"))),
    ("resource-bytes", resource(put(bytes=2))),
    ("resource-hash", resource(put(hash="sha256:" + "0" * 64))),
    ("resource-hash:form", resource(put(hash="none"))),
    ("resource-hash-unknown", resource(put(hash="crc32:00"))),
)
DIGESTS: tuple[tuple[str, Callable[[dict[str, Any]], None]], ...] = (
    ("digest-path", put(path="x.json")),
    ("digest-hash", put(hash="sha256:" + "0" * 64)),
    ("signature-shape", put(signedData={"hash": "x"})),
    ("signature-shape:more", sign(put(extra="x"))),
    ("signature-shape:hash", sign(put(hash="sha256:other"))),
    ("signature-shape:time", sign(put(created="now"))),
)


def zip_files() -> Iterator[Broken]:
    """Files whose ZIP structure is at fault."""
    whole = valid().bytes()
    yield Broken("zip-structure", whole[:-30], None, None, "x.wacz", "cut")
    damaged = bytearray(whole)
    damaged[whole.index(b"logs/crawl.log") + len(b"logs/crawl.log")] ^= 1
    yield Broken("zip-structure", bytes(damaged), None, None, "x.wacz", "bit", ("resource-hash",))
    for rule, name in (("zip-duplicate", "logs/crawl.log"), ("zip-name", "../x")):
        out = io.BytesIO(whole)
        with zipfile.ZipFile(out, "a") as package, warnings.catch_warnings():
            # a name that is there already
            warnings.simplefilter("ignore", UserWarning)
            place = package.start_dir
            package.writestr(name, b"x")
        yield Broken(rule, out.getvalue(), None, place, "x.wacz")
    yield Broken("wacz-suffix", whole, None, None, "x.zip")
    yield Broken("format-zip", foreign_zip(), None, 0, "x.zip")
    out = io.BytesIO(whole)
    with zipfile.ZipFile(out, "a") as package:
        place = package.start_dir
        package.writestr("logs/b", b"x" * 50, zipfile.ZIP_BZIP2)
    yield Broken("zip-method", out.getvalue(), None, place, "x.wacz", also=("resource-unlisted",))


def foreign_zip() -> bytes:
    """A ZIP file that is no package."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("a.txt", b"x")
    return out.getvalue()


PACKAGES = tuple(packages())
