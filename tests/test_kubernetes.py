"""The manifests of deploy/kubernetes: valid, restricted, and naming only what there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.main import get_command

from crawler.source import load_source
from newsark.cli import app
from newsark.settings import NewsarkSettings, load_settings

DIRECTORY = Path(__file__).parent.parent / "deploy" / "kubernetes"
VERSION = "1.37"
FILES = sorted(path.name for path in DIRECTORY.glob("*.yaml") if path.name != "kustomization.yaml")
KUSTOMIZATION = yaml.safe_load((DIRECTORY / "kustomization.yaml").read_text())


def manifests() -> Iterator[dict[str, Any]]:
    for name in FILES:
        yield from yaml.safe_load_all((DIRECTORY / name).read_text())


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [one for one in manifests() if one["kind"] in kinds]


def pod_of(manifest: dict[str, Any]) -> dict[str, Any]:
    spec = manifest["spec"]
    return dict(spec["jobTemplate"]["spec"]["template"] if manifest["kind"] == "CronJob" else spec["template"])


WORKLOADS = of_kind("StatefulSet", "Deployment", "CronJob")
IDS = [one["metadata"]["name"] for one in WORKLOADS]


@pytest.mark.parametrize("name", FILES)
def test_they_are_valid(name: str) -> None:
    for manifest in yaml.safe_load_all((DIRECTORY / name).read_text()):
        kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_a_wrong_one_is_not_valid() -> None:
    wrong = {**WORKLOADS[0], "spec": {**WORKLOADS[0]["spec"], "replicaz": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_all_but_the_example_of_secrets_are_applied() -> None:
    assert sorted(KUSTOMIZATION["resources"]) == sorted({*FILES} - {"secret.example.yaml"})
    (image,) = KUSTOMIZATION["images"]
    assert {one["image"] for work in WORKLOADS for one in pod_of(work)["spec"]["containers"]} == {image["name"]}
    (namespace,) = of_kind("Namespace")
    assert namespace["metadata"]["name"] == KUSTOMIZATION["namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("work", WORKLOADS, ids=IDS)
def test_pods_have_no_rights(work: dict[str, Any]) -> None:
    """What the Pod Security Standard `restricted` asks for, and a root file system that is only read."""
    pod = pod_of(work)["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    claimed = {claim["metadata"]["name"] for claim in work["spec"].get("volumeClaimTemplates", [])}
    assert mounted.keys() == claimed | {volume["name"] for volume in pod["volumes"]}
    assert {"/var/lib/newsark", "/etc/newsark", "/tmp"} == set(mounted.values())


@pytest.mark.parametrize("work", WORKLOADS, ids=IDS)
def test_every_command_and_option_is_there(work: dict[str, Any]) -> None:
    (container,) = pod_of(work)["spec"]["containers"]
    called = [container["args"]]
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if "exec" in container.get(name, {}):
            program, *words = container[name]["exec"]["command"]
            assert program == "newsark"
            called.append(words)
    commands = get_command(app).commands
    for command, *words in called:
        options = {option for one in commands[command].params for option in (*one.opts, *one.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= options, command


def test_the_settings_and_sources_are_real(tmp_path: Path) -> None:
    maps = {one["metadata"]["name"]: one["data"] for one in of_kind("ConfigMap")}
    (tmp_path / "newsark.toml").write_text(maps["newsark-settings"]["newsark.toml"])
    settings = load_settings(tmp_path, {})
    assert settings.archive.startswith("s3://")
    assert settings.state == "/var/lib/newsark/state"
    for name, text in maps["newsark-sources"].items():
        (tmp_path / name).write_text(text)
        assert f"{load_source(tmp_path / name).id}.toml" == name


def test_secrets_hold_settings_or_what_boto3_reads() -> None:
    secrets = {one["metadata"]["name"]: one["stringData"] for one in of_kind("Secret")}
    known = {f"NEWSARK_{name.upper()}" for name in NewsarkSettings.model_fields}
    known |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    used = set()
    for work in WORKLOADS:
        (container,) = pod_of(work)["spec"]["containers"]
        used |= {one["secretRef"]["name"] for one in container["envFrom"]}
        assert {one["name"] for one in container["env"]} == {"NEWSARK_HOME"}
    assert used == secrets.keys()
    for data in secrets.values():
        assert data.keys() <= known


def test_nobody_reaches_what_no_policy_names() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind("NetworkPolicy")}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    web = policies["crawler-to-the-web"]
    assert web["podSelector"] == {"matchLabels": {"newsark": "crawler"}}
    ((four, six),) = [rule["to"] for rule in web["egress"]]
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} < set(four["ipBlock"]["except"])
    assert {"fc00::/7", "fe80::/10"} < set(six["ipBlock"]["except"])
    labels = [pod_of(work)["metadata"]["labels"]["newsark"] for work in WORKLOADS]
    assert sorted(labels) == ["crawler", "reader", "reader"]
