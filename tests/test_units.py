"""The units and manifests in the documents are ones that systemd and Kubernetes take."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

OPERATIONS = (Path(__file__).parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
(MANIFESTS,) = re.findall(r"```yaml\n(.*?)```", OPERATIONS, re.DOTALL)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    (text,) = re.findall(r"```ini\n(.*?)```", OPERATIONS, re.DOTALL)
    command = Path(sys.executable).with_name("newsark")
    unit = tmp_path / "newsark.service"
    # the unit's own command is not installed here: this environment's is
    unit.write_text(text.replace("/srv/newsark/.venv/bin/newsark", str(command)), encoding="utf-8")
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", unit], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "ExecStart=/srv/newsark/.venv/bin/newsark watch" in text


def test_kubernetes_takes_the_manifests() -> None:
    manifests = list(yaml.safe_load_all(MANIFESTS))
    assert [one["kind"] for one in manifests] == ["PersistentVolumeClaim", "Deployment"]
    for one in manifests:
        kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
    deployment = manifests[1]["spec"]
    # two at once would fight for the sources
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    assert deployment["template"]["spec"]["terminationGracePeriodSeconds"] >= 60


def test_a_wrong_manifest_would_be_found() -> None:
    deployment = list(yaml.safe_load_all(MANIFESTS))[1]
    deployment["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, kubernetes_validate.latest_version(), strict=True)
