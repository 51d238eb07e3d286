"""Follows docs/install.md from a clean Debian for arm64 to the first passage, with user-mode emulation.

    python -m tests.system.stranger [--suite trixie] [--cpu cortex-a76] [--arch amd64]   as root; `make stranger-test`

The commands are read from that document and run by a shell in a new root. pip and apt download the same packages as at
a gate. There are three differences from a Raspberry Pi, all visible in the output: the camera is a recording, the
broker runs in the same root, and the unit's ExecStart is run directly as its user, because there is no init. The gate
runs without a network. Only the files of Debian are kept in the cache. With ``--arch`` of this machine the test is
quick and checks only the steps.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from jsonschema import Draft202012Validator

from edge_lpr.messages.schemas import load_schema
from tests.system import host
from tests.system.host import SystemTestError
from tests.system.install_steps import install_steps

ROOT = Path(__file__).resolve().parents[2]
SUITES = ("trixie", "bookworm")
CPU = "cortex-a76"
"""The processor of the Raspberry Pi 5."""

BASE_PACKAGES = ("systemd", "sudo", "ca-certificates")
"""Packages that the commands of docs/install.md need, and that Raspberry Pi OS has but a minimal Debian does not."""

PROGRAMS = {"debootstrap": "debootstrap", "unshare": "util-linux", "ip": "iproute2", "git": "git"}
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_CONFIG = "/etc/edge-lpr/config.yaml"
_PASSAGE = "passage.json"
_KEPT_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE")
_SHELL = """\
BEGAN=$(date +%s)
set -euo pipefail
say() { printf '\\n[%6d s] $ %s\\n' "$(($(date +%s) - BEGAN))" "$*"; }
step() { say "$1"; eval "$1"; }
"""


def main() -> int:
    """Follows docs/install.md in each suite; returns 0 if each reaches a passage."""
    parser = argparse.ArgumentParser(description="From a clean arm64 Debian to the first passage, by docs/install.md.")
    parser.add_argument("--suite", choices=SUITES, action="append", help="only this one; may be repeated")
    parser.add_argument("--cpu", default=CPU, help=f"the emulated processor (default: {CPU})")
    parser.add_argument("--arch", default="arm64", help="the architecture by its Debian name (default: arm64)")
    options = parser.parse_args()
    cache = ROOT / "cache" / "stranger"
    try:
        _check_host(options.arch)
        for suite in options.suite or SUITES:
            print(f"==== Debian {suite}, {options.arch}", flush=True)
            began_s = time.monotonic()
            number = follow(suite, options.arch, options.cpu, cache)
            print(f"==== Debian {suite}: first passage {number} after {time.monotonic() - began_s:.0f} s", flush=True)
    except SystemTestError as error:
        print(f"stranger test: {error}", file=sys.stderr)
        return 1
    return 0


def follow(suite: str, arch: str, cpu: str, cache: Path) -> str:
    """Returns the plate number of the first passage that a subscriber received. Raises SystemTestError."""
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / f"root-{arch}-{suite}"
    if root.exists():
        shutil.rmtree(root)
    host.run(["cp", "-a", "--reflink=auto", _debian(suite, arch, cache), root], cache / "build.log")
    environment = _prepare_root(root)
    environment["QEMU_CPU"] = cpu
    packages, user, check, start = install_steps(ROOT, suite, "file:///srv/edge-lpr.git")
    # docs/install.md expects a broker; here it runs in the same root.
    broker = ["sudo apt-get install mosquitto mosquitto-clients"]
    hello = ["uname -m", "grep PRETTY /etc/os-release"]
    _run_commands(root, [*hello, *broker, *packages, "/opt/edge-lpr/venv/bin/python --version", *user], environment)
    enabled = start[0].replace(" --now", "")  # systemctl refuses it without a running systemd
    _run_commands(root, [*_answers(), *_broker_runs(), *check, enabled, *_first_passage()], environment, network=False)
    message = json.loads((root / "tmp" / _PASSAGE).read_text(encoding="utf-8"))
    Draft202012Validator(load_schema("plate")).validate(message)
    shutil.rmtree(root)
    return str(message["Response"]["Number"])


def _answers() -> list[str]:
    """Returns commands for step 3, "Set `camera`, `device.id` and `mqtt`"; the default broker is used."""
    clip = "/opt/edge-lpr/models/demo/demo.mp4"
    changes = f's|^  id: gate-1 |  id: north-gate |; s|^  type: pi |  type: video |; s|^  source: ""|  source: {clip}|'
    return [f"sudo sed -i '{changes}' {_CONFIG}", f"head -20 {_CONFIG} | cut -c1-80"]


def _broker_runs() -> list[str]:
    return ["sudo mosquitto -d", "until mosquitto_pub -h 127.0.0.1 -t up -n; do sleep 1; done"]


def _first_passage() -> list[str]:
    unit = "/etc/systemd/system/edge-lpr.service"
    return [
        f"mosquitto_sub -h 127.0.0.1 -t edge-lpr/north-gate/plate -C 1 >/tmp/{_PASSAGE} & subscriber=$!",
        f"sudo -u edge-lpr $(sed -n 's/^ExecStart=//p' {unit}) & service=$!",
        f"wait -n $subscriber $service; cat /tmp/{_PASSAGE}",
        "{ kill $service || true; } && wait $service",
    ]


def _debian(suite: str, arch: str, cache: Path) -> Path:
    base = cache / f"debian-{arch}-{suite}"
    if not base.exists():
        made = cache / f"{base.name}.part"
        if made.exists():
            shutil.rmtree(made)
        print(f"debootstrap of {suite} for {arch}; with emulation the first time takes about ten minutes", flush=True)
        include = f"--include={','.join(BASE_PACKAGES)}"
        command = [
            "debootstrap",
            f"--arch={arch}",
            "--variant=minbase",
            include,
            suite,
            str(made),
            host.debian_mirror(),
        ]
        host.run(command, cache / "build.log", env=host.proxy())
        made.rename(base)
    return base


def _prepare_root(root: Path) -> dict[str, str]:
    """Adds this checkout as a repository and the host's network settings to the root; returns the environment."""
    repository = root / "srv/edge-lpr.git"
    clone = ["git", "clone", "--quiet", "--bare", "--depth=1", ROOT.as_uri(), str(repository)]
    host.run(clone, root.parent / "build.log")
    host.run(["chown", "-R", "0:0", repository], root.parent / "build.log")
    for name in ("etc/resolv.conf", "etc/hosts", "etc/pip.conf", "etc/ssl/certs/ca-certificates.crt"):
        if Path("/", name).exists():
            shutil.copyfile(Path("/", name), root / name)
    environment = {**os.environ, **host.proxy()}
    kept = {name: value for name, value in environment.items() if _is_kept(name)}
    (root / "etc/sudoers.d/kept").write_text(f'Defaults env_keep += "{" ".join(["QEMU_CPU", *kept])}"\n')
    (root / "etc/apt/apt.conf.d/90yes").write_text('APT::Get::Assume-Yes "true";\n')
    # dpkg need not wait for the disk, as this root is deleted afterwards.
    (root / "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n")
    # No init runs here, so packages must not start services.
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    return {**kept, "HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "PATH": _path()}


def _is_kept(name: str) -> bool:
    """Returns whether a variable is needed to reach the registries, and is not a folder of this machine."""
    return name.lower() in _KEPT_VARIABLES or (name.startswith("PIP_") and name != "PIP_FIND_LINKS")


def _run_commands(root: Path, commands: Iterable[str], environment: dict[str, str], *, network: bool = True) -> None:
    """Runs the commands in one shell in ``root``, in separate namespaces; prints each with the time since the first."""
    quoted = "".join(f"step {_quoted(command)}\n" for command in commands)
    (root / "tmp/commands.sh").write_text(f"{_SHELL}{quoted}", encoding="utf-8")
    spaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *([] if network else ["--net"])]
    # The first process of the namespace stays outside the root, so that systemctl detects the root.
    inside = f"mount -t proc proc {root}/proc; ip link set lo up; chroot {root} /bin/bash /tmp/commands.sh; exit $?"
    done = subprocess.run([*spaces, "sh", "-c", inside], env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemTestError(f"the last command above failed ({done.returncode}); {root} is kept in that state")


def _quoted(command: str) -> str:
    return "'" + command.replace("'", "'\\''") + "'"


def _path() -> str:
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _check_host(arch: str) -> None:
    """Raises SystemTestError if something is missing, with what to install or enable."""
    missing = sorted(package for name, package in PROGRAMS.items() if shutil.which(name, path=_path()) is None)
    if missing:
        raise SystemTestError(f"missing: {' '.join(missing)}; `sudo apt-get install {' '.join(missing)}` installs it")
    if os.geteuid() != 0:
        raise SystemTestError("debootstrap and chroot need root: run `sudo make stranger-test`")
    emulators = [
        entry for entry in _BINFMT.glob("*aarch64*") if entry.read_text(encoding="ascii").startswith("enabled")
    ]
    if arch == "arm64" and platform.machine() != "aarch64" and not emulators:
        raise SystemTestError(
            "this kernel runs no arm64 programs; `sudo apt-get install qemu-user-static binfmt-support`, then "
            f"`sudo mount -t binfmt_misc binfmt_misc {_BINFMT}; sudo update-binfmts --enable qemu-aarch64`"
        )


if __name__ == "__main__":
    sys.exit(main())
