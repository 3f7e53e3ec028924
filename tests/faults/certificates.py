"""Certificates for the fault server: a good one, and each of the ways in which one is not to be trusted."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Certificate = Literal["good", "self-signed", "unknown-authority", "expired", "wrong-host"]
"""What is wrong with the server's certificate."""

NAMES = ("localhost", "127.0.0.1", "::1")
OTHER_NAME = "elsewhere.test"


@dataclass(frozen=True, slots=True)
class Identity:
    """`server` is the server's TLS context; `authority_pem` is what a client trusts to believe `good`."""

    server: ssl.SSLContext
    authority_pem: bytes

    def client(self) -> ssl.SSLContext:
        """A verifying client's context that trusts the authority and nobody else."""
        return ssl.create_default_context(cadata=self.authority_pem.decode())


def make_identity(certificate: Certificate) -> Identity:
    """A new identity; only `good` passes a client that trusts its authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pem: bytes = authority.cert_pem.bytes()
    if certificate == "self-signed":
        _load_self_signed(context)
        return Identity(context, pem)
    signer = trustme.CA() if certificate == "unknown-authority" else authority
    names = (OTHER_NAME,) if certificate == "wrong-host" else NAMES
    ends = datetime.now(UTC) - timedelta(days=2) if certificate == "expired" else None
    starts = ends - timedelta(days=90) if ends else None
    signer.issue_cert(*names, not_before=starts, not_after=ends).configure_cert(context)
    return Identity(context, pem)


def _load_self_signed(context: ssl.SSLContext) -> None:
    """Give the context a certificate that is its own issuer, as administrators make them by hand."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    hosts = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = built.add_extension(hosts, critical=False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "self-signed.pem"
        file.write_bytes(secret + certificate.public_bytes(pem))
        context.load_cert_chain(file)
