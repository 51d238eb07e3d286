"""The training commands: usage lines, and one line about wrong input."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_lpr.config import ReaderSettings
from edge_lpr.errors import InputError
from models.training import command
from models.training.data import pool
from models.training.data.pool import PlatePool
from models.training.measure import acceptance, measurement
from models.training.synthesis import demo_clip
from models.training.test_sets import composed, negatives, rendered_set

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["data.pool", "export.calibrate", "measure.acceptance", "measure.visible_edges"])
def test_the_usage_line_is_the_command_as_it_is_typed(name: str) -> None:
    line = [sys.executable, "-m", f"models.training.{name}", "--help"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"usage: python -m models.training.{name} ")


@pytest.mark.parametrize(
    "command",
    [
        "data.pool --out {out}",
        "synthesis.contact_sheet --out {out}",
        "test_sets.rendered_set --out {out}",
        "synthesis.demo_clip --out {out}",
        "measure.acceptance",
        "measure.visible_edges",
    ],
)
def test_without_the_development_data_the_remedy_is_named_and_nothing_is_written(command: str, tmp_path: Path) -> None:
    out, nowhere = tmp_path / "out", tmp_path / "nowhere"
    arguments = command.format(out=out).split()
    done = subprocess.run(
        [sys.executable, "-m", f"models.training.{arguments[0]}", *arguments[1:]],
        cwd=ROOT,
        env={**os.environ, "EDGE_LPR_DATA": str(nowhere)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert str(nowhere) in done.stderr and "EDGE_LPR_DATA" in done.stderr
    assert not out.exists()


def test_without_the_development_data_an_older_rendered_set_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "scenes" / "blue" / "blue_000.jpg"
    older.parent.mkdir(parents=True)
    older.write_bytes(b"older")
    monkeypatch.setenv("EDGE_LPR_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="EDGE_LPR_DATA"):
        rendered_set.build(tmp_path, 1, ("blue",), processes=1)
    assert older.read_bytes() == b"older"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("--seamless 1.5", "--seamless 1.5: give a share from 0.0 to 1.0"),
        ("--seed -1", "--seed: -1: give a whole number from 0"),
        ("--each 0", "--each: 0: give a whole number from 1"),
        ("--processes two", "--processes: two: give a whole number from 1"),
    ],
)
def test_wrong_numbers_are_named_with_the_remedy_and_an_older_rendered_set_stays(
    wrong: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    older = tmp_path / "scenes" / "blue" / "blue_00000.jpg"
    older.parent.mkdir(parents=True)
    older.write_bytes(b"older")
    monkeypatch.setattr(sys, "argv", ["rendered_set", "--out", str(tmp_path), *wrong.split()])
    with pytest.raises(SystemExit):
        rendered_set.main()
    assert said in capsys.readouterr().err
    assert older.read_bytes() == b"older"


def test_without_the_development_data_an_older_clip_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = tmp_path / "demo.mp4"
    older.write_bytes(b"older")
    monkeypatch.setenv("EDGE_LPR_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "argv", ["demo_clip", "--out", str(older)])
    with pytest.raises(FileNotFoundError, match="EDGE_LPR_DATA"):
        demo_clip.main()
    assert older.read_bytes() == b"older"


def test_plates_of_another_seed_are_not_replaced(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered_set.build(tmp_path, 1, ("blue",), 1, seed=7)
    monkeypatch.setattr(sys, "argv", ["acceptance", "--rendered", str(tmp_path), "--each", "1"])
    with pytest.raises(InputError, match=rf"{tmp_path}: blue was drawn from seed 7; give its --seed, or another"):
        acceptance.main()
    assert (tmp_path / "scenes" / "blue" / "blue_00000.jpg").exists()


def test_a_pool_that_was_interrupted_is_not_taken_for_a_complete_one(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.build(tmp_path, 1, 1, processes=1)
    assert len(PlatePool([tmp_path])) == pool.CHUNK

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pool, "track", stop)
    with pytest.raises(KeyboardInterrupt):
        pool.build(tmp_path, 1, 2, processes=1)
    with pytest.raises(InputError, match="no pool"):
        PlatePool([tmp_path])


def test_another_seed_has_another_folder_and_other_pictures_without_plates() -> None:
    def chosen(*line: str) -> tuple[Path, int, int, int]:
        parser = argparse.ArgumentParser()
        measurement.add_options(parser)
        options = measurement.parse_options(parser.parse_args(line))
        return options.rendered_folder, options.rendered_seed, options.negatives_seed, options.composed_seed

    assert chosen() == (Path("cache/rendered"), rendered_set.SEED, negatives.SEED, composed.SEED)
    assert chosen("--seed", "7") == (Path("cache/rendered-7"), 7, 1007, 3007)
    assert chosen("--seed", "7", "--rendered", "here") == (Path("here"), 7, 1007, 3007)


def test_a_setting_out_of_bounds_is_reported_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        ReaderSettings(min_plate_width=1)

    with pytest.raises(SystemExit) as exit_info:
        command.run(main)
    assert exit_info.value.code == 2
    assert capsys.readouterr().err.startswith("min_plate_width 1: ")


def test_a_folder_without_a_pool_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{tmp_path}: no pool; make one with models\.training\.data\.pool"):
        PlatePool([tmp_path])


def test_a_pool_of_other_sized_plates_is_named_with_the_remedy(tmp_path: Path) -> None:
    np.save(tmp_path / "plates.npy", np.zeros((1, 8, 8, 4), np.uint8))
    (tmp_path / "plates.json").write_text("[]", "utf-8")
    with pytest.raises(InputError, match=rf"{tmp_path}: pool of another plate size; make it again"):
        PlatePool([tmp_path])
