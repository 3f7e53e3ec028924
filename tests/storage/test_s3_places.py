"""Places of stores and their settings: what is one, what is none, and why. No server is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from storage.errors import BadSetting
from storage.stores import S3Place, StoreSettings, open_store


@pytest.mark.parametrize(
    ("place", "bucket", "prefix"),
    [
        ("s3://news", "news", ""),
        ("s3://news/", "news", ""),
        ("s3://news/a", "news", "a/"),
        ("s3://my.news-1/a/b/", "my.news-1", "a/b/"),
        ("s3://news/архив", "news", "архив/"),
    ],
)
def test_a_place_is_a_bucket_and_a_prefix(place: str, bucket: str, prefix: str) -> None:
    parsed = S3Place.parse(place)
    assert parsed == S3Place(bucket, prefix)
    assert S3Place.parse(str(parsed)) == parsed
    assert open_store(StoreSettings(place)).place == place.rstrip("/")


@pytest.mark.parametrize(
    "place",
    ["s3://", "s3:///a", "s3://News", "s3://a", "s3://a..b", "s3://news//a", "s3://news/.a", "s3://news/a//b",
     "s3://key:secret@news/a", "gs://news", "file:///tmp/a", "https://host/news"],
)  # fmt: skip
def test_what_is_no_place_is_a_bad_setting(place: str) -> None:
    with pytest.raises(BadSetting) as bad:
        open_store(StoreSettings(place))
    assert bad.value.exit_code == 2


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"object_lock_mode": "GOVERNANCE"}, "object_lock_mode"),
        ({"object_lock_days": 3}, "object_lock_mode"),
        ({"object_lock_mode": "GOVERNANCE", "object_lock_days": 0}, "object_lock_days"),
        ({"kms_key_id": "k"}, "kms_key_id"),
        ({"time_limit_seconds": 0.0}, "time_limit_seconds"),
        ({"endpoint_url": "s3.example.org"}, "endpoint_url"),
        ({"endpoint_url": "https://key:secret@s3.example.org"}, "endpoint_url"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], name: str) -> None:
    with pytest.raises(BadSetting) as bad:
        open_store(StoreSettings("s3://news", **settings))
    assert bad.value.name == name
    assert "secret" not in str(bad.value)


def test_a_directory_does_not_pretend_to_lock(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="a directory cannot do that"):
        open_store(StoreSettings(str(tmp_path), object_lock_mode="COMPLIANCE", object_lock_days=1))
    assert open_store(StoreSettings(str(tmp_path), region="eu-west-1")).place == str(tmp_path)


def test_only_who_opens_a_bucket_loads_boto3() -> None:
    code = "import sys, storage.stores as s; s.open_store(s.StoreSettings('.')); print('botocore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"
