"""What vouches for manifests, as far as the settings ask for it: the archive's key signs, an authority stamps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from storage.durable import make_directories, write_durably
from storage.manifest import Manifest, sign
from storage.place import Place

# Their libraries take long to load, and most archives need neither.
if TYPE_CHECKING:
    from storage.vouching.signing import Signer
    from storage.vouching.timestamping import Authority


class Vouching:
    """Signs and stamps the manifests of one archive; without signer and authority it does nothing."""

    def __init__(
        self, place: Place, signer: Signer | None, authority: Authority | None, clock: Callable[[], datetime]
    ) -> None:
        self._notes = place.state / "keys"
        self._place = place
        self._signer = signer
        self._authority = authority
        self._clock = clock

    def signed(self, manifest: Manifest) -> Manifest:
        """The manifest with the archive's signature, or as it is."""
        return manifest if self._signer is None else sign(manifest, self._signer)

    def stamp(self, manifest: Manifest) -> bytes | None:
        """The authority's time stamp for the manifest as stored, or None when there is none to be had now."""
        return None if self._authority is None else self._authority.try_stamp(manifest.to_bytes())

    def unlisted_key(self) -> tuple[str, bytes] | None:
        """The object that lists the key in the archive, to be stored before it signs; None when it is listed.

        The same bytes until `note_listed`, also after a crash: an object is written once.
        """
        if self._signer is None or (self._notes / f"{self._signer.key_id}.listed").exists():
            return None
        head = self._place.head() or {}
        if head.get("publicKey", {}).get("keyId") == self._signer.key_id:
            return None
        key = self._signer.public(self._clock())
        note = self._notes / f"{key.id}.json"
        if not note.exists():
            make_directories(self._notes)
            write_durably(note, [key.to_bytes()])
        return key.object_key, note.read_bytes()

    def note_listed(self) -> None:
        """The object of `unlisted_key` is on its way to every store."""
        if self._signer is not None:
            write_durably(self._notes / f"{self._signer.key_id}.listed", [])
