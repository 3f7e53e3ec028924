"""The rights that docs/operations.md names are enough for a crawl and for reading, and none of them is for nothing."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.cli import Ran, newsark
from tests.onestory import STORY, OneStory
from tests.seaweed import REGION, Seaweed

ROOT = Path(__file__).parent.parent
BUCKET, PLACE = "news-archive", "s3://news-archive/main"
SHOWN = re.compile(r"<!-- rights: (\w+) -->\n```json\n(.*?)```", re.DOTALL)
POLICIES: dict[str, Any] = {
    name: json.loads(text) for name, text in SHOWN.findall((ROOT / "docs" / "operations.md").read_text())
}
RIGHTS = {
    name: {action for statement in policy["Statement"] for action in statement["Action"]}
    for name, policy in POLICIES.items()
}
# What each call of boto3's client needs, by Amazon's table of actions.
NEEDS = {
    "get_object": {"s3:GetObject"},
    "head_object": {"s3:GetObject"},
    "put_object": {"s3:PutObject"},
    "create_multipart_upload": {"s3:PutObject"},
    "upload_part": {"s3:PutObject"},
    "complete_multipart_upload": {"s3:PutObject"},
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    "list_parts": {"s3:ListMultipartUploadParts"},
    "list_multipart_uploads": {"s3:ListBucketMultipartUploads"},
    "list_objects_v2": {"s3:ListBucket"},
    "list_object_versions": {"s3:ListBucketVersions"},
    "delete_object": {"s3:DeleteObject"},
}
LOCK = {"s3:GetObjectRetention", "s3:PutObjectRetention"}


def calls_in(path: Path) -> set[str]:
    """The operations of S3 that a file asks a client for."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if owner == "client" or owner.endswith(".client"):
                found.add(node.func.attr)
    return found


def test_the_crawler_may_do_what_the_code_does_and_nothing_else() -> None:
    """Exports into a bucket of their own are made in streamed.py, and operations.md names their rights apart; the probe
    deletes what only a server that breaks its promises has taken."""
    made: set[str] = set()
    for path in sorted((ROOT / "storage" / "s3").glob("*.py")):
        if path.name != "streamed.py":
            made |= calls_in(path) - ({"delete_object"} if path.name == "probe.py" else set())
    assert made <= NEEDS.keys()
    needed = set().union(*(NEEDS[call] for call in made))
    assert RIGHTS["crawler"] == needed | LOCK
    assert RIGHTS["reader"] < RIGHTS["crawler"]
    assert not {right for right in RIGHTS["crawler"] if "Delete" in right or "Bypass" in right}


@dataclass(frozen=True, slots=True)
class Scene:
    """The server, a story, and a directory whose catalogue everybody shares."""

    server: Seaweed
    site: OneStory
    home: Path

    def run(self, who: str, *command: str) -> Ran:
        """A command with that key and a working state of its own."""
        return newsark(
            *command,
            cwd=self.home,
            environment={
                **self.server.environment,
                "AWS_ACCESS_KEY_ID": who,
                "AWS_SECRET_ACCESS_KEY": f"secret of {who}",
                "NEWSARK_ARCHIVE": PLACE,
                "NEWSARK_STATE": str(self.home / f"state of {who}"),
                "NEWSARK_CATALOGUE": f"sqlite:///{self.home / 'catalogue.sqlite'}",
                "NEWSARK_OBJECT_LOCK_MODE": "GOVERNANCE",
                "NEWSARK_OBJECT_LOCK_DAYS": "1",
            },
        )

    def client(self, who: str) -> Any:
        """boto3's client with that key."""
        return boto3.client(
            "s3",
            endpoint_url=self.server.endpoint_url,
            region_name=REGION,
            aws_access_key_id=who,
            aws_secret_access_key=f"secret of {who}",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def is_denied(self, who: str, operation: str, **arguments: Any) -> bool:
        """Whether the server refuses that for want of rights."""
        try:
            getattr(self.client(who), operation)(Bucket=BUCKET, **arguments)
        except ClientError as problem:
            return problem.response["Error"]["Code"] == "AccessDenied"
        return False


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    home = tmp_path_factory.mktemp("rights")
    identities = [_identity(name, policyNames=[name], actions=[]) for name in POLICIES]
    identities.append(_identity("owner", actions=["Admin", "Read", "Write", "List", "Tagging"]))
    policies = [{"name": name, "content": json.dumps(policy)} for name, policy in POLICIES.items()]
    config = home / "identities.json"
    config.write_text(json.dumps({"identities": identities, "policies": policies}))
    server = Seaweed(home / "data", access_key="owner", secret_key="secret of owner", options=[f"-s3.config={config}"])
    server.start()
    try:
        server.make_bucket(BUCKET, object_lock=True)
        with OneStory() as site:
            yield Scene(server, site, home)
    finally:
        server.kill()


def _identity(name: str, **facts: Any) -> dict[str, Any]:
    return {"name": name, "credentials": [{"accessKey": name, "secretKey": f"secret of {name}"}], **facts}


@pytest.fixture(scope="module")
def kept(scene: Scene) -> list[str]:
    """The keys of what a crawl with the crawler's key has stored."""
    host = scene.site.url.removeprefix("http://")
    crawled = scene.run("crawler", "crawl", scene.site.url, "--allow-host", host, "--delay", "0", "--json")
    assert crawled.code == 0, crawled.err
    assert crawled.json["waiting"] == []
    listed = scene.client("owner").list_objects_v2(Bucket=BUCKET)
    return [one["Key"] for one in listed["Contents"]]


def test_a_crawl_stores_everything_and_can_take_nothing_away(scene: Scene, kept: list[str]) -> None:
    assert {key.split("/")[1] for key in kept} >= {"warc", "records", "events", "index", "manifests", "newsark.json"}
    locked = scene.client("owner").get_object_retention(Bucket=BUCKET, Key=kept[0])["Retention"]
    assert locked["Mode"] == "GOVERNANCE"
    assert scene.is_denied("crawler", "delete_object", Key=kept[0])
    assert scene.is_denied("crawler", "put_object", Key="elsewhere/a", Body=b"")
    checked = scene.run("crawler", "doctor", "--json")
    assert checked.code == 0, checked.out


def test_a_reader_reads_everything_and_can_write_nothing(scene: Scene, kept: list[str]) -> None:
    verified = scene.run("reader", "verify", "--deep", "--json")
    assert (verified.code, verified.json["findings"]) == (0, []), verified.err
    exported = scene.run("reader", "export", "--format", "warc", "-o", "page.warc.gz")
    assert exported.code == 0, exported.err
    shown = scene.run("reader", "show", scene.site.url + STORY)
    assert shown.code == 0, shown.err
    assert scene.is_denied("reader", "put_object", Key="main/a", Body=b"")
    assert scene.is_denied("reader", "delete_object", Key=kept[0])


def test_an_eraser_takes_away_for_good_what_is_locked(scene: Scene, kept: list[str]) -> None:
    owner = scene.client("owner")
    key, data = "main/to-be-erased", b"by law"
    until = owner.get_object_retention(Bucket=BUCKET, Key=kept[0])["Retention"]["RetainUntilDate"]
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
    version = owner.put_object(Bucket=BUCKET, Key=key, Body=data, **lock)["VersionId"]
    chosen = {"Key": key, "VersionId": version, "BypassGovernanceRetention": True}
    assert scene.is_denied("crawler", "delete_object", **chosen)
    scene.client("eraser").delete_object(Bucket=BUCKET, **chosen)
    assert "Versions" not in owner.list_object_versions(Bucket=BUCKET, Prefix=key)
