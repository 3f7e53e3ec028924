"""A real RFC 3161 authority on loopback: `openssl ts` behind a small HTTP server."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_CONFIG = """
[tsa]
default_tsa = authority
[authority]
serial = {directory}/serial
crypto_device = builtin
signer_cert = {directory}/signer.pem
signer_key = {directory}/signer.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.13762.3
digests = sha256, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
_EXTENSIONS = """
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[signer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
"""


class TimestampAuthority:
    """Answers requests at `url`; `root` is the PEM file to trust, `signer` the one that signs.

    `asked` counts the requests. `answer` may be set to bytes that are given back instead, `status` to another HTTP
    status; with `drips` the answer comes as one byte every tenth of a second, without end. `with_chain` makes it send
    its root along, behind the signer's certificate as `openssl ts` does.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root, self.signer = directory / "root.pem", directory / "signer.pem"
        self.asked = 0
        self.answer: bytes | None = None
        self.status = 200
        self.drips = False
        self.url = ""
        self._lock = threading.Lock()
        _make_certificates(directory)
        (directory / "serial").write_text("01\n")
        self.with_chain(chain=False)

    def with_chain(self, *, chain: bool = True) -> None:
        """Send the root certificate along, or not."""
        config = _CONFIG.format(directory=self.directory)
        (self.directory / "ts.conf").write_text(config + (f"certs = {self.root}\n" if chain else ""))

    def reply(self, query: bytes) -> bytes:
        """The DER of a TimeStampResp."""
        asked, said = self.directory / "query.tsq", self.directory / "reply.tsr"
        with self._lock:
            asked.write_bytes(query)
            _openssl("ts", "-reply", "-config", self.directory / "ts.conf", "-queryfile", asked, "-out", said)
            return said.read_bytes()


@contextmanager
def timestamp_authority(directory: Path) -> Iterator[TimestampAuthority]:
    """An authority that listens on loopback as long as the block runs."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = TimestampAuthority(directory)
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            authority.asked += 1
            assert self.headers["Content-Type"] == "application/timestamp-query"
            said = authority.answer if authority.answer is not None else authority.reply(query)
            self.send_response(authority.status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(said) + 10**6 * authority.drips))
            self.end_headers()
            while authority.drips and not ended.wait(0.1):
                self.wfile.write(b"0")
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is http.server's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    authority.url = f"http://127.0.0.1:{server.server_port}/tsa"
    try:
        yield authority
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _make_certificates(directory: Path) -> None:
    extensions = directory / "extensions.cnf"
    extensions.write_text(_EXTENSIONS)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("root", "signer"):
        subject = f"/O=Tests/CN={name} of {directory.name}"
        _openssl(
            "req",
            "-new",
            *key,
            "-keyout",
            directory / f"{name}.key",
            "-out",
            directory / f"{name}.csr",
            "-subj",
            subject,
        )
    made = ("-days", "3650", "-extfile", extensions)
    root, root_key = directory / "root.pem", directory / "root.key"
    _openssl(
        "x509", "-req", "-in", directory / "root.csr", "-signkey", root_key, "-out", root, *made, "-extensions", "root"
    )
    _openssl(
        *("x509", "-req", "-in", directory / "signer.csr", "-CA", root, "-CAkey", root_key, "-set_serial", "7"),
        *("-out", directory / "signer.pem", *made, "-extensions", "signer"),
    )


def _openssl(*arguments: object) -> None:
    ran = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
