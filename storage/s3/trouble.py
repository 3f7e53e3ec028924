"""Trouble with an S3 server: what is tried again, for how long, and what the rest is called."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from storage.errors import StoreRefuses, StoreUnreachable

T = TypeVar("T")

MISSING = "NoSuchKey"
NO_BUCKET = "NoSuchBucket"
NO_UPLOAD = "NoSuchUpload"
PRECONDITION = "PreconditionFailed"
CONFLICT = "ConditionalRequestConflict"
BAD_RANGE = "InvalidRange"
SKEWED = "RequestTimeTooSkewed"
NOT_IMPLEMENTED = "NotImplemented"
NO_METHOD = "MethodNotAllowed"
DAMAGED_ON_THE_WAY = frozenset(
    {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
)
"""Codes of servers that received other bytes than the checksum is of."""

CONNECTION_TROUBLE = (HTTPClientError, NoConnection, IncompleteReadError, ResponseParserError)
"""No answer, half an answer, or one that is no S3."""

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 20.0
SKEWED_ATTEMPTS = 3

# HEAD has no body, so its errors have only a status; and servers agree on statuses more than on codes.
_BY_STATUS = {
    403: "AccessDenied",
    404: MISSING,
    405: NO_METHOD,
    409: CONFLICT,
    412: PRECONDITION,
    416: BAD_RANGE,
    501: NOT_IMPLEMENTED,
}
_TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})
_TRANSIENT_CODES = frozenset(
    {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "IncompleteBody", "OperationAborted"}
)
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
_CHECK_CREDENTIALS = "check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID …) that this process has"
_CURES = {
    "AccessDenied": "give these credentials the rights that docs/operations.md lists for a store",
    "AllAccessDisabled": "ask the bucket's owner",
    "AuthorizationHeaderMalformed": "set `region` to the bucket's region",
    "BadRequest": "check the credentials and `region`",
    "ExpiredToken": "renew the session's credentials",
    "IllegalLocationConstraintException": "set `region` to the bucket's region",
    "InvalidAccessKeyId": _CHECK_CREDENTIALS,
    "InvalidObjectState": "the object is in an archive class; have the server restore it to a readable one first",
    "InvalidToken": _CHECK_CREDENTIALS,
    "InvalidStorageClass": "set `storage_class` to one that the server has",
    # A missing object is expected where it can be; here it is a whole service that is not there.
    MISSING: "no S3 server seems to answer there; check `endpoint_url`",
    NO_BUCKET: "make the bucket, or correct the archive's place",
    "PermanentRedirect": "set `region` and `endpoint_url` to the bucket's",
    "SignatureDoesNotMatch": _CHECK_CREDENTIALS,
}
_OTHER_CURE = "check the store's settings (`newsark doctor`), and ask whoever runs the server"


class Declined(Exception):
    """An answer that the caller expects and knows what to do with; never seen outside of the store."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one request is tried again, and the clock, sleep and chance that this goes by."""

    limit_seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def call(self, store: str, action: str, request: Callable[[], T], expected: Collection[str] = ()) -> T:
        """What the request returns, tried again after trouble that may pass, until the limit.

        Raises Declined for an error whose code is expected, StoreRefuses for every other that asking again does not
        mend, StoreUnreachable when the limit is over.
        """
        start, attempt = self.clock(), 0
        while True:
            attempt += 1
            try:
                return request()
            except ClientError as problem:
                code = code_of(problem)
                if code in expected:
                    raise Declined(code) from problem
                if not _may_pass(problem, code, attempt):
                    raise _refusal(store, action, problem, code) from problem
                trouble: Exception = problem
            except CONNECTION_TROUBLE as problem:
                if isinstance(problem, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(problem):
                    cure = "if the server has a certificate of its own, name its CA file in AWS_CA_BUNDLE"
                    raise StoreRefuses(store, action, "certificate", _sentence(problem), cure) from problem
                trouble = problem
            except BotoCoreError as problem:
                cure = _CHECK_CREDENTIALS if isinstance(problem, _NO_CREDENTIALS) else _OTHER_CURE
                raise StoreRefuses(store, action, type(problem).__name__, _sentence(problem), cure) from problem
            self.pause(store, action, start, attempt, trouble)

    def pause(self, store: str, action: str, start: float, attempt: int, trouble: Exception) -> None:
        """Wait before the next attempt; the last one is at the limit. Raises StoreUnreachable after it."""
        # Half of it by chance, so that many who wait for one server do not come back all at once.
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)) * (0.5 + self.chance() / 2)
        spent = self.clock() - start
        if spent >= self.limit_seconds:
            raise StoreUnreachable(store, action, spent, _sentence(trouble)) from trouble
        self.sleep(min(pause, self.limit_seconds - spent))


def code_of(error: ClientError) -> str:
    """S3's word for an error, also where only the status tells."""
    answer = cast("Mapping[str, Any]", error.response)
    code = str(answer.get("Error", {}).get("Code", ""))
    status = status_of(error)
    if status in (412, 416) or code.isdecimal() or code in ("", "NotFound"):
        return _BY_STATUS.get(status, "BadRequest" if status == 400 else code or f"status {status}")
    return code


def status_of(error: ClientError) -> int:
    """The HTTP status of an error; 0 when there is none."""
    answer = cast("Mapping[str, Any]", error.response)
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _may_pass(error: ClientError, code: str, attempt: int) -> bool:
    if code == SKEWED:
        # A request that was signed before the machine slept is signed anew; a wrong clock stays wrong, and would
        # put wrong times into the archive, so botocore's silence about it is not made up for here.
        return attempt < SKEWED_ATTEMPTS
    return code in _TRANSIENT_CODES or status_of(error) in _TRANSIENT_STATUSES


def _refusal(store: str, action: str, error: ClientError, code: str) -> StoreRefuses:
    answer = cast("Mapping[str, Any]", error.response)
    message = str(answer.get("Error", {}).get("Message", "")) or f"status {status_of(error)}"
    cure = _CURES.get(code, _OTHER_CURE)
    if code == SKEWED:
        theirs = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "another time")
        cure = f"set this machine's clock: it says {datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}, the server {theirs}"
    return StoreRefuses(store, action, code, message, cure)


def _sentence(problem: Exception) -> str:
    return str(problem).strip().rstrip(".") or type(problem).__name__
