"""Install the tools that Newsark is measured beside, each with all its versions pinned, in an environment of its own.

    python benchmarks/rivals/install.py [NAME …] [--environments DIR]

They cannot share one: scrapy-webarchive needs an older Scrapy, w3lib and Twisted than anything else here. wget comes
from the system (`apt-get install wget`), trafilatura is among Newsark's own dependencies. Takes some 900 MB.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from benchmarks.rivals import RIVALS, Rival, default_environments


def main() -> int:
    """Install what is missing; exit code 1 when something could not be installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(rival.name for rival in RIVALS))
    parser.add_argument("--environments", type=Path, default=default_environments())
    options = parser.parse_args()
    unknown = set(options.names) - {rival.name for rival in RIVALS}
    if unknown:
        parser.error(f"no such tool here: {', '.join(sorted(unknown))}")
    wanted = [rival for rival in RIVALS if not options.names or rival.name in options.names]
    done = [_install(rival, options.environments) for rival in wanted]
    return 0 if all(done) else 1


def _install(rival: Rival, environments: Path) -> bool:
    home = environments / rival.name
    if rival.is_installed(environments):
        print(f"{rival.name} {rival.version} is there: {home}")
        return True
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(rival.python(environments)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "-r", str(rival.versions)], check=False)
    if done.returncode:
        print(f"{rival.name} {rival.version} could not be installed: pip ended with {done.returncode}")
        return False
    (home / "installed.txt").write_bytes(rival.versions.read_bytes())
    print(f"{rival.name} {rival.version} is installed: {home}")
    return True


if __name__ == "__main__":
    sys.exit(main())
