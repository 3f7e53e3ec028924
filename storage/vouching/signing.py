"""Keys that sign manifests: the private one in a file outside of every store, the public ones inside the archive."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from storage.digests import sha256_hex
from storage.durable import flush_directory, flush_to_medium
from storage.errors import BadSetting, ObjectExists, WrongUse
from storage.log import Log
from storage.objects import ObjectStore
from storage.place import HEAD
from storage.timestamps import from_warc_date, warc_date

# It takes long to load, and most archives are not signed.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "Ed25519"
FORMAT = "newsark-key-1"
PREFIX = "keys/"

_ID_DIGITS = 32
_log = Log(__name__)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are checked with. `der` is its SubjectPublicKeyInfo (RFC 8410), `since` its first day."""

    der: bytes
    since: datetime

    @property
    def id(self) -> str:
        """The first 32 hex digits of the SHA-256 of `der`."""
        return key_id(self.der)

    @property
    def object_key(self) -> str:
        """Where the store keeps it when newsark.json does not name it."""
        return f"{PREFIX}{self.id}.json"

    def facts(self) -> dict[str, str]:
        """The entry `publicKey` of newsark.json, and what `to_bytes` holds."""
        return {
            "algorithm": ALGORITHM,
            "keyId": self.id,
            "der": base64.b64encode(self.der).decode("ascii"),
            "from": warc_date(self.since),
        }

    def to_bytes(self) -> bytes:
        """The object that lists the key: JSON with sorted keys."""
        return orjson.dumps({"format": FORMAT, **self.facts()}, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> PublicKey:
        """The key of an entry. Raises ValueError with the reason when it is none."""
        try:
            algorithm, said_id, text = facts["algorithm"], facts["keyId"], facts["der"]
            if algorithm != ALGORITHM:
                raise ValueError(f"its algorithm is {algorithm!r}, not {ALGORITHM!r}")
            key = cls(base64.b64decode(text, validate=True), from_warc_date(facts["from"]))
        except (KeyError, TypeError, AttributeError, binascii.Error) as problem:
            raise ValueError(f"it is no public key: {problem!r}") from problem
        if key.id != said_id:
            raise ValueError(f"its key id is {key.id}, not {said_id}")
        _ed25519_public(key.der)
        return key

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether the key's owner signed exactly these bytes."""
        from cryptography.exceptions import InvalidSignature

        try:
            _ed25519_public(self.der).verify(signature, data)
        except InvalidSignature:
            return False
        return True


def key_id(der: bytes) -> str:
    """The id of a public key: as `openssl pkey -pubin -outform DER | sha256sum` begins."""
    return sha256_hex(der)[:_ID_DIGITS]


def _ed25519_public(der: bytes) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise ValueError(f"it is no public key: {problem}") from problem
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"it is no {ALGORITHM} key")
    return key


class Signer:
    """A private key in memory; nothing that it prints, pickles or logs contains the key."""

    __slots__ = ("_key", "der", "key_id")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self._key = key
        self.der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_id = key_id(self.der)

    def __repr__(self) -> str:
        return f"Signer({self.key_id})"

    def sign(self, data: bytes) -> bytes:
        """The signature over these bytes, 64 of them; always the same for the same bytes (RFC 8032, 5.1.6)."""
        return self._key.sign(data)

    def public(self, since: datetime) -> PublicKey:
        """The public key, as the archive lists it."""
        return PublicKey(self.der, since)


