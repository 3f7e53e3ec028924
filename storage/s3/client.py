"""boto3's client for a store, made from settings; credentials come from boto3's own chain and are never looked at."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ProfileNotFound
from botocore.loaders import Loader, create_loader

from storage.errors import BadSetting
from storage.stores import StoreSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 16
CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 60.0
DEFAULT_REGION = "us-east-1"


def make_client(settings: StoreSettings) -> S3Client:
    """A client that tries nothing again by itself. Raises BadSetting when the settings make none."""
    try:
        session = _session(settings)
        client = _client(session, settings, "auto" if _is_amazon(settings.endpoint_url) else "path")
        if settings.endpoint_url is None and not _is_amazon(client.meta.endpoint_url):
            # The endpoint comes from a variable or a profile.
            client = _client(session, settings, "path")
    except ProfileNotFound as problem:
        raise BadSetting(settings.place, "profile", str(problem)) from problem
    except (BotoCoreError, ValueError) as problem:
        raise BadSetting(settings.place, "endpoint_url, region or profile", str(problem)) from problem
    return client


def _session(settings: StoreSettings) -> boto3.Session:
    core = botocore.session.get_session()
    core.register_component("data_loader", _models())
    return boto3.Session(profile_name=settings.profile, region_name=settings.region, botocore_session=core)


@cache
def _models() -> Loader:
    """The description of S3, read once for all stores: a tenth of a second each time."""
    return create_loader()


def _client(session: boto3.Session, settings: StoreSettings, style: Literal["auto", "path"]) -> S3Client:
    region = session.region_name or DEFAULT_REGION
    client: S3Client = session.client(
        "s3", region_name=region, endpoint_url=settings.endpoint_url, config=_config(settings, style)
    )
    return client


def _config(settings: StoreSettings, style: Literal["auto", "path"]) -> Config:
    return Config(
        connect_timeout=min(CONNECT_TIMEOUT_SECONDS, settings.time_limit_seconds),
        read_timeout=min(READ_TIMEOUT_SECONDS, settings.time_limit_seconds),
        max_pool_connections=CONNECTIONS,
        tcp_keepalive=True,
        retries={"total_max_attempts": 1},
        # Otherwise a second checksum goes into an aws-chunked trailer over TLS, and some servers keep
        # `Content-Encoding: aws-chunked` with the object or refuse it. Every put here has its SHA-256 in a header.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # Few servers but Amazon's answer at bucket.host; all of them at host/bucket.
        s3={"addressing_style": style},
    )


def _is_amazon(endpoint_url: str | None) -> bool:
    host = urlsplit(endpoint_url or "https://s3.amazonaws.com").hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
