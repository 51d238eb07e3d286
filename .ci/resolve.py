"""Checks that the dependencies of the package resolve to wheels on every supported machine. Installs nothing.

Run it with the Python of an environment that has uv: python .ci/resolve.py
It prints one line for each kind of machine. Exit code 1 when a machine has no set of wheels, or a set that is known
not to run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GLIBC = "manylinux_2_36"  # Debian 12 and Raspberry Pi OS Bookworm, the oldest supported systems
SHOWN = ("ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class Case:
    """One kind of machine with its extras. ``numpy_1``: only numpy 1 with OpenCV before 4.12 runs there."""

    python: str
    machine: str
    extras: tuple[str, ...] = ()
    numpy_1: bool = False


CASES = (
    *(Case(python, machine, ("demo",)) for python in ("3.11", "3.12", "3.13") for machine in ("x86_64", "aarch64")),
    *(Case("3.11", machine, ("tflite-runtime",), numpy_1=True) for machine in ("x86_64", "aarch64")),
    Case("3.11", "aarch64", ("bookworm", "demo"), numpy_1=True),
)


def main() -> int:
    """Resolves every case. Returns 0 when all succeed, else 1."""
    environ = {**os.environ, **_index_of_pip()}
    failed = 0
    for case in CASES:
        label = f"python {case.python} {case.machine} [{','.join(case.extras)}]"
        result = subprocess.run(_command(case), cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        found = _versions(result.stdout)
        problem = result.stderr.strip() if result.returncode else _problem(case, found)
        failed += bool(problem)
        shown = "  ".join(f"{name} {found[name]}" for name in SHOWN if name in found)
        print(f"{'FAILED' if problem else 'ok':7}{label:45} {problem or shown}", flush=True)
    print(f"resolved {len(CASES) - failed} of {len(CASES)} cases")
    return 1 if failed else 0


def _command(case: Case) -> list[str]:
    extras = [argument for extra in case.extras for argument in ("--extra", extra)]
    return [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"),
        *("--python-version", case.python, "--python-platform", f"{case.machine}-{GLIBC}"),
        *("--only-binary", ":all:", *extras, "pyproject.toml"),
    ]


def _index_of_pip() -> dict[str, str]:
    """Returns the environment that gives uv the package index of pip: uv does not read pip's settings."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    index = (
        os.environ.get("PIP_INDEX_URL")
        or subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    )
    return {"UV_DEFAULT_INDEX": index} if index else {}


def _versions(requirements: str) -> dict[str, str]:
    lines = (line.partition(";")[0].strip() for line in requirements.splitlines())
    return {name: version for name, equals, version in (line.partition("==") for line in lines) if equals}


def _problem(case: Case, found: dict[str, str]) -> str | None:
    """Returns what is wrong with a resolved set of versions, or None."""
    runtime = "tflite-runtime" if "tflite-runtime" in case.extras else "ai-edge-litert"
    if runtime not in found:
        return f"no {runtime}"
    if case.numpy_1 and _number(found["numpy"]) >= (2,):
        return f"numpy {found['numpy']} where only numpy 1 runs"
    if case.numpy_1 and _number(found["opencv-python-headless"]) >= (4, 12):
        return f"opencv-python-headless {found['opencv-python-headless']} needs numpy 2"
    return None


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


if __name__ == "__main__":
    sys.exit(main())
