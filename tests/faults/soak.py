"""A soak test: the gate at full frame rate for a long time, with faults. Reports losses and growth.

    python -m tests.faults.soak [--minutes 45] [--seed 1] [--out build/soak]

Prints the results, and writes soak.png, soak.csv and gate.log into ``--out``. The exit code is 1 if

* a passage was lost, had two ids or was out of order,
* a vehicle was read wrong or twice, or more than 1 % of the undisturbed vehicles were missed,
* the gate logged a traceback, or
* memory or descriptors grow.

A gate that ends or does not recover from a fault is an error at once.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.chart import Line, Panel, Span, draw
from tests.faults.process_sampling import Sample, Slope, slope, write
from tests.faults.soak_run import FaultRecord, Plan, Soak, soak

WARM_UP = 1 / 3
"""Share of the time that is ignored for growth; in 45 minutes each fault has occurred by then."""
MEMORY_MB_PER_HOUR = 4.0
"""Upper limit for the confidence interval of the growth of the process's own memory."""
DESCRIPTORS_PER_HOUR = 1.0
MISSED = 0.01
"""Share of the undisturbed vehicles that may be missed, because the machine may be busy with other work."""
FEWEST_VEHICLES = 100
"""With fewer vehicles the share is not checked."""


@dataclass(frozen=True)
class Growth:
    """Slopes after the warm-up; None if the test was too short."""

    own: Slope | None
    resident: Slope | None
    descriptors: Slope | None

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Growth:
        """Returns the slopes of ``samples``."""
        settled = [sample for sample in samples if sample.at_s >= WARM_UP * samples[-1].at_s]
        times = [sample.at_s for sample in settled]
        return cls(
            slope(times, [sample.own_mb for sample in settled]),
            slope(times, [sample.rss_mb for sample in settled]),
            slope(times, [sample.descriptors for sample in settled]),
        )


def faults(result: Soak, growth: Growth) -> Iterator[str]:
    """Yields the findings against the gate; none if it passed."""
    if not result.tally.is_sound:
        yield f"passages: {result.tally}"
    seen = result.sightings
    if not seen.is_sound or (seen.driven >= FEWEST_VEHICLES and seen.missed > MISSED * seen.driven):
        yield f"vehicles: {seen}"
    if "Traceback" in result.log:
        yield f"{result.log.count('Traceback')} tracebacks in the log"
    before, after = result.descriptors
    if after > before:
        yield f"{before} descriptors at rest before, {after} after"
    if growth.own is not None and growth.own.high > MEMORY_MB_PER_HOUR:
        yield f"memory, MB: {growth.own}; allowed are {MEMORY_MB_PER_HOUR:g}"
    if growth.descriptors is not None and growth.descriptors.high > DESCRIPTORS_PER_HOUR:
        yield f"descriptors: {growth.descriptors}; allowed is {DESCRIPTORS_PER_HOUR:g}"


def report(record: FaultRecord) -> None:
    """Prints one fault when it is over."""
    minutes, seconds = divmod(record.from_s, 60)
    lasted_s = record.to_s - record.from_s
    print(f"{minutes:3.0f}:{seconds:02.0f}  {record.name} for {lasted_s:.1f} s, the next passage "
          f"{record.recovered_s:.1f} s later", flush=True)  # fmt: skip


def print_result(result: Soak, growth: Growth) -> None:
    """Prints the table of faults and the totals."""
    console, samples = Console(width=120), result.samples
    table = Table("fault", "times", "seconds altogether", "recovered within")
    for name, group in itertools.groupby(sorted(result.records, key=lambda one: one.name), lambda one: one.name):
        each = list(group)
        lasted_s, longest_s = sum(one.to_s - one.from_s for one in each), max(one.recovered_s for one in each)
        table.add_row(name, str(len(each)), f"{lasted_s:.0f}", f"{longest_s:.1f} s")
    console.print(table)
    lasted_s, frames = samples[-1].at_s - samples[0].at_s, samples[-1].frames - samples[0].frames
    dropped, cpu_s = samples[-1].dropped - samples[0].dropped, samples[-1].cpu_s - samples[0].cpu_s
    before, after = result.descriptors
    console.print(f"{lasted_s / 60:.1f} minutes, {len(result.records)} faults, {frames} frames, of which {dropped} "
                  f"unread; {cpu_s / lasted_s:.0%} of a core")  # fmt: skip
    console.print(f"passages: {result.tally}")
    console.print(f"vehicles: {result.sightings}")
    console.print(f"memory, MB: its own {samples[-1].own_mb:.0f} at the end, {growth.own or 'too short for a slope'}; "
                  f"with files {samples[-1].rss_mb:.0f}, {growth.resident or 'likewise'}")  # fmt: skip
    console.print(f"descriptors: {before} at rest before, {after} after; {growth.descriptors or 'likewise'}")


def plot(path: Path, result: Soak, growth: Growth) -> None:
    """Draws all samples, with the faults as shaded spans."""
    samples = result.samples

    def line(label: str, values: Sequence[float]) -> Line:
        return Line(label, [(sample.at_s, value) for sample, value in zip(samples, values, strict=True)])

    memory = [line("own", [s.own_mb for s in samples]), line("with files", [s.rss_mb for s in samples])]
    fit = growth.own
    if fit is not None:
        ends = [(at_s, fit.at(at_s)) for at_s in (fit.from_s, fit.to_s)]
        memory.append(Line(f"fit, {fit}", ends, thin=True))
    steps = list(itertools.pairwise(samples))
    panels = (
        Panel("memory, MB", memory, from_zero=False),
        Panel("open", [line("descriptors", [s.descriptors for s in samples]),
                       line("threads", [s.threads for s in samples])]),
        Panel("passages that wait for the broker", [line("waiting", [s.waiting for s in samples])]),
        Panel("frames a second", [_rate("from the camera", steps, [b.frames - a.frames for a, b in steps]),
                                  _rate("unread", steps, [b.dropped - a.dropped for a, b in steps])]),
        Panel("processor, share of a core", [_rate("service", steps, [b.cpu_s - a.cpu_s for a, b in steps])]),
    )  # fmt: skip
    spans = [Span(one.kind, one.from_s, one.to_s) for one in result.records]
    before, after = result.descriptors
    draw(path, f"{result.tally.produced} passages, {result.tally.lost} lost; {len(spans)} faults; descriptors at rest "
               f"{before} before, {after} after", panels, spans)  # fmt: skip


def _rate(label: str, steps: Sequence[tuple[Sample, Sample]], changes: Sequence[float]) -> Line:
    """Returns the changes between samples, per second."""
    return Line(label, [(b.at_s, change / (b.at_s - a.at_s)) for (a, b), change in zip(steps, changes, strict=True)])


def main() -> None:
    """Runs the test, prints, draws, and sets the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/soak"))
    options = parser.parse_args()
    result = soak(Plan(options.minutes * 60, seed=options.seed), report)
    growth = Growth.of(result.samples)
    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out / "soak.csv", result.samples)
    (options.out / "gate.log").write_text(result.log, encoding="utf-8")
    plot(options.out / "soak.png", result, growth)
    print_result(result, growth)
    print(f"chart, samples and log: {options.out}")
    findings = list(faults(result, growth))
    if findings:
        sys.exit("; ".join(findings))
    print("passed")


if __name__ == "__main__":
    main()
