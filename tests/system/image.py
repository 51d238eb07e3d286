"""The image: Debian 13 by debootstrap, the product by the steps of docs/install.md, a file system by ``mke2fs -d``.

Three layers lie in the cache, each under a name that its ingredients give it: Debian itself, the wheels, and the image.
Everything that needs the network happens on the host; the guest has none but the emulator's own.
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
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Image:
    """What qemu boots."""

    disk: Path
    kernel: Path
    initrd: Path


def build(source: Path, cache: Path, tell: Tell) -> Image:
    """The image of the product in the checkout ``source``, from the cache where nothing has changed."""
    host.check_programs()
    cache.mkdir(parents=True, exist_ok=True)
    log = cache / "build.log"
    files = product_files(source)
    base = _base(cache, log, tell)
    wheels = _wheels(source, cache, log, tell)
    guest = [*sorted(GUEST.iterdir()), *(GUEST.parent / name for name in MADE_BY)]
    key = _key((base.name, wheels.name), (source / file for file in files), guest)
    image = cache / f"image-{key}"
    if not image.exists():
        tell("installing the product by the steps of docs/install.md")
        for old in cache.glob("image-*"):
            shutil.rmtree(old)
        made = cache / "image.part"
        _fresh(made)
        _install(base, wheels, source, files, made, log)
        made.rename(image)
    return Image(image / "disk.ext4", image / "vmlinuz", image / "initrd.img")


def product_files(source: Path) -> list[str]:
    """The files of a checkout that git knows or does not ignore; of a folder without git, all of them."""
    command = ["git", "-C", str(source), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return sorted(name for name in done.stdout.split("\0") if name and (source / name).is_file())
    return sorted(str(path.relative_to(source)) for path in source.rglob("*") if path.is_file())


def _base(cache: Path, log: Path, tell: Tell) -> Path:
    base = cache / f"debian-{_key((SUITE, *PACKAGES), (), ())}"
    if not base.exists():
        tell(f"debootstrap: Debian {SUITE}; the first time takes some minutes")
        made = cache / "debian.part"
        if made.exists():
            shutil.rmtree(made)
        include = f"--include={','.join(PACKAGES)}"
        command = ["debootstrap", "--arch=amd64", "--variant=minbase", include, SUITE, str(made), host.debian_mirror()]
        host.run(command, log, env=host.proxy())
        made.rename(base)
    return base


def _wheels(source: Path, cache: Path, log: Path, tell: Tell) -> Path:
    wheels = cache / f"wheels-{_key((host.PYTHON, *host.PICAMERA2), (source / 'pyproject.toml',), ())}"
    if not wheels.exists():
        tell("fetching the wheels that the product needs")
        made = cache / "wheels.part"
        _fresh(made)
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
    # Step 3, `edge-lpr check`, looks at a running machine, and step 4 starts the service: here the boot does.
    script = ["set -eux", *steps[0], *steps[1], steps[3][0].replace(" --now", "")]
    host.run(["chroot", root, "/bin/bash", "-c", "\n".join(script)], log, env={"HOME": "/root", "LC_ALL": "C.UTF-8"})
    _lay_out(root)
    host.run(["chroot", root, "/bin/bash", "-eux", "/usr/local/lib/gate/set-up.sh", *host.PICAMERA2], log)
    shutil.rmtree(root / _WHEELS)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copyfile(next((root / "boot").glob(f"{name}-*")), made / name)
    host.run(["mke2fs", "-q", "-t", "ext4", "-L", "gate", "-d", root, made / "disk.ext4", SIZE], log)
    shutil.rmtree(root)


def _lay_out(root: Path) -> None:
    """Put in what makes a gate of the machine: the camera, the broker's rights, the network, the agent."""
    gate = root / "usr/local/lib/gate"
    gate.mkdir(parents=True)
    for path in GUEST.iterdir():
        shutil.copyfile(path, gate / path.name)
    write_scenes(gate / "scenes")


def _fresh(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()


def _key(words: Iterable[str], *files: Iterable[Path]) -> str:
    digest = hashlib.sha256("\n".join(words).encode())
    for group in files:
        for path in group:
            digest.update(f"\n{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
