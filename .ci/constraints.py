"""Writes constraints.txt: the exact versions of all packages that a gate installs, with the hashes of their files.

Run it with the Python of an environment that has uv: python .ci/constraints.py
It takes the newest versions that fit. `--keep` keeps the present ones where they still fit.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from package_index import environ_for_uv

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "constraints.txt"
HEADER = """\
# Every package that a gate installs, with its dependencies, for Python 3.11 to 3.13 on 64-bit ARM and x86 with Linux.
# Made by `make constraints`. pip installs nothing else, and builds nothing from source:
# pip install --require-hashes -r constraints.txt
"""


def main() -> int:
    """Writes the file. Returns uv's exit code."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
        *("--generate-hashes", "--no-header", "--no-annotate", "--only-binary", ":all:", "--emit-build-options"),
        *([] if "--keep" in sys.argv else ["--upgrade"]),
        *("--output-file", str(FILE), "pyproject.toml", ".ci/gate.in"),
    ]
    code = subprocess.run(command, cwd=ROOT, env=environ_for_uv(), check=False).returncode
    if code == 0:
        FILE.write_text(HEADER + FILE.read_text(encoding="utf-8"), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
