"""What the host lends to the image: its Debian mirror, its proxy and its package registry, as it is set up for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

PROGRAMS = {
    "debootstrap": "debootstrap",
    "mke2fs": "e2fsprogs",
    "qemu-system-x86_64": "qemu-system-x86",
    "mosquitto": "mosquitto",
}
"""What the system test runs, and Debian's packages that bring it."""

PYTHON = "3.13"
"""Trixie's."""

PICAMERA2 = ("picamera2", "simplejpeg", "videodev2", "av")
"""picamera2 from the package registry, as Debian has none, and those of its requirements that Debian lacks too."""

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin"))


class SystemTestError(Exception):
    """The system test cannot go on; one line with the remedy."""


def check_programs() -> None:
    """Raises SystemTestError with what to install."""
    missing = sorted(package for name, package in PROGRAMS.items() if shutil.which(name, path=PATH) is None)
    if missing:
        raise SystemTestError(f"missing: {' '.join(missing)}; `sudo apt-get install {' '.join(missing)}` brings it")
    if os.geteuid() != 0:
        raise SystemTestError("debootstrap needs root: run `sudo make system-test`")


def run(command: Sequence[str | os.PathLike[str]], log: Path, *, env: dict[str, str] | None = None) -> None:
    """Run one command, its output to the end of ``log``. Raises SystemTestError with the output's last lines."""
    with log.open("ab") as sink:
        environment = {**os.environ, "PATH": PATH, **(env or {})}
        done = subprocess.run(command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, env=environment, check=False)
    if done.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise SystemTestError(f"{' '.join(map(str, command))} failed: {' / '.join(last)}; the whole output is in {log}")


def debian_mirror() -> str:
    """Where the host's apt takes Debian from. Raises SystemTestError where that is not to be known."""
    form = "$(ORIGIN) $(LABEL) $(REPO_URI)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemTestError(f"the host's apt does not tell its mirror: {error}") from error
    for line in lines:
        origin, label, *uri = line.split()
        if (origin, label) == ("Debian", "Debian"):
            return uri[0]
    raise SystemTestError("the host's apt knows no Debian mirror; add one to its sources and run `apt-get update`")


def proxy() -> dict[str, str]:
    """apt's proxy as environment, for debootstrap, which asks wget; the environment's own comes first."""
    command = ["apt-config", "shell", "http_proxy", "Acquire::http::Proxy", "https_proxy", "Acquire::https::Proxy"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = dict(line.split("=", 1) for line in lines)
    return {name: value.strip("'") for name, value in found.items() if name not in os.environ and value != "'DIRECT'"}


def fill_wheelhouse(source: Path, wheelhouse: Path, log: Path) -> None:
    """Bring what pip needs to install ``source`` under trixie's Python into the folder ``wheelhouse``."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    platforms = ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]
    tags = [f"--platform={platform}" for platform in platforms]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--dest", str(wheelhouse)]
    command += [f"--python-version={PYTHON}", "--implementation=cp", *tags]
    run([*command, *wanted], log)
    run([*command, "--no-deps", *PICAMERA2], log)
