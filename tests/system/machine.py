"""The virtual machine: fully emulated without KVM, with a channel to an agent. A power cut kills the emulator."""

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

TIMEOUT_S = 2400.0
"""Seconds of the host's time for actions that take minutes in the guest: the emulator shares the machine."""

MEMORY_MB = 2048
HOST = "10.0.2.2"
"""The address of the host in the guest's network."""

_CHEAP = (
    "mitigations=off apparmor=0 init_on_alloc=0 modprobe.blacklist=ata_piix,ata_generic,i2c_piix4,floppy,psmouse,pcspkr"
)
"""Kernel parameters that avoid work which this test does not need."""


class Machine:
    """One machine with its own copy of the image's disk. ``boot`` and ``cut_power`` can be repeated.

    Its clock follows the executed instructions (``-icount``), one nanosecond for each. So the guest is a machine of
    1 GHz with one processor, however busy the host is, and the time-outs of the unit and the watchdog have their usual
    meaning. With the host's clock, a slow guest would spend its time on camera frames and on services that systemd
    restarts after time-outs. ``Card`` simulates the disk at a power cut.
    """

    def __init__(self, image: Image, folder: Path, seed: int = 1) -> None:
        self._image = image
        self.folder = folder
        self.disk = folder / "disk.ext4"
        self._card = Card(self.disk, folder / "card", random.Random(seed))
        self._process: subprocess.Popen[bytes] | None = None
        self._agent: _AgentChannel | None = None
        self.boots = 0
        self.switched_on_s = 0.0
        """Time of the last boot, by the host's monotonic clock."""

    @property
    def console(self) -> Path:
        """The output of the guest on its serial console, of all boots."""
        return self.folder / "console.log"

    @property
    def service_log(self) -> Path:
        """The log of the service, of all boots, as it left the guest. Its lines are not lost in a power cut."""
        return self.folder / "service.log"

    def boot(self) -> float:
        """Starts the machine and waits for the agent; returns the seconds that it took. Raises SystemTestError."""
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
        self._agent = _AgentChannel(path, self._process)
        self._agent.run("true", TIMEOUT_S)
        return time.monotonic() - self.switched_on_s

    def _command(self, agent: Path) -> list[str]:
        return [
            "nice", "-n", "5", "qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=0,sleep=on",
            "-cpu", "max", "-m", str(MEMORY_MB), "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
            "-kernel", str(self._image.kernel), "-initrd", str(self._image.initrd),
            "-append", f"root=/dev/vda ro console=ttyS0 panic=-1 quiet systemd.show_status=no {_CHEAP}",
            # cache=none: qemu passes on every flush, and the guest flushes because it sees a write cache.
            "-drive", f"file=nbd+unix:///?socket={self._card.path},format=raw,if=virtio,cache=none",
            "-nic", "user,model=virtio-net-pci",
            "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=agent,path={agent},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=gate.agent",
            "-chardev", f"file,id=log,path={self.service_log},append=on",
            "-device", "virtserialport,chardev=log,name=gate.log",
        ]  # fmt: skip

    def run(self, command: str, timeout_s: float = TIMEOUT_S) -> tuple[int, str]:
        """Runs a shell line in the guest as root; returns exit code and output. Raises SystemTestError."""
        assert self._agent is not None, "the machine is off"
        return self._agent.run(command, timeout_s)

    def run_checked(self, command: str, timeout_s: float = TIMEOUT_S) -> str:
        """Runs a shell line in the guest as root; returns its output. Raises SystemTestError if it fails."""
        code, output = self.run(command, timeout_s)
        if code:
            raise SystemTestError(f"in the guest, `{command}` ended with {code}: {output.strip()[-500:]}")
        return output.strip()

    def stop_in_a_write(self, blocks: int) -> bool:
        """Waits until ``blocks`` blocks are unflushed; the card then stops answering. Returns False on time-out."""
        return self._card.stop_in_a_write(blocks, TIMEOUT_S)

    def cut_power(self) -> tuple[int, int]:
        """Kills the emulator at once; returns the numbers of unflushed blocks and of lost blocks."""
        process, self._process = self._process, None
        agent, self._agent = self._agent, None
        if agent is not None:
            agent.close()
        if process is not None:
            process.kill()
            process.wait()
        return self._card.cut()

    def __enter__(self) -> Machine:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.cut_power()


class _AgentChannel:
    """The channel to the agent: one request at a time, each with a number that its answer repeats."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes]) -> None:
        self._path = path
        self._process = process
        self._socket: socket.socket | None = None
        self._waiting = b""
        self._requests = 0

    def run(self, command: str, timeout_s: float) -> tuple[int, str]:
        deadline_s = time.monotonic() + timeout_s
        line = self._connect(deadline_s)
        self._requests += 1
        line.sendall(json.dumps({"id": self._requests, "command": command}).encode() + b"\n")
        while True:
            *answers, self._waiting = self._waiting.split(b"\n")
            for answer in map(json.loads, answers):
                if answer["id"] == self._requests:
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
                raise SystemTestError(f"the emulator ended, code {self._process.wait()}; its console has the reason")
            self._waiting += received

    def _connect(self, deadline_s: float) -> socket.socket:
        while self._socket is None:
            made = socket.socket(socket.AF_UNIX)
            try:
                made.connect(os.fspath(self._path))
            except (FileNotFoundError, ConnectionRefusedError) as error:
                made.close()
                if self._process.poll() is not None or time.monotonic() > deadline_s:
                    raise SystemTestError("the emulator did not start; its console has the reason") from error
                threading.Event().wait(0.1)
            else:
                self._socket = made
        return self._socket

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
