"""What the image uses of the host: its Debian mirror, its proxy and its package registry, as configured there."""

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
"""The programs that the system test runs, and the Debian packages that contain them."""

PYTHON = "3.13"
"""The Python version of Debian trixie."""

PICAMERA2 = ("picamera2", "simplejpeg", "videodev2", "av")
"""picamera2 and those of its dependencies that Debian does not have; from the package registry."""

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin"))


class SystemTestError(Exception):
    """The system test failed or cannot continue; the message is one line with the remedy."""


def check_programs() -> None:
    """Raises SystemTestError if a program is missing, with the packages to install."""
    missing = sorted(package for name, package in PROGRAMS.items() if shutil.which(name, path=PATH) is None)
    if missing:
        raise SystemTestError(f"missing: {' '.join(missing)}; `sudo apt-get install {' '.join(missing)}` installs it")
    if os.geteuid() != 0:
        raise SystemTestError("debootstrap needs root: run `sudo make system-test`")


def run(command: Sequence[str | os.PathLike[str]], log: Path, *, env: dict[str, str] | None = None) -> None:
    """Runs one command and appends its output to ``log``. Raises SystemTestError with the last lines of the output."""
    with log.open("ab") as sink:
        environment = {**os.environ, "PATH": PATH, **(env or {})}
        done = subprocess.run(command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, env=environment, check=False)
    if done.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise SystemTestError(f"{' '.join(map(str, command))} failed: {' / '.join(last)}; the whole output is in {log}")


def debian_mirror() -> str:
    """Returns the Debian mirror of the host's apt. Raises SystemTestError if there is none."""
    form = "$(ORIGIN) $(LABEL) $(REPO_URI)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemTestError(f"the host's apt does not report its mirror: {error}") from error
    for line in lines:
        origin, label, *uri = line.split()
        if (origin, label) == ("Debian", "Debian"):
            return uri[0]
    raise SystemTestError("the host's apt has no Debian mirror; add one to its sources and run `apt-get update`")


def proxy() -> dict[str, str]:
    """Returns the proxy of apt as environment variables that are not set yet, for wget in debootstrap."""
    command = ["apt-config", "shell", "http_proxy", "Acquire::http::Proxy", "https_proxy", "Acquire::https::Proxy"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = dict(line.split("=", 1) for line in lines)
    return {name: value.strip("'") for name, value in found.items() if name not in os.environ and value != "'DIRECT'"}


def fill_wheelhouse(source: Path, wheelhouse: Path, log: Path) -> None:
    """Downloads into ``wheelhouse`` the wheels that pip needs to install ``source`` for the Python of trixie."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    platforms = ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]
    tags = [f"--platform={platform}" for platform in platforms]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--dest", str(wheelhouse)]
    command += [f"--python-version={PYTHON}", "--implementation=cp", *tags]
    run([*command, *wanted], log)
    run([*command, "--no-deps", *PICAMERA2], log)
