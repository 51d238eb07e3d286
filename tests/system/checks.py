"""The checks of a gate in the machine. Each returns its observation as text, or raises SystemTestError."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.scripted_camera import NUMBERS
from tests.system.host import SystemTestError
from tests.system.install_steps import install_steps
from tests.system.machine import Machine

TOPIC = "edge-lpr/gate-vm/plate"
START_S = 300
"""Seconds of the guest's time from the boot or a restart until the first frame was read."""

READ_S = 180
"""Seconds of the guest's time until all vehicles drove up once more and were read."""

SECURITY = 2.0
_PYTHON, _PROBE = "/opt/edge-lpr/venv/bin/python", "/root/probe.py"
_UNBIND, _BIND = (f"echo vivid.0 >/sys/bus/platform/drivers/vivid/{what}" for what in ("unbind", "bind"))


def wait_until_ready(machine: Machine) -> None:
    """Waits until the service has reported its first frame to systemd."""
    machine.run_checked(f"timeout {START_S} bash -c 'until systemctl is-active -q edge-lpr; do sleep 1; done'")


def plates(machine: Machine, count: int) -> list[str]:
    """Returns the plate numbers of the next ``count`` passages, from the broker in the guest."""
    wanted = f"mosquitto_sub -t {TOPIC} -C {count} -W {READ_S} -F %p"
    output = machine.run_checked(wanted)
    return re.findall(r'"Response":\s*{"Number":\s*"([^"]+)"', output)


def main_pid(machine: Machine) -> str:
    """Returns the process id of the service."""
    return machine.run_checked("systemctl show -P MainPID edge-lpr")


def starts_at_boot_and_reads(machine: Machine, _source: Path) -> str:
    """The service starts at boot, and the vehicles of the V4L2 camera are published."""
    wait_until_ready(machine)
    seen = plates(machine, len(NUMBERS))
    if set(seen) - set(NUMBERS) or not seen:
        raise SystemTestError(f"the camera shows {' '.join(NUMBERS)}, but {' '.join(seen)} was published")
    return f"{len(seen)} passages: {' '.join(seen)}"


def watchdog_restarts_a_stopped_loop(machine: Machine, _source: Path) -> str:
    """After SIGSTOP, systemd detects the stopped process, ends it and starts another."""
    before = main_pid(machine)
    gone = f"until [ $(systemctl show -P MainPID edge-lpr) != {before} ]; do sleep 1; done"
    machine.run_checked(f"kill -STOP {before}; SECONDS=0; timeout 120 bash -c '{gone}'")
    wait_until_ready(machine)
    said = machine.run_checked("journalctl -b -u edge-lpr -o cat --no-pager | grep -i watchdog | head -1")
    return f"{said} Process {before}, then {main_pid(machine)}"


def camera_unbound_and_bound_heals(machine: Machine, _source: Path) -> str:
    """The driver releases the camera and takes it again; the same process continues to read."""
    before = main_pid(machine)
    machine.run_checked(f"{_UNBIND}; sleep 10; {_BIND}")
    seen = plates(machine, 2)
    after = main_pid(machine)
    process = "the same process" if after == before else "systemd restarted the service"
    return f"then {' '.join(seen)}, by {process}; nodes: {machine.run_checked('echo /dev/video*')}"


def unit_is_hardened(machine: Machine, _source: Path) -> str:
    """The score of systemd-analyze. The other checks show that the camera is still accessible."""
    report = machine.run_checked("systemd-analyze security --no-pager edge-lpr")
    print(report)
    found = re.search(r"Overall exposure level for edge-lpr\.service: ([\d.]+)", report)
    if found is None or float(found[1]) >= SECURITY:
        raise SystemTestError(f"systemd-analyze security gives {found and found[1]}; below {SECURITY} is required")
    return found[0]


def readme_check_works(machine: Machine, source: Path) -> str:
    """Step 3 of docs/install.md, with the service stopped as in that document."""
    machine.run_checked("systemctl stop edge-lpr")
    code, output = machine.run(install_steps(source)[2][0])
    print(output)
    machine.run_checked("systemctl start --no-block edge-lpr")
    if code:
        raise SystemTestError(f"edge-lpr check ended with {code}")
    wait_until_ready(machine)
    return "every finding is ok"


def picamera2_with_virtual_camera(machine: Machine, _source: Path) -> str:
    """The adapter of the Pi camera with the real picamera2 and libcamera's virtual camera; the service is stopped."""
    machine.run_checked("systemctl stop edge-lpr gate-camera")
    for name, target in (("virtual.yaml", "/usr/share/libcamera/pipeline/virtual/virtual.yaml"), ("probe.py", _PROBE)):
        text = (Path(__file__).parent / "picamera2" / name).read_text(encoding="utf-8")
        machine.run_checked(f"mkdir -p $(dirname {target}); cat >{target} <<'END-OF-FILE'\n{text}END-OF-FILE")
    code, output = machine.run(f"cd /root && {_PYTHON} {_PROBE} 2>/root/picamera2.log")
    print(output)
    if code:
        raise SystemTestError(f"{output.strip()[-300:]} {machine.run('tail -5 /root/picamera2.log')[1].strip()}")
    machine.run_checked("systemctl start --no-block gate-camera edge-lpr")
    wait_until_ready(machine)
    return f"{output.count('as expected: ')} steps as expected"


ALL = {
    "boot": starts_at_boot_and_reads,
    "security": unit_is_hardened,
    "camera": camera_unbound_and_bound_heals,
    "watchdog": watchdog_restarts_a_stopped_loop,
    "check": readme_check_works,
    "picamera": picamera2_with_virtual_camera,
}
