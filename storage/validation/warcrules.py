"""The rules that a WARC file is held to, as data: WARC 1.1 (ISO 28500:2017) and 1.0 (ISO 28500:2009).

Clauses are those of the 2017 edition; where 1.0 asks for something else, the sentence says so. `#n` is an issue
of iipc/warc-specifications, printed as annotation in its "WARC 1.1 + community annotations". What a clause
only recommends, or what the community recommends, is a warning.
"""

from __future__ import annotations

from typing import Final

from storage.validation.faults import Rule, Severity

_ISO = "ISO 28500:2017"

_ROWS: Final[tuple[tuple[str, Severity, str, str], ...]] = (
    # The file: what it is, and its gzip members
    ("format-empty", "error", "4", "A WARC file holds at least one record."),
    ("format-arc", "error", "4", "ARC is the format before WARC and another one."),
    ("format-gzip", "error", "4", "Below the compression stand WARC records."),
    ("format-zstd", "error", "annex D", "The compression of a WARC file is gzip."),
    ("format-zip", "error", "4", "A ZIP file without datapackage.json is no WACZ, and no WARC."),
    ("format-html", "error", "4", "An HTML page is no WARC file."),
    ("format-other", "error", "4", "A WARC file begins with the version line of a record."),
    ("file-suffix", "warning", "annex D; annex C", "The name ends in .warc, or in .warc.gz when it is compressed."),
    ("truncated", "error", "4", "The last record and the last gzip member are whole."),
    ("bytes-between", "error", "4", "Between two records stands nothing."),
    ("trailing-bytes", "error", "4", "After the last record stands nothing."),
    ("gzip-header", "error", "annex D; RFC 1952, 2.3", "A gzip member begins with a header that RFC 1952 defines."),
    ("gzip-data", "error", "annex D; RFC 1951", "The deflate data of a member can be unpacked."),
    ("gzip-crc", "error", "annex D; RFC 1952, 2.3.1", "The CRC-32 of a member is that of what it unpacks to."),
    ("gzip-length", "error", "annex D; RFC 1952, 2.3.1", "The length at the end of a member is what it unpacks to."),
    # Annex D only recommends one record a member; but at an index's offset nothing else can be read.
    ("gzip-shared-member", "error", "annex D", "A gzip member holds one record and no more."),
    ("gzip-split-record", "error", "annex D", "A record stands in one gzip member."),
    ("gzip-empty-member", "warning", "annex D", "Every gzip member holds a record."),
    # The frame of a record
    ("version", "error", "4", "The version is WARC/1.0 or WARC/1.1."),
    ("version-draft", "warning", "4", "Versions 0.16 to 0.18 are drafts; they are held to the rules of 1.0."),
    ("header-line-end", "error", "4", "Every line of a header ends with CRLF."),
    ("header-end", "error", "4", "A header ends with an empty line and has at most 1 MiB."),
    ("record-end", "error", "4; 5.3", "A block has Content-Length octets; two CRLF follow, then the next record."),
    # Named fields
    ("field-line", "error", "4", "A header line is a name, a colon and a value."),
    ("field-name", "error", "4", "A field's name is a token."),
    ("field-value", "error", "4", "A field's value has no control characters."),
    ("field-utf8", "error", "4", "A field's value is UTF-8."),
    ("field-folded", "warning", "4, #74", "A field stands on one line; folding is permitted and poorly read."),
    ("encoded-word", "warning", "4, #67", "The encoded words of RFC 2047 are not used."),
    ("field-empty", "error", "5", "A field that the standard defines has a value."),
    ("field-repeated", "error", "5.1", "A field stands once in a record, except WARC-Concurrent-To."),
    ("field-unknown", "warning", "5.1", "A field is one of the standard or of a documented extension."),
    ("field-missing", "error", "5.2-5.5", "Record-ID, Content-Length, WARC-Date and WARC-Type are on every record."),
    ("record-id", "error", "5.2", "A record id is a URI with a scheme, in angle brackets."),
    ("record-id-uuid", "warning", "5.2; RFC 9562", "An id that begins with urn:uuid: goes on with a UUID."),
    ("record-id-repeated", "error", "5.2", "A record id is unique."),
    ("content-length", "error", "5.3", "Content-Length is a decimal number."),
    ("date", "error", "5.4", "WARC-Date is a UTC time of W3CDTF, with 1 to 9 fraction digits; 1.0: whole seconds."),
    ("date-case", "warning", "5.4", "The T and the Z of a date are capitals."),
    ("type", "error", "5.5", "WARC-Type is a token."),
    ("type-unknown", "warning", "5.5", "WARC-Type is one of the eight of the standard; readers skip others."),
    ("media-type", "error", "5.6, #38", "A media type is type/subtype with parameters."),
    ("content-type-missing", "warning", "5.6", "A record with a block has a Content-Type, except continuations."),
    ("content-type-http", "warning", "6.3.2; 6.5.2; #55", "HTTP is application/http;msgtype=response or =request."),
    ("content-type-dns", "error", "6.4.4", "A resource of the dns scheme is text/dns."),
    ("content-type-fields", "warning", "6.2; 8; #50", "A warcinfo record, in 1.1 also metadata, has warc-fields."),
    ("concurrent-to", "error", "5.7", "WARC-Concurrent-To is not on warcinfo, conversion and continuation records."),
    ("concurrent-date", "error", "5.4", "All records of one capture event have the same WARC-Date."),
    ("concurrent-target", "warning", "5.7", "A capture event is against a single target URI."),
    ("concurrent-absent", "warning", "5.7", "A concurrent record stands in the same file."),
    ("digest-syntax", "error", "5.8", "A digest is algorithm:value."),
    ("digest-value", "error", "5.8", "A digest of a known algorithm has its length, in Base16 or Base32."),
    ("digest-form", "warning", "5.8, #48, #80", "Labels and Base16 are lower case, Base32 upper, without padding."),
    ("digest-unknown", "warning", "5.8, #80", "The algorithm of a digest can be computed here."),
    ("block-digest", "error", "5.8", "WARC-Block-Digest is that of the block."),
    ("payload-digest", "error", "5.9", "WARC-Payload-Digest is that of the payload, without transfer-coding."),
    ("payload-none", "error", "4; 5.9; 5.19", "A record without payload has no field about a payload."),
    ("ip-address", "error", "5.10", "WARC-IP-Address is a dotted quad or an IPv6 address."),
    ("ip-address-form", "warning", "5.10, #100", "An IPv6 address is written as RFC 5952 says."),
    ("ip-address-type", "error", "5.10", "WARC-IP-Address is not on warcinfo, conversion and continuation records."),
    ("ip-address-missing", "warning", "6.3.2; 6.5.2", "An HTTP request or response has a WARC-IP-Address."),
    ("refers-to", "error", "5.11", "WARC-Refers-To is on metadata, revisit and conversion records only."),
    ("refers-to-revisit", "error", "5.12; 5.13", "WARC-Refers-To-Target-URI and -Date are on revisits only."),
    ("target-uri", "error", "5.14", "A URI is written as RFC 3986 says; angle brackets around it are of 1.0."),
    ("target-uri-missing", "error", "5.14", "All records have a WARC-Target-URI, except warcinfo and metadata."),
    ("target-uri-warcinfo", "error", "5.14", "A warcinfo record has no WARC-Target-URI."),
    ("truncated-reason", "error", "5.15", "The reason in WARC-Truncated is a token."),
    ("truncated-unknown", "warning", "5.15", "The reason is length, time, disconnect or unspecified."),
    ("warcinfo-id", "error", "5.16", "A warcinfo record has no WARC-Warcinfo-ID."),
    ("warcinfo-absent", "warning", "5.16", "WARC-Warcinfo-ID names a warcinfo record of the file."),
    ("warcinfo-first", "warning", "5.5", "A file begins with a warcinfo record."),
    ("warc-fields", "error", "4; 8", "A block of application/warc-fields holds named fields, one a CRLF line."),
    ("filename", "error", "5.17", "WARC-Filename is on warcinfo records only."),
    ("filename-other", "warning", "5.17", "WARC-Filename is the name of the file."),
    ("protocol-joined", "warning", "#42", "WARC-Protocol is repeated for each protocol, not joined by commas."),
    # Revisits
    ("profile-missing", "error", "5.18; 6.7.1", "A revisit has a WARC-Profile."),
    ("profile-elsewhere", "warning", "5.18", "WARC-Profile has no meaning but on revisits."),
    ("profile-unknown", "warning", "6.7", "The profile is one of the standard."),
    ("profile-version", "warning", "6.7.2; 6.7.3", "The profile's URI is the one of the record's version."),
    ("revisit-payload-digest", "error", "6.7.2", "An identical-payload-digest revisit has a WARC-Payload-Digest."),
    ("revisit-truncated", "error", "6.7.2", "A block cut for an identical digest has WARC-Truncated: length."),
    ("revisit-reference", "warning", "6.7.2; 6.7.3", "A revisit says which record it repeats (1.1: also URI, date)."),
    ("revisit-of-revisit", "warning", "6.7.2", "The record referred to holds the content: it is no revisit."),
    ("revisit-mismatch", "warning", "6.7.2; 6.7.3", "Target URI and date are those of the record referred to."),
    ("revisit-digest", "error", "6.7.2", "The record referred to has the same payload digest."),
    ("revisit-empty-digest", "warning", "6.7.3", "The payload of a 304 is the earlier one, not the empty body."),
    # Segments
    ("segment-number", "error", "5.20; 7", "WARC-Segment-Number is 1 on the first segment, 2 and more on others."),
    ("segment-missing", "error", "5.20; 5.21; 6.9", "A continuation has a WARC-Segment-Number and -Origin-ID."),
    ("segment-origin", "error", "5.21; 7", "WARC-Segment-Origin-ID, on continuations only, names a first segment."),
    ("segment-total", "error", "5.22; 7", "The last continuation, and no other record, has the true total length."),
    ("segment-order", "error", "7", "Segments of one record count upwards by one."),
    ("segment-target", "error", "7", "All segments of a record have the same target URI."),
    ("segment-place", "error", "7", "A first segment is preceded by nothing but a warcinfo record."),
    ("segment-needless", "warning", "7", "A record that fits into one file is not segmented."),
    ("segment-type", "warning", "7", "Warcinfo, request, metadata and revisit records are not segmented."),
    ("segment-fields", "warning", "7", "Segments after the first have no other optional fields."),
    # HTTP in blocks: 6.3.2 permits what is not perfectly compliant, so that most of it is a warning
    ("http-version", "error", "6.3.2; 6.5.2; #15", "HTTP/2 and HTTP/3 are written as HTTP/1.1."),
    ("http-start-line", "warning", "6.3.2; 6.5.2", "A message begins with a status line or request line of HTTP/1."),
    ("http-field", "warning", "6.3.2; 6.5.2", "Every header line of a message is a field."),
    ("http-head-end", "error", "6.3.2; 5.15", "A head ends with an empty line, or the truncation is noted."),
    ("http-truncated", "error", "6.3.2; 5.15", "A body shorter than its Content-Length has a WARC-Truncated."),
    ("http-chunked", "error", "6.3.2; RFC 9112, 7.1", "A chunked body is whole chunks, or the truncation is noted."),
    ("http-length", "warning", "6.3.2; 6.5.2", "A body is as long as its Content-Length."),
)

WARC_RULES: Final[dict[str, Rule]] = {
    name: Rule(name, severity, f"{_ISO}, {clause}", sentence) for name, severity, clause, sentence in _ROWS
}
