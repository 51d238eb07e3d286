"""Every command of models/training/README.md, for a few steps on a few pictures.

The commands run as one chain: pool, training, export, calibration, acceptance criteria, report. They need the
environment of models/training/requirements.txt, which takes a minute and 2.3 GB to install. ``make train-smoke``
installs it, sets EDGE_LPR_TRAINING_PYTHON to its Python and runs this test.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from edge_lpr.errors import InputError
from edge_lpr.vision.model_file import load_models

PICTURES = {"train": 24, "val": 8}
"""Pictures of each set and split. The export of the detector needs 100 different photos."""


@pytest.fixture(scope="module")
def training_python() -> Path:
    named = os.environ.get("EDGE_LPR_TRAINING_PYTHON")
    if named is None:
        pytest.skip("EDGE_LPR_TRAINING_PYTHON is not set; run make train-smoke")
    return Path(named).absolute()


@pytest.fixture(scope="module")
def few_pictures(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The development data, with a few pictures of each set."""
    root = tmp_path_factory.mktemp("data")
    for name in ("glyphs", "templates"):
        (root / name).symlink_to(shared_data / name)
    for layout in ("scenes", "crops"):
        (root / layout).mkdir()
        for labels in (shared_data / layout).glob("*.json"):
            (root / layout / labels.stem).symlink_to(labels.with_suffix(""))
            text = json.dumps(_few(json.loads(labels.read_text(encoding="utf-8"))), ensure_ascii=False)
            (root / layout / labels.name).write_text(text, encoding="utf-8")
    (root / "negatives").mkdir()
    for patch in sorted(path for path in (shared_data / "negatives").rglob("*.jpg"))[:20]:
        (root / "negatives" / patch.name).symlink_to(patch)
    return root


def _few(entries: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    left = dict(PICTURES)
    kept = {}
    for name, entry in entries.items():
        plates = entry.get("plates", [entry])
        assert isinstance(plates, list)
        split = plates[0]["split"] if plates else "train"
        if left[split]:
            kept[name] = entry
            left[split] -= 1
    return kept


def _changed(training_python: Path, before: Path, after: Path) -> set[str]:
    """The parts of a network whose weights differ between two files."""
    script = (
        "import sys, torch\n"
        "old, new = (torch.load(path, weights_only=True) for path in sys.argv[1:])\n"
        "print(*{name.partition('.')[0] for name in old if not torch.equal(old[name], new[name])})"
    )
    line = [str(training_python), "-c", script, str(before), str(after)]
    return set(subprocess.run(line, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("name", ["train.detector", "train.recognizer", "train.average", "export", "measure.report"])
def test_the_usage_line_is_the_command_as_it_is_typed(training_python: Path, repo_root: Path, name: str) -> None:
    line = [str(training_python), "-m", f"models.training.{name}", "--help"]
    done = subprocess.run(line, cwd=repo_root, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"usage: python -m models.training.{name} ")


@pytest.mark.timeout(1800)
def test_every_training_command_runs(
    training_python: Path, few_pictures: Path, repo_root: Path, models_dir: Path, tmp_path: Path
) -> None:
    # Longer than 50 lines: each command needs the output of the one before, so the chain is one test.
    def run(command: str, *arguments: str | Path, codes: tuple[int, ...] = (0,)) -> str:
        environ = {**os.environ, "EDGE_LPR_DATA": str(few_pictures), "PYTHONPATH": str(repo_root), "COLUMNS": "200"}
        line = [str(training_python), "-m", f"models.training.{command}", *map(str, arguments)]
        result = subprocess.run(line, cwd=repo_root, env=environ, capture_output=True, text=True, check=False)
        assert result.returncode in codes, f"{command}: exit code {result.returncode}\n{result.stderr[-3000:]}"
        return result.stdout

    pool, made = tmp_path / "pool", tmp_path / "models"
    run("synthesis.contact_sheet", "--out", tmp_path / "sheets", "--kind", "blue")
    assert (tmp_path / "sheets" / "blue.png").is_file()
    run("data.pool", "--count", "200", "--seed", "1", "--out", pool)

    for task in ("detector", "recognizer"):
        out = tmp_path / task
        start = ("--pool", pool, "--out", out, "--batch", "4", "--start", models_dir / "checkpoints" / f"{task}.pt")
        run(f"train.{task}", *start, "--steps", "2")
        assert "resumed at step 2" in run(f"train.{task}", *start, "--steps", "3")
        assert "already done" in run(f"train.{task}", *start, "--steps", "3")
        steps = [line.partition(",")[0] for line in (out / "log.csv").read_text(encoding="utf-8").splitlines()]
        assert steps == ["step", "2", "3"]
        averaged = tmp_path / f"{task}.pt"
        run("train.average", models_dir / "checkpoints" / averaged.name, out / "weights.pt", "--out", averaged)
        run("export", task, "--weights", averaged, "--pool", pool, "--out", made)
    load_models(made)

    shipped, alone = models_dir / "checkpoints" / "recognizer.pt", tmp_path / "alone"
    few_steps = ("--pool", pool, "--out", alone, "--batch", "4", "--start", shipped, "--steps", "2")
    run("train.recognizer", *few_steps, "--only", "outline", "corners")
    assert _changed(training_python, shipped, alone / "weights.pt") == {"outline", "corners"}
    run("train.recognizer", *few_steps, codes=(InputError.exit_code,))  # a run with --only needs the same to resume

    run("export.calibrate", "--models", made, "--misses", tmp_path / "misses.png")
    accuracy = json.loads((made / "recognizer.json").read_text(encoding="utf-8"))["accuracy"]
    assert accuracy["end to end"]["crops"]["plates"] > 0

    rendered = tmp_path / "rendered"
    drawn = ("--seed", "7", "--each", "2")
    run("test_sets.rendered_set", "--out", rendered, *drawn)
    few = ("--models", made, *drawn, "--rendered", rendered, "--float-each", "1", "--negatives", "2", "--composed", "0")
    table = run("measure.acceptance", *few, codes=(0, 1))  # so few pictures pass no criterion, but each is measured
    assert "int8 against float, real scenes" in table and "detector recall" in table
    assert "exact labels" in run("measure.visible_edges", "--models", made, "--rendered", rendered)
    run("synthesis.demo_clip", "--out", tmp_path / "demo.mp4")
    report = tmp_path / "report"
    run("measure.report", *few, "--out", report, "--log", tmp_path / "detector" / "log.csv")
    text = (report / "report.md").read_text(encoding="utf-8")
    for picture in ("calibration.png", "confusion.png", "width.png", "kinds.png", "curves_0_detector.png"):
        assert picture in text and (report / picture).stat().st_size > 0
