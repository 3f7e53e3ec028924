"""Ray: a cluster that runs somewhere, or one that is started on this machine and ends with the command."""

from __future__ import annotations

import io
import logging
import os
import secrets
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import Any, TextIO, cast

from newsark.archiveplace import is_bucket
from newsark.cluster.errors import NoCluster
from newsark.settings import NewsarkSettings
from storage.errors import BadSetting, ExtraMissing

LOCAL = "local"
OBJECT_STORE_BYTES = 100_000_000
"""What travels between machines are settings, reports and pages; none of it stays."""


def refuse_unshared(settings: NewsarkSettings, address: str) -> None:
    """Return when every machine can reach the archive and its catalogue; on this machine alone all can be reached.

    Raises BadSetting with what to write instead.
    """
    refuse_directories(settings, address)
    if address != LOCAL and not (settings.catalogue or "").startswith("postgresql"):
        problem = "with --cluster the catalogue must be one that every machine reaches"
        raise BadSetting("settings", "catalogue", f'{problem}: catalogue = "postgresql://user@host/database"')


def refuse_directories(settings: NewsarkSettings, address: str) -> None:
    """Return when every machine can reach the archive's stores. Raises BadSetting with what to write instead."""
    if address == LOCAL:
        return
    places = [settings.archive, *(replica.place for replica in settings.replicas)]
    for name, place in zip(["archive", *["replicas"] * len(settings.replicas)], places, strict=True):
        if not is_bucket(place):
            problem = f"{place} is a directory, which other machines do not have; with --cluster it must be a bucket"
            raise BadSetting("settings", name, f"{problem}: s3://bucket/prefix")


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """The module `ray`, connected to the cluster at `address`, HOST:PORT of its head, or to one of this machine alone.

    Raises ExtraMissing without Ray, and NoCluster when none answers there.
    """
    if "://" in address:
        cure = "Ray's client protocol is not used; on a machine of the cluster, give the address of its head: HOST:PORT"
        raise NoCluster(address, cure)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    scratch = _prepare_local() if address == LOCAL else None
    ray = _ray()
    options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, "logging_level": logging.ERROR}
    if scratch is not None:
        options |= {"_temp_dir": scratch, "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    with ExitStack() as left:
        if scratch is not None:
            left.callback(shutil.rmtree, scratch, ignore_errors=True)
        # Ray tells of machines that died on standard output, where results belong; the crew tells of them itself
        left.enter_context(redirect_stdout(cast(TextIO, _Ours(sys.stdout))))
        try:
            ray.init(address=address, namespace="newsark", **options)
        except (ConnectionError, RuntimeError, ValueError, OSError) as problem:
            told = " ".join(str(problem).split())[:300]
            cure = "start one with: ray start --head, and see docs/operations.md"
            raise NoCluster(address, f"{told}; {cure}") from problem
        left.callback(_shut_down, ray)
        yield ray


def _shut_down(ray: Any) -> None:
    # of what its threads have to say it keeps some back, and says it last of all, in this one
    with redirect_stdout(io.StringIO()):
        ray.shutdown()


class _Ours:
    """Standard output without what threads of Ray write to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what is ours."""
        return len(text) if threading.current_thread().name.startswith("ray_") else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise ExtraMissing("clusters", "cluster") from None
    return ray


def _prepare_local() -> str:
    """Let what Ray starts listen on loopback alone, and to nobody who does not know a secret of this run."""
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    # the path of a socket may not be long
    return tempfile.mkdtemp(prefix="newsark-ray-", dir="/tmp" if os.path.isdir("/tmp") else None)  # noqa: PTH112, S108
