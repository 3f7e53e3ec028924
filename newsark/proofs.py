"""What vouches for this archive, as the settings say: the key that signs, and the authority that stamps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from newsark.settings import PASSPHRASE_VARIABLE, NewsarkSettings

# Their libraries take long to load, and most archives need neither.
if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from storage.vouching.signing import Signer
    from storage.vouching.timestamping import Authority


def signing_passphrase() -> str | None:
    """The passphrase of the signing key, from the environment; None when there is none."""
    return os.environ.get(PASSPHRASE_VARIABLE) or None


def signer_of(settings: NewsarkSettings) -> Signer | None:
    """The key that signs manifests, or None. Raises BadSetting when the setting names none that can be used."""
    if settings.signing_key is None:
        return None
    from storage.vouching.signing import load_signing_key

    return load_signing_key(Path(settings.signing_key).expanduser(), signing_passphrase())


def certificates_of(settings: NewsarkSettings) -> tuple[Certificate, ...]:
    """The certificates that time stamps are checked with. Raises BadSetting when the file has none."""
    if settings.timestamp_certificates is None:
        return ()
    from storage.vouching.timestamping import load_certificates

    return load_certificates(Path(settings.timestamp_certificates).expanduser())


def authority_of(settings: NewsarkSettings) -> Authority | None:
    """The authority that stamps manifests, or None. Raises BadSetting for certificates that cannot be read."""
    if settings.timestamp_url is None:
        return None
    from storage.vouching.timestamping import Authority

    return Authority(settings.timestamp_url, certificates_of(settings))
