"""Time stamps of manifests (RFC 3161): an authority's word that the bytes were there at a time."""

from __future__ import annotations

import hashlib
import queue
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from storage.errors import BadSetting, ExtraMissing, ObjectExists, ObjectMissing, TimestampRefused
from storage.log import Log
from storage.names import parse_key, timestamp_name
from storage.objects import ObjectStore
from storage.vouching.dersets import with_sorted_certificates

# They take long to load, and most archives are not stamped.
if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

QUERY_TYPE = "application/timestamp-query"
PREFIX = "manifests/"

_LIMIT_BYTES = 256 * 1024
_HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_log = Log(__name__)


def stamp_key(manifest_key: str) -> str:
    """Where the time stamp of that manifest is kept. Raises ValueError when it is no manifest's key."""
    name = parse_key(manifest_key)
    if name.kind != "manifests":
        raise ValueError(f"{manifest_key!r} is not the key of a manifest")
    return timestamp_name(name.stem, name.number).key


class Readable(Protocol):
    """Something that has objects, such as a store or an archive's holdings."""

    def get(self, key: str) -> bytes:
        """All bytes of an object. Raises ObjectMissing when it is not there."""


def read_stamp(store: Readable, manifest_key: str) -> bytes | None:
    """The stored time stamp of that manifest, or None."""
    try:
        return store.get(stamp_key(manifest_key))
    except ObjectMissing:
        return None


def put_stamp(store: ObjectStore, manifest_key: str, stamp: bytes) -> None:
    """Store a time stamp; where another process was first, its stamp stays."""
    with suppress(ObjectExists):
        store.put_bytes(stamp_key(manifest_key), stamp)


def missing_stamps(store: ObjectStore) -> Iterator[str]:
    """The keys of manifests without a time stamp, in byte order."""
    for _, month in groupby((info.key for info in store.list(PREFIX)), lambda key: key.rpartition("/")[0]):
        keys = set(month)
        for key in sorted(keys):
            with suppress(ValueError):
                if stamp_key(key) not in keys:
                    yield key


# what a stamp says


@dataclass(frozen=True, slots=True)
class StampCheck:
    """When the authority saw the bytes; `problem` is why it cannot be believed, else None."""

    time: datetime | None
    problem: str | None = None


def check_stamp(stamp: bytes, data: bytes, certificates: Sequence[Certificate]) -> StampCheck:
    """What a stored time stamp says about these bytes.

    With certificates (roots, and intermediates that the authority does not send) its signature is verified as of the
    time that it states, since a stamp outlives its authority's certificate. Without them it is only read.
    Raises ExtraMissing where the library for it is not installed.
    """
    _require_library()
    try:
        answer = _decoded(stamp)
        _check_granted(answer)
        _check_bytes(answer, data)
        if certificates:
            _check_signer(answer, data, certificates)
        return StampCheck(answer.tst_info.gen_time)
    except _WrongStampError as problem:
        return StampCheck(None, str(problem))


def _require_library() -> None:
    if find_spec("rfc3161_client") is None:
        raise ExtraMissing("time stamps", "timestamps")


class _WrongStampError(Exception):
    pass


