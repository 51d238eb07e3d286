"""The image: Debian 13 from debootstrap, the product installed by the steps of docs/install.md, ``mke2fs -d``.

The cache has three layers: Debian, the wheels, and the image. The name of each contains a hash of its inputs.
Everything that needs the network is done on the host. The guest has only the network of the emulator.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.system import host
from tests.system.install_steps import install_steps
from tests.system.scenes import write_scenes

SUITE = "trixie"
PACKAGES = (
    "systemd-sysv", "systemd-resolved", "udev", "kmod", "dbus", "linux-image-amd64", "initramfs-tools", "zstd",
    "e2fsprogs", "iproute2", "python3-venv", "git", "sudo", "mosquitto", "mosquitto-clients", "v4l-utils",
    "python3-libcamera", "libcamera-ipa", "libcamera-tools", "python3-prctl", "python3-piexif", "python3-jsonschema",
    "python3-libarchive-c",
)  # fmt: skip
SIZE = "3G"
GUEST = Path(__file__).parent / "guest"
MADE_BY = ("image.py", "install_steps.py", "scenes.py")

_SOURCE = "opt/edge-lpr"
_WHEELS = "var/wheels"
Report = Callable[[str], None]


@dataclass(frozen=True)
class Image:
    """The files that qemu boots."""

    disk: Path
    kernel: Path
    initrd: Path


def build(source: Path, cache: Path, report: Report) -> Image:
    """Returns the image of the product in the checkout ``source``; from the cache if nothing has changed."""
    host.check_programs()
    cache.mkdir(parents=True, exist_ok=True)
    log = cache / "build.log"
    files = product_files(source)
    base = _base(cache, log, report)
    wheels = _wheels(source, cache, log, report)
    guest = [*sorted(GUEST.iterdir()), *(GUEST.parent / name for name in MADE_BY)]
    key = _key((base.name, wheels.name), (source / file for file in files), guest)
    image = cache / f"image-{key}"
    if not image.exists():
        report("installing the product by the steps of docs/install.md")
        for old in cache.glob("image-*"):
            shutil.rmtree(old)
        made = cache / "image.part"
        _create_empty(made)
        _install(base, wheels, source, files, made, log)
        made.rename(image)
    return Image(image / "disk.ext4", image / "vmlinuz", image / "initrd.img")


def product_files(source: Path) -> list[str]:
    """Returns the files of a checkout that git does not ignore; all files of a folder without git."""
    command = ["git", "-C", str(source), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return sorted(name for name in done.stdout.split("\0") if name and (source / name).is_file())
    return sorted(str(path.relative_to(source)) for path in source.rglob("*") if path.is_file())


def _base(cache: Path, log: Path, report: Report) -> Path:
    base = cache / f"debian-{_key((SUITE, *PACKAGES), (), ())}"
    if not base.exists():
        report(f"debootstrap: Debian {SUITE}; the first time takes some minutes")
        made = cache / "debian.part"
        if made.exists():
            shutil.rmtree(made)
        include = f"--include={','.join(PACKAGES)}"
        command = ["debootstrap", "--arch=amd64", "--variant=minbase", include, SUITE, str(made), host.debian_mirror()]
        host.run(command, log, env=host.proxy())
        made.rename(base)
    return base


def _wheels(source: Path, cache: Path, log: Path, report: Report) -> Path:
    wheels = cache / f"wheels-{_key((host.PYTHON, *host.PICAMERA2), (source / 'pyproject.toml',), ())}"
    if not wheels.exists():
        report("downloading the wheels that the product needs")
        made = cache / "wheels.part"
        _create_empty(made)
        host.fill_wheelhouse(source, made, log)
        made.rename(wheels)
    return wheels


def _install(base: Path, wheels: Path, source: Path, files: list[str], made: Path, log: Path) -> None:
    root = made / "root"
    host.run(["cp", "-a", "--reflink=auto", base, root], log)
    for name in files:
        target = root / _SOURCE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target)
    shutil.copytree(wheels, root / _WHEELS)
    (root / "etc/pip.conf").write_text(f"[global]\nno-index = true\nfind-links = /{_WHEELS}\n")
    (root / "etc/apt/apt.conf.d/90yes").write_text('APT::Get::Assume-Yes "true";\n')
    steps = install_steps(source)
    # Step 3, `edge-lpr check`, needs a running machine. Step 4 starts the service; here the boot does that.
    script = ["set -eux", *steps[0], *steps[1], steps[3][0].replace(" --now", "")]
    host.run(["chroot", root, "/bin/bash", "-c", "\n".join(script)], log, env={"HOME": "/root", "LC_ALL": "C.UTF-8"})
    _add_gate_files(root)
    host.run(["chroot", root, "/bin/bash", "-eux", "/usr/local/lib/gate/set-up.sh", *host.PICAMERA2], log)
    shutil.rmtree(root / _WHEELS)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copyfile(next((root / "boot").glob(f"{name}-*")), made / name)
    host.run(["mke2fs", "-q", "-t", "ext4", "-L", "gate", "-d", root, made / "disk.ext4", SIZE], log)
    shutil.rmtree(root)


def _add_gate_files(root: Path) -> None:
    """Adds the files that make the machine a gate: camera, rights of the broker, network, agent."""
    gate = root / "usr/local/lib/gate"
    gate.mkdir(parents=True)
    for path in GUEST.iterdir():
        shutil.copyfile(path, gate / path.name)
    write_scenes(gate / "scenes")


def _create_empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()


def _key(words: Iterable[str], *files: Iterable[Path]) -> str:
    digest = hashlib.sha256("\n".join(words).encode())
    for group in files:
        for path in group:
            digest.update(f"\n{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
