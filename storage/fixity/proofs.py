"""Signatures and time stamps as verification sees them: the keys and stamps of every store, each manifest's proofs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from storage.errors import StorageError
from storage.fixity.findings import Finding
from storage.objects import ObjectStore
from storage.vouching.manifestproofs import manifest_problems
from storage.vouching.signing import Keyring, read_keys
from storage.vouching.timestamping import read_stamp, stamp_key

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_STAMPS = "manifests/"


def proof_check(
    stores: Sequence[ObjectStore], certificates: Sequence[Certificate] = ()
) -> Callable[[bytes, str], Iterator[Finding]]:
    """What looks at the signature and the time stamp of a manifest; without certificates a stamp is only read.

    Keys count that any store lists, so that damage to one store's newsark.json does not cast doubt on everything.
    """
    keyring = _keyring(stores)
    stamped: dict[str, ObjectStore] = {}
    for store in reversed(stores):
        with suppress(StorageError, OSError):
            stamped |= {info.key: store for info in store.list(_STAMPS) if info.key.endswith(".tsr")}

    def check(data: bytes, key: str) -> Iterator[Finding]:
        store = stamped.get(stamp_key(key))
        stamp = None
        if store is not None:
            # A stamp that cannot be read is a finding of its own.
            with suppress(StorageError, OSError):
                stamp = read_stamp(store, key)
        for kind, message in manifest_problems(
            key, data, keyring.keys, stamp=stamp, certificates=certificates, signed_since=keyring.signed_since
        ):
            yield Finding(key, kind, message)

    return check


def _keyring(stores: Sequence[ObjectStore]) -> Keyring:
    found = Keyring()
    for store in reversed(stores):
        with suppress(StorageError, OSError):
            found = Keyring({**found.keys, **read_keys(store).keys})
    return found