def _decoded(stamp: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    try:
        return decode_timestamp_response(with_sorted_certificates(stamp))
    except ValueError as problem:
        raise _WrongStampError(f"it is no time stamp: {problem}") from problem


def _check_granted(answer: TimeStampResponse) -> None:
    if answer.status != 0:
        said = "; ".join(answer.status_string)
        raise _WrongStampError(f"the authority refused it with status {answer.status}{': ' if said else ''}{said}")


def _check_bytes(answer: TimeStampResponse, data: bytes) -> None:
    try:
        imprint = answer.tst_info.message_imprint
        name = _HASHES.get(imprint.hash_algorithm.dotted_string)
    except ValueError as problem:
        raise _WrongStampError(f"it holds no token: {problem}") from problem
    if name is None:
        raise _WrongStampError(f"its digest algorithm is unknown: {imprint.hash_algorithm.dotted_string}")
    if imprint.message != hashlib.new(name, data).digest():
        raise _WrongStampError("it is of other bytes")


def _check_signer(answer: TimeStampResponse, data: bytes, certificates: Sequence[Certificate]) -> None:
    from rfc3161_client import VerificationError, VerifierBuilder

    try:
        VerifierBuilder(roots=list(certificates)).build().verify_message(answer, data)
    except (VerificationError, ValueError) as problem:
        # OpenSSL's own sentence stands inside a dump of its error stack.
        found = re.search(r'data: "(?:Verify error: )?([^"]+)"', str(problem)) or re.search(
            r'reason: "([^"]+)"', str(problem)
        )
        raise _WrongStampError(f"its signature is not trusted: {found[1] if found else problem}") from problem


def load_certificates(path: Path) -> tuple[Certificate, ...]:
    """The certificates of a PEM file. Raises BadSetting, naming `timestamp_certificates`, when there are none."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return tuple(load_pem_x509_certificates(path.read_bytes()))
    except OSError as problem:
        raise _unusable(f"{path} cannot be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise _unusable(f"{path} holds no certificates in PEM: {problem}") from problem


def _unusable(problem: str) -> BadSetting:
    return BadSetting("settings", "timestamp_certificates", problem)


# asking for one


class Authority:
    """A time-stamping authority at an HTTP address.

    After a failure `try_stamp` leaves it alone for `rest_seconds`: an authority that does not answer would else cost
    every segment of a crawl the whole time limit. Raises ExtraMissing where the library for it is not installed.
    """

    def __init__(
        self,
        url: str,
        certificates: Sequence[Certificate] = (),
        *,
        timeout_seconds: float = 10.0,
        rest_seconds: float = 600.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        _require_library()
        self.url = url
        self.certificates = tuple(certificates)
        self._timeout_seconds = timeout_seconds
        self._rest_seconds = rest_seconds
        self._monotonic = monotonic
        self._rests_until = float("-inf")

    def stamp(self, data: bytes) -> bytes:
        """The DER of a TimeStampResp over these bytes, checked. Raises TimestampRefused when there is none to be had.

        Takes `timeout_seconds` at the longest; the caller goes on without and asks again later.
        """
        from rfc3161_client import TimestampRequestBuilder
        from rfc3161_client.base import HashAlgorithm

        query = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
        stamp = self._ask(query.as_bytes())
        checked = check_stamp(stamp, data, self.certificates)
        if checked.problem is not None:
            raise TimestampRefused(self.url, checked.problem)
        if _decoded(stamp).tst_info.nonce != query.nonce:
            raise TimestampRefused(self.url, "the answer is to another question")
        return stamp

    def try_stamp(self, data: bytes) -> bytes | None:
        """As `stamp`, but None with a line in the log when there is none to be had now, or the authority rests."""
        if self._monotonic() < self._rests_until:
            return None
        try:
            return self.stamp(data)
        except TimestampRefused as problem:
            self._rests_until = self._monotonic() + self._rest_seconds
            sentence = f"{problem}; it is stored without, and asked for again later"
            _log.warning("no-time-stamp", sentence, authority=self.url, problem=str(problem))
            return None

    def _ask(self, query: bytes) -> bytes:
        request = urllib.request.Request(self.url, query, {"Content-Type": QUERY_TYPE}, method="POST")  # noqa: S310 - the settings take http and https alone
        limit = self._timeout_seconds

        def ask() -> bytes:
            with urllib.request.urlopen(request, timeout=limit) as answer:  # noqa: S310 - the settings take http and https alone
                return bytes(answer.read(_LIMIT_BYTES + 1))

        try:
            said = _within(limit, ask)
        except (OSError, HTTPException, ValueError) as problem:
            raise TimestampRefused(self.url, str(problem) or type(problem).__name__) from problem
        if len(said) > _LIMIT_BYTES:
            raise TimestampRefused(self.url, f"it answers with more than {_LIMIT_BYTES} bytes")
        return said


def _within(seconds: float, ask: Callable[[], bytes]) -> bytes:
    """What `ask` returns or raises; TimeoutError when that takes longer.

    urllib's own limit is for each single read: a server that sends a byte now and then would hold it for ever.
    """
    answers: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put(ask())
        except (OSError, HTTPException, ValueError) as problem:
            answers.put(problem)

    threading.Thread(target=work, daemon=True, name="time stamp").start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
