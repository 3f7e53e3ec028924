"""What vouches for a stored manifest: the archive's signature, and an authority's time stamp."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from storage.errors import NotReadableManifest
from storage.fixity.findings import Finding
from storage.manifest import Manifest, SignatureProblem, check_signature
from storage.timestamps import warc_date
from storage.vouching.timestamping import Readable, check_stamp, read_stamp

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from storage.vouching.signing import Keyring, PublicKey

_SAID: dict[SignatureProblem, str] = {
    "unknown-key": "it is signed with a key that the archive does not list",
    "wrong-signature": "its signature is not one of these bytes by the key that it names",
}


def manifest_checker(
    store: Readable, keyring: Keyring, certificates: Sequence[Certificate]
) -> Callable[[bytes, str], Iterator[Finding]]:
    """A check of a manifest's bytes and key, with the time stamp that `store` has of it.

    It raises what reading the store raises, but for a stamp that is missing.
    """

    def check(data: bytes, key: str) -> Iterator[Finding]:
        found = manifest_problems(
            key,
            data,
            keyring.keys,
            stamp=read_stamp(store, key),
            certificates=certificates,
            signed_since=keyring.signed_since,
        )
        for kind, message in found:
            yield Finding(key, kind, message)

    return check


def manifest_problems(
    key: str,
    data: bytes,
    keys: Mapping[str, PublicKey],
    *,
    stamp: bytes | None,
    certificates: Sequence[Certificate],
    signed_since: datetime | None,
) -> Iterator[tuple[str, str]]:
    """What is wrong with the proofs of the manifest `data` under `key`, as (kind of finding, message).

    `signed_since` is when signing began (`Keyring.signed_since`): a manifest made before need not be signed, and in an
    archive that was never signed none. A missing stamp is no problem: stamps come later.
    """
    problem = check_signature(data, keys)
    if problem == "unsigned":
        created = _created(key, data)
        if signed_since is not None and created is not None and created >= signed_since:
            yield "unsigned", f"it is not signed, and the archive is since {warc_date(signed_since)}"
    elif problem is not None:
        yield problem, _SAID[problem]
    if stamp is not None:
        checked = check_stamp(stamp, data, certificates)
        if checked.problem is not None:
            yield "wrong-timestamp", f"its time stamp proves nothing: {checked.problem}"


def _created(key: str, data: bytes) -> datetime | None:
    try:
        return Manifest.from_bytes(data, key).created
    except NotReadableManifest:
        return None
