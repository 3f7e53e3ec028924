"""The units in the documents are ones that systemd takes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

OPERATIONS = (Path(__file__).parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")


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
