"""The rules that a WACZ package is held to, as data: WACZ 1.1.1, with CDXJ 0.1.0 and WACZ Auth 0.1.0.

What the specification marks MUST is an error; what it marks SHOULD, or shows by example only, is a warning.
"""

from __future__ import annotations

from typing import Final

from storage.validation.faults import Rule, Severity

_ROWS: Final[tuple[tuple[str, Severity, str, str], ...]] = (
    ("zip-structure", "error", "WACZ 1.1.1, Zip Format", "The package is a standard ZIP file that can be read whole."),
    ("zip-duplicate", "error", "WACZ 1.1.1, Zip Format", "A name stands once in the ZIP file."),
    ("zip-name", "error", "WACZ 1.1.1, Directory Layout", "Names are relative paths that stay inside the package."),
    ("zip-method", "error", "WACZ 1.1.1, Zip Compression", "Files are stored or deflated, and not encrypted."),
    ("zip-recompressed", "error", "WACZ 1.1.1, Zip Compression", "Compressed files are not compressed again."),
    ("zip-not-stored", "warning", "WACZ 1.1.1, Zip Compression", "All files of archive/ are stored."),
    ("wacz-suffix", "error", "WACZ 1.1.1, Zip Format File Extension", "The name ends in .wacz."),
    ("archive-missing", "error", "WACZ 1.1.1, archive", "archive/ holds a WARC file."),
    ("archive-foreign", "error", "WACZ 1.1.1, Other files", "archive/ holds WARC files only."),
    ("archive-suffix", "error", "WACZ 1.1.1, archive", "Names of WARC files in gzip end in .warc.gz."),
    ("index-missing", "error", "WACZ 1.1.1, indexes", "indexes/ holds a CDXJ index."),
    ("index-foreign", "error", "WACZ 1.1.1, Other files", "indexes/ holds indexes only."),
    ("index-line", "error", "CDXJ 0.1.0", "A line is a key, a timestamp and a JSON object."),
    ("index-damaged", "error", "WACZ 1.1.1, indexes", "A compressed index is gzip that can be unpacked whole."),
    ("index-field", "error", "CDXJ 0.1.0", "A line has url, digest, mime, filename, offset, length and status."),
    ("index-sorted", "error", "CDXJ 0.1.0", "The lines stand in byte order."),
    ("index-key", "warning", "CDXJ 0.1.0", "The key is the sort-friendly form of the url."),
    ("index-filename", "error", "CDXJ 0.1.0", "filename is the name of a file in archive/."),
    ("index-record", "error", "CDXJ 0.1.0", "At offset, with that length, stands a record."),
    ("index-url", "error", "CDXJ 0.1.0", "The record there has that url as WARC-Target-URI."),
    ("index-time", "error", "CDXJ 0.1.0", "The timestamp is the record's WARC-Date."),
    ("index-digest", "error", "CDXJ 0.1.0", "The digest is the record's payload digest."),
    ("index-revisit", "error", "CDXJ 0.1.0", "mime is warc/revisit for revisits, and only for them."),
    ("index-absent", "warning", "WACZ 1.1.1, indexes", "Every response, resource and revisit can be looked up."),
    ("index-meta", "error", "WACZ 1.1.1, Processing Model", "The !meta line of an .idx names its compressed index."),
    ("index-block", "error", "WACZ 1.1.1, Processing Model", "The lines of an .idx lead to the blocks of its index."),
    ("pages-missing", "error", "WACZ 1.1.1, pages.jsonl", "pages/pages.jsonl is there."),
    ("pages-foreign", "error", "WACZ 1.1.1, Other files", "pages/ holds .jsonl files only."),
    ("page-header", "warning", "WACZ 1.1.1, pages.jsonl", "A page list begins with a line of format json-pages-1.0."),
    ("page-line", "error", "WACZ 1.1.1, pages.jsonl", "A line is a JSON object."),
    ("page-field", "error", "WACZ 1.1.1, pages.jsonl", "A page has a url and a ts, which is an RFC 3339 time."),
    ("page-type", "warning", "WACZ 1.1.1, pages.jsonl", "title, id and text are strings, size is a number."),
    ("page-absent", "warning", "WACZ 1.1.1, Processing Model", "A page can be looked up in the index."),
    ("package-missing", "error", "WACZ 1.1.1, datapackage.json", "datapackage.json stands at the root."),
    ("package-json", "error", "WACZ 1.1.1, datapackage.json", "datapackage.json is a JSON object."),
    ("package-profile", "error", "WACZ 1.1.1, datapackage.json", "profile is data-package."),
    ("package-version", "error", "WACZ 1.1.1, datapackage.json", "wacz_version is there, such as 1.1.1."),
    ("package-time", "error", "WACZ 1.1.1, datapackage.json", "created and modified are RFC 3339 times."),
    ("package-description", "warning", "WACZ 1.1.1, datapackage.json", "It says what it holds and who made it."),
    ("package-main-page", "warning", "WACZ 1.1.1, datapackage.json", "mainPageUrl can be looked up in the index."),
    ("resource-list", "error", "WACZ 1.1.1, datapackage.json", "resources is a list of objects."),
    ("resource-field", "error", "WACZ 1.1.1, datapackage.json", "A resource has name, path, hash and bytes."),
    ("resource-name", "error", "Frictionless Data Resource v1, name", "Names of resources are unique."),
    ("resource-missing", "error", "WACZ 1.1.1, datapackage.json", "A resource's path is in the package, once listed."),
    ("resource-bytes", "error", "WACZ 1.1.1, datapackage.json", "bytes is the size of the file."),
    ("resource-hash", "error", "WACZ 1.1.1, datapackage.json", "hash is that of the file."),
    ("resource-hash-unknown", "warning", "WACZ 1.1.1, datapackage.json", "The hash can be computed here."),
    ("resource-unlisted", "error", "WACZ 1.1.1, Other files", "Every file of the package is a resource."),
    ("digest-missing", "warning", "WACZ 1.1.1, datapackage-digest.json", "datapackage-digest.json is there."),
    ("digest-json", "error", "WACZ 1.1.1, datapackage-digest.json", "It is a JSON object."),
    ("digest-path", "error", "WACZ 1.1.1, datapackage-digest.json", "Its path is datapackage.json."),
    ("digest-hash", "error", "WACZ 1.1.1, datapackage-digest.json", "Its hash is that of datapackage.json."),
    ("signature-shape", "error", "WACZ Auth 0.1.0", "signedData is one of the two shapes, and signs that hash."),
)

WACZ_RULES: Final[dict[str, Rule]] = {
    name: Rule(name, severity, clause, sentence) for name, severity, clause, sentence in _ROWS
}
