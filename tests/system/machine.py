"""The virtual machine: emulated whole, without KVM, with a line to an agent in it; its power is cut by killing it."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import threading
import time
from pathlib import Path

from tests.system.card import Card
from tests.system.host import SystemTestError
from tests.system.image import Image

PATIENCE_S = 2400.0
"""Of the host's time, for what takes the guest minutes: it is an emulator on a machine that has other work."""

MEMORY_MB = 2048
HOST = "10.0.2.2"
"""The host as the guest sees it."""

_CHEAP = (
    "mitigations=off apparmor=0 init_on_alloc=0 modprobe.blacklist=ata_piix,ata_generic,i2c_piix4,floppy,psmouse,pcspkr"
)
"""Kernel parameters that spare an emulated processor work that this test is not about."""


class Machine:
    """One machine with a disk of its own, a copy of the image's. ``boot`` and ``cut_power`` as often as wished.

    Its time goes by its own work (``-icount``): an instruction takes a nanosecond, so that to the guest it is a machine
    of 1 GHz, with one processor, however busy the host is, and the time-outs of the unit and its watchdog mean what
    they mean at a gate. On the host's clock a starved guest would spend its share on a camera that does not wait, and
    on starting over what systemd had no more patience with. What its disk does in a power cut: see ``Card``.
    """

    def __init__(self, image: Image, folder: Path, seed: int = 1) -> None:
        self._image = image
        self.folder = folder
        self.disk = folder / "disk.ext4"
        self._card = Card(self.disk, folder / "card", random.Random(seed))
        self._process: subprocess.Popen[bytes] | None = None
        self._line: _Line | None = None
        self.boots = 0
        self.switched_on_s = 0.0
        """When it was last switched on, on the host's monotonic clock."""

    @property
    def console(self) -> Path:
        """What the guest wrote on its serial console, in all boots."""
        return self.folder / "console.log"

    @property
    def service_log(self) -> Path:
        """What the service logged, in all boots, as it left the guest: a line that is here was not lost in a cut."""
        return self.folder / "service.log"

    def boot(self) -> float:
        """Switch on, and wait until the agent answers; the seconds it took. Raises SystemTestError."""
        if not self.disk.exists():
            subprocess.run(["cp", "--sparse=always", "--reflink=auto", self._image.disk, self.disk], check=True)
        path = self.folder / "agent"
        path.unlink(missing_ok=True)
        self._card.insert()
        self.switched_on_s = time.monotonic()
        with self.console.open("ab") as console:
            self._process = subprocess.Popen(
                self._command(path), stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        self.boots += 1
        self._line = _Line(path, self._process)
        self._line.ask("true", PATIENCE_S)
        return time.monotonic() - self.switched_on_s

    def _command(self, agent: Path) -> list[str]:
        return [
            "nice", "-n", "5", "qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=0,sleep=on",
            "-cpu", "max", "-m", str(MEMORY_MB), "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
            "-kernel", str(self._image.kernel), "-initrd", str(self._image.initrd),
            "-append", f"root=/dev/vda ro console=ttyS0 panic=-1 quiet systemd.show_status=no {_CHEAP}",
            # cache=none: qemu passes on every flush, and the guest knows of a cache that wants flushing.
            "-drive", f"file=nbd+unix:///?socket={self._card.path},format=raw,if=virtio,cache=none",
            "-nic", "user,model=virtio-net-pci",
            "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=agent,path={agent},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=gate.agent",
            "-chardev", f"file,id=log,path={self.service_log},append=on",
            "-device", "virtserialport,chardev=log,name=gate.log",
        ]  # fmt: skip

    def run(self, command: str, timeout_s: float = PATIENCE_S) -> tuple[int, str]:
        """Run a shell line in the guest as root; its exit code, and what it wrote. Raises SystemTestError."""
        assert self._line is not None, "the machine is off"
        return self._line.ask(command, timeout_s)

    def ask(self, command: str, timeout_s: float = PATIENCE_S) -> str:
        """What a shell line in the guest wrote. Raises SystemTestError where it fails."""
        code, output = self.run(command, timeout_s)
        if code:
            raise SystemTestError(f"in the guest, `{command}` ended with {code}: {output.strip()[-500:]}")
        return output.strip()

    def stop_in_a_write(self, blocks: int) -> bool:
        """Wait until the card was sent that many blocks and no flush; it then stands still. False if it never was."""
        return self._card.stop_in_a_write(blocks, PATIENCE_S)

    def cut_power(self) -> tuple[int, int]:
        """Kill the emulator at once. How many blocks its card had not been asked to keep, and how many it lost."""
        process, self._process = self._process, None
        line, self._line = self._line, None
        if line is not None:
            line.close()
        if process is not None:
            process.kill()
            process.wait()
        return self._card.cut()

    def __enter__(self) -> Machine:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.cut_power()


class _Line:
    """The agent's line: one question at a time, each answered by its number."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes]) -> None:
        self._path = path
        self._process = process
        self._socket: socket.socket | None = None
        self._waiting = b""
        self._asked = 0

    def ask(self, command: str, timeout_s: float) -> tuple[int, str]:
        deadline_s = time.monotonic() + timeout_s
        line = self._connect(deadline_s)
        self._asked += 1
        line.sendall(json.dumps({"id": self._asked, "command": command}).encode() + b"\n")
        while True:
            *answers, self._waiting = self._waiting.split(b"\n")
            for answer in map(json.loads, answers):
                if answer["id"] == self._asked:
                    return answer["code"], answer["output"]
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise SystemTestError(f"the guest did not answer `{command}` within {timeout_s:.0f} s")
            line.settimeout(left_s)
            try:
                received = line.recv(65536)
            except TimeoutError:
                continue
            if not received:
                raise SystemTestError(f"the emulator ended, code {self._process.wait()}; its console tells why")
            self._waiting += received

    def _connect(self, deadline_s: float) -> socket.socket:
        while self._socket is None:
            made = socket.socket(socket.AF_UNIX)
            try:
                made.connect(os.fspath(self._path))
            except (FileNotFoundError, ConnectionRefusedError) as error:
                made.close()
                if self._process.poll() is not None or time.monotonic() > deadline_s:
                    raise SystemTestError("the emulator did not start; its console tells why") from error
                threading.Event().wait(0.1)
            else:
                self._socket = made
        return self._socket

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
