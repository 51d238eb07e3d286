"""Checks that the dependencies of the package resolve to wheels on every supported machine. Installs nothing.

Run it with the Python of an environment that has uv: python .ci/resolve.py
It prints one line for each kind of machine. Exit code 1 when a machine has no set of wheels, or a set that is known
not to run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from package_index import environ_for_uv
from packaging.requirements import Requirement

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


GATES = tuple((python, machine) for python in ("3.11", "3.12", "3.13") for machine in ("x86_64", "aarch64"))
"""Machines on which constraints.txt must be installable. pip checks it: a dry run of uv does not compare hashes."""


def main() -> int:
    """Resolves every case. Returns 0 when all succeed, else 1."""
    environ = environ_for_uv()
    failed = 0
    for case in CASES:
        label = f"python {case.python} {case.machine} [{','.join(case.extras)}]"
        result = subprocess.run(_command(case), cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        found = _versions(result.stdout)
        problem = result.stderr.strip() if result.returncode else _problem(case, found)
        failed += bool(problem)
        shown = "  ".join(f"{name} {found[name]}" for name in SHOWN if name in found)
        print(f"{'FAILED' if problem else 'ok':7}{label:45} {problem or shown}", flush=True)
    for python, machine in GATES:
        label = f"constraints.txt, python {python} {machine}"
        packages = _gate_packages(python, machine)
        problem = _not_installable(packages, python, machine)
        failed += bool(problem)
        print(f"{'FAILED' if problem else 'ok':7}{label:45} {problem or f'{len(packages)} packages'}", flush=True)
    cases = len(CASES) + len(GATES)
    print(f"resolved {cases - failed} of {cases} cases")
    return 1 if failed else 0


def _gate_packages(python: str, machine: str) -> list[str]:
    """Returns the packages of constraints.txt with their hashes for one machine, without markers.

    pip takes the values of markers from the machine on which it runs, whatever --platform and --python-version say.
    """
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "sys_platform": "linux",
    }
    packages = []
    for block in (ROOT / "constraints.txt").read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if not block or block.startswith(("#", "--")):
            continue
        requirement, *hashes = block.split(" --hash=")
        parsed = Requirement(requirement)
        if parsed.marker is None or parsed.marker.evaluate(environment):
            packages.append(" --hash=".join([f"{parsed.name}{parsed.specifier}", *(each.strip() for each in hashes)]))
    return packages


def _not_installable(packages: list[str], python: str, machine: str) -> str | None:
    """Returns why pip would not install the packages on a machine, or None. Compares the hashes with the index's."""
    oldest, newest = 17, int(GLIBC.rpartition("_")[2])
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, oldest - 1, -1)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "packages.txt")
        file.write_text("\n".join(packages) + "\n", encoding="utf-8")
        command = [
            *(sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--only-binary", ":all:", "--target", str(Path(folder, "none"))),
            *("--implementation", "cp", "--python-version", python, "-r", str(file)),
            # Older pips compare Requires-Python with the Python on which they run. The first part of this program has
            # compared it with the machine's.
            "--ignore-requires-python",
            *(word for tag in [*tags, f"manylinux2014_{machine}"] for word in ("--platform", tag)),
        ]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    errors = [line for line in result.stderr.splitlines() if not line.startswith("WARNING:")]
    return "\n".join(errors[:4]) or f"pip exits with {result.returncode}" if result.returncode else None


def _command(case: Case) -> list[str]:
    extras = [argument for extra in case.extras for argument in ("--extra", extra)]
    return [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"),
        *("--python-version", case.python, "--python-platform", f"{case.machine}-{GLIBC}"),
        *("--only-binary", ":all:", *extras, "pyproject.toml"),
    ]


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
