"""The benchmark measures every stage, with and without a plate in the frame."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from edge_lpr.config import ReaderSettings
from edge_lpr.evaluation import benchmark


@pytest.mark.parametrize("image", [None, np.full((360, 640, 3), 90, np.uint8)], ids=["a drawn car", "nothing"])
def test_every_stage_is_measured(models_dir: Path, image: NDArray[np.uint8] | None) -> None:
    console = Console(file=io.StringIO(), width=120)
    result = benchmark.run_benchmark(ReaderSettings(models_dir=models_dir, threads=1), image, 4, console)
    benchmark.print_result(result, console)
    assert [stage.name for stage in result.stages] == list(benchmark.STAGES)
    assert all(stage.runs == 4 and 0 < stage.median_ms <= stage.p95_ms for stage in (*result.stages, result.total))
    assert result.frames_per_second > 0
    assert result.peak_memory_mb > 10
    assert isinstance(console.file, io.StringIO)
    for word in (*benchmark.STAGES, "frames per second", "peak memory", "MACs"):
        assert word in console.file.getvalue()