def make_signing_key(path: Path, passphrase: str | None = None) -> Signer:
    """A new key, written to `path` with mode 0600 as PKCS #8 PEM, encrypted when there is a passphrase.

    Raises WrongUse when something is there already: a key is never overwritten.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = Ed25519PrivateKey.generate()
    how = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.touch(0o600, exist_ok=False)
        with beside.open("wb") as file:
            file.write(pem)
            file.flush()
            flush_to_medium(file.fileno())
        # A link and not a rename: it fails where the name is taken.
        os.link(beside, path)
        flush_directory(path.parent)
    except FileExistsError as problem:
        raise WrongUse(f"{path} is there already and stays as it is; move it away to make another key") from problem
    finally:
        beside.unlink(missing_ok=True)
    return Signer(key)


def load_signing_key(path: Path, passphrase: str | None = None) -> Signer:
    """The key in a file that `make_signing_key` or `openssl genpkey -algorithm ed25519` wrote.

    Raises BadSetting, naming the setting `signing_key`, when it cannot be used.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        pem, mode = path.read_bytes(), path.stat().st_mode
    except OSError as problem:
        raise _unusable(path, f"cannot be read: {problem.strerror}; newsark init --sign makes a key") from problem
    try:
        # A passphrase that is set for another archive does not hurt a key without one.
        key = load_pem_private_key(pem, passphrase.encode() if passphrase and b"ENCRYPTED" in pem else None)
    except TypeError as problem:
        raise _unusable(path, "is encrypted; set NEWSARK_SIGNING_PASSPHRASE") from problem
    except (ValueError, UnsupportedAlgorithm) as problem:
        wrong = "cannot be decrypted with NEWSARK_SIGNING_PASSPHRASE" if b"ENCRYPTED" in pem else "holds no private key"
        raise _unusable(path, wrong) from problem
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, f"holds another kind of key; it takes an {ALGORITHM} key")
    if mode & 0o077:
        _log.warning("key-readable", f"{path} can be read by others on this machine: chmod 600 it", path=path)
    return Signer(key)


def _unusable(path: Path, problem: str) -> BadSetting:
    return BadSetting("settings", "signing_key", f"{path} {problem}")


@dataclass(frozen=True, slots=True)
class Keyring:
    """The public keys that an archive lists, by id; `faults` are the objects that should list one and do not."""

    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    faults: tuple[tuple[str, str], ...] = ()

    @property
    def signed_since(self) -> datetime | None:
        """From when on every manifest has to be signed; None for an archive that is not signed."""
        return min((key.since for key in self.keys.values()), default=None)


def read_keys(store: ObjectStore) -> Keyring:
    """The keys that the store lists, in newsark.json and under keys/. Raises what reading the store raises.

    Whoever can write to the store can list a key: what vouches for one is its id, kept elsewhere.
    """
    keys: dict[str, PublicKey] = {}
    faults = []
    for object_key, facts in _entries(store):
        try:
            if facts is None:
                raise ValueError("it is not JSON")
            key = PublicKey.from_facts(facts)
            if object_key not in (HEAD, key.object_key):
                raise ValueError(f"it lists the key {key.id}")
        except ValueError as problem:
            faults.append((object_key, f"{object_key} cannot be used as a signing key: {problem}"))
            continue
        known = keys.setdefault(key.id, key)
        if key.since < known.since:
            keys[key.id] = key
    return Keyring(keys, tuple(faults))


def _entries(store: ObjectStore) -> Iterator[tuple[str, dict[str, Any] | None]]:
    head = _json(store.get(HEAD))
    if head is not None and "publicKey" in head:
        entry = head["publicKey"]
        yield HEAD, entry if isinstance(entry, dict) else None
    for listed in store.list(PREFIX):
        yield listed.key, _json(store.get(listed.key))


def _json(data: bytes) -> dict[str, Any] | None:
    with suppress(ValueError):
        found = orjson.loads(data)
        if isinstance(found, dict):
            return found
    return None


def key_to_list(keyring: Keyring, signer: Signer, now: datetime) -> PublicKey | None:
    """The key that has to be put into the store before it signs anything, valid from now; None when it is listed."""
    return None if signer.key_id in keyring.keys else signer.public(now)


def list_key(store: ObjectStore, signer: Signer, now: datetime) -> PublicKey:
    """The signer's key as the store lists it, listed from now on when it was not."""
    keyring = read_keys(store)
    new = key_to_list(keyring, signer, now)
    if new is None:
        return keyring.keys[signer.key_id]
    # Another process may list the same key in this moment, with its own time; then that one holds.
    with suppress(ObjectExists):
        store.put_bytes(new.object_key, new.to_bytes())
    return new
