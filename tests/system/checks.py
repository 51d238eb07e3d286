"""What must hold of a gate in the machine. Each check returns what it saw, or raises SystemTestError."""

from __future__ import annotations

import re
from pathlib import Path

from tests.system.host import SystemTestError
from tests.system.install_steps import install_steps
from tests.system.machine import Machine
from tests.system.scenes import NUMBERS

TOPIC = "edge-lpr/gate-vm/plate"
START_S = 300
"""Of the guest's time: from the boot or a restart until the first frame was read."""

READ_S = 180
"""Of the guest's time: until all vehicles drove up once more and were read."""

SECURITY = 2.0
_PYTHON, _PROBE = "/opt/edge-lpr/venv/bin/python", "/root/probe.py"
_UNBIND, _BIND = (f"echo vivid.0 >/sys/bus/platform/drivers/vivid/{what}" for what in ("unbind", "bind"))


def wait_until_ready(machine: Machine) -> None:
    """Until systemd was told that the first frame was read."""
    machine.ask(f"timeout {START_S} bash -c 'until systemctl is-active -q edge-lpr; do sleep 1; done'")


def plates(machine: Machine, count: int) -> list[str]:
    """The numbers of the next ``count`` passages, from the broker in the guest."""
    wanted = f"mosquitto_sub -t {TOPIC} -C {count} -W {READ_S} -F %p"
    output = machine.ask(wanted)
    return re.findall(r'"Response":\s*{"Number":\s*"([^"]+)"', output)


def main_pid(machine: Machine) -> str:
    """The service's process."""
    return machine.ask("systemctl show -P MainPID edge-lpr")


def starts_at_boot_and_reads(machine: Machine, _source: Path) -> str:
    """Nobody starts it; the vehicles that the V4L2 camera shows are published."""
    wait_until_ready(machine)
    seen = plates(machine, len(NUMBERS))
    if set(seen) - set(NUMBERS) or not seen:
        raise SystemTestError(f"the camera shows {' '.join(NUMBERS)}, and {' '.join(seen)} was published")
    return f"{len(seen)} passages: {' '.join(seen)}"


def watchdog_restarts_a_stopped_loop(machine: Machine, _source: Path) -> str:
    """SIGSTOP; systemd finds out, ends the process and starts another."""
    before = main_pid(machine)
    gone = f"until [ $(systemctl show -P MainPID edge-lpr) != {before} ]; do sleep 1; done"
    machine.ask(f"kill -STOP {before}; SECONDS=0; timeout 120 bash -c '{gone}'")
    wait_until_ready(machine)
    said = machine.ask("journalctl -b -u edge-lpr -o cat --no-pager | grep -i watchdog | head -1")
    return f"{said} Process {before}, then {main_pid(machine)}"


def camera_unbound_and_bound_heals(machine: Machine, _source: Path) -> str:
    """The driver lets go of the camera, and takes it again; the same process reads on."""
    before = main_pid(machine)
    machine.ask(f"{_UNBIND}; sleep 10; {_BIND}")
    seen = plates(machine, 2)
    after = main_pid(machine)
    process = "the same process" if after == before else "systemd started the service anew"
    return f"then {' '.join(seen)}, by {process}; nodes: {machine.ask('echo /dev/video*')}"


def unit_is_hardened(machine: Machine, _source: Path) -> str:
    """systemd-analyze's score, with the camera reachable as the other checks show."""
    report = machine.ask("systemd-analyze security --no-pager edge-lpr")
    print(report)
    found = re.search(r"Overall exposure level for edge-lpr\.service: ([\d.]+)", report)
    if found is None or float(found[1]) >= SECURITY:
        raise SystemTestError(f"systemd-analyze security gives {found and found[1]}; below {SECURITY} is demanded")
    return found[0]


def readme_check_works(machine: Machine, source: Path) -> str:
    """Step 3 of docs/install.md, with the service stopped as it is there."""
    machine.ask("systemctl stop edge-lpr")
    code, output = machine.run(install_steps(source)[2][0])
    print(output)
    machine.ask("systemctl start --no-block edge-lpr")
    if code:
        raise SystemTestError(f"edge-lpr check ended with {code}")
    wait_until_ready(machine)
    return "every finding is well"


def picamera2_as_far_as_it_goes(machine: Machine, _source: Path) -> str:
    """The Pi camera's adapter on the real picamera2 and libcamera's virtual camera, with the service stopped."""
    machine.ask("systemctl stop edge-lpr gate-camera")
    for name, target in (("virtual.yaml", "/usr/share/libcamera/pipeline/virtual/virtual.yaml"), ("probe.py", _PROBE)):
        text = (Path(__file__).parent / "picamera2" / name).read_text(encoding="utf-8")
        machine.ask(f"mkdir -p $(dirname {target}); cat >{target} <<'END-OF-FILE'\n{text}END-OF-FILE")
    code, output = machine.run(f"cd /root && {_PYTHON} {_PROBE} 2>/root/picamera2.log")
    print(output)
    if code:
        raise SystemTestError(f"{output.strip()[-300:]} {machine.run('tail -5 /root/picamera2.log')[1].strip()}")
    machine.ask("systemctl start --no-block gate-camera edge-lpr")
    wait_until_ready(machine)
    return f"{output.count('as known: ')} steps as known"


ALL = {
    "boot": starts_at_boot_and_reads,
    "security": unit_is_hardened,
    "camera": camera_unbound_and_bound_heals,
    "watchdog": watchdog_restarts_a_stopped_loop,
    "check": readme_check_works,
    "picamera": picamera2_as_far_as_it_goes,
}
