"""Runs tests/fuzz/test_fuzz_config.py with many settings files and measures the memory.

    python -m tests.fuzz.long_config [--files 10000]

Fails if a file gives neither settings nor clear error lines, if memory grows by more than ``GROWTH_MB``, or if fewer
files were read than requested.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psutil
from hypothesis import HealthCheck, Phase, given, seed, settings
from rich.progress import track

from tests.fuzz.config_cases import environments, files, load_and_check

AT_ONCE = 250
GROWTH_MB = 100.0


def main() -> None:
    """Reads the files and prints the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    wanted = parser.parse_args().files
    outcomes: Counter[str] = Counter()
    memory_mb: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        for number in track(range(-(-wanted // AT_ONCE)), "reading"):
            _run(number, min(AT_ONCE, wanted - outcomes.total()), Path(name) / "config.yaml", outcomes)
            memory_mb.append(psutil.Process().memory_info().rss / 2**20)
    print(f"{outcomes.total()} files: {outcomes['settings']} gave settings, {outcomes['refused']} were refused")
    settled_mb, last_mb = memory_mb[len(memory_mb) // 10], memory_mb[-1]
    print(f"memory {settled_mb:.0f} MB after a tenth of them, {last_mb:.0f} MB at the end")
    if last_mb - settled_mb > GROWTH_MB:
        sys.exit("memory grows")
    if outcomes.total() < wanted:
        sys.exit("fewer files than requested")


def _run(number: int, count: int, path: Path, outcomes: Counter[str]) -> None:
    """Reads ``count`` generated files. Each run has its own seed: Hypothesis keeps all examples of a run in memory."""

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(content=files(), environ=environments())
    def read(content: bytes, environ: dict[str, str]) -> None:
        outcomes[load_and_check(path, content, environ)] += 1

    read()


if __name__ == "__main__":
    main()
