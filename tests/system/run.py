"""The system test: a gate in a virtual machine with the real unit, watchdog, hardening, camera and power cuts.

    python -m tests.system.run [--cuts 20] [--only boot,power] [--source CHECKOUT]      as root; `make system-test`

The image is built once, kept in cache/system, and built again when the product has changed. ``--keep`` leaves the disk
and the console of the last machine there.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.system import checks, image, power
from tests.system.host import SystemTestError
from tests.system.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
CUTS = 20
POWER = "power"


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    check: str
    passed: bool
    seen: str
    seconds: float


def main() -> int:
    """Builds, boots, checks and prints the table; returns 0 if all checks passed."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the emulator is stopped too
    began_s = time.monotonic()

    def report(text: str) -> None:
        print(f"[{time.monotonic() - began_s:6.0f} s] {text}", flush=True)

    cache = ROOT / "cache" / "system"
    try:
        built = image.build(options.source.resolve(), cache, report)
        folder = Path(tempfile.mkdtemp(prefix="machine-", dir=cache))
        with Machine(built, folder, options.seed) as machine:
            report("booting; this takes minutes on an emulated processor")
            report(f"booted within {machine.boot():.0f} s")
            rows = [_row(name, machine, options, report) for name in options.only]
    except SystemTestError as error:
        print(f"system test: {error}", file=sys.stderr)
        return 1
    if not options.keep:
        shutil.rmtree(folder)
    table = Table("check", "passed", "observed", "s", title=f"a gate in a virtual machine; {machine.boots} boots")
    for row in rows:
        table.add_row(row.check, "yes" if row.passed else "NO", row.seen, f"{row.seconds:.0f}")
    Console(width=120).print(table)
    return 0 if all(row.passed for row in rows) else 1


def _row(name: str, machine: Machine, options: argparse.Namespace, report: Callable[[str], None]) -> Row:
    report(name)
    began_s = time.monotonic()
    try:
        if name == POWER:
            broker = power.OuterBroker(machine.folder)
            try:
                broker.start()
                seen, passed = power.PowerCuts(machine, broker, options.seed).run(options.cuts, report), True
            finally:
                broker.stop()
        else:
            seen, passed = checks.ALL[name](machine, options.source), True
    except (
        SystemTestError,
        AssertionError,
    ) as error:  # the fixtures raise AssertionError
        seen, passed = str(error), False
    report(f"{name}: {seen}")
    return Row(name, passed, seen, time.monotonic() - began_s)


def _options() -> argparse.Namespace:
    names = [*checks.ALL, POWER]

    def chosen(text: str) -> list[str]:
        if unknown := set(text.split(",")) - set(names):
            raise argparse.ArgumentTypeError(f"no such check: {', '.join(unknown)}; there are {', '.join(names)}")
        return [name for name in names if name in text.split(",")]

    parser = argparse.ArgumentParser(description="A gate in a virtual machine.")
    parser.add_argument("--cuts", type=int, default=CUTS, help=f"power cuts (default: {CUTS})")
    parser.add_argument("--only", type=chosen, default=names, help=f"some of {','.join(names)}, with commas")
    parser.add_argument("--source", type=Path, default=ROOT, help="the checkout to install (default: this one)")
    parser.add_argument("--seed", type=int, default=1, help="for the times of the power cuts")
    parser.add_argument("--keep", action="store_true", help="keep the machine's disk and console in the cache")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
