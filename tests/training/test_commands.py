"""Training commands tell wrong input in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_lpr.errors import InputError
from models.training.pool import PlatePool

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", ["pool --out {out}", "contact_sheet --out {out}", "bars", "visible_edges"])
def test_without_the_development_data_it_says_where_to_name_them_and_writes_nothing(
    command: str, tmp_path: Path
) -> None:
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


def test_a_folder_without_a_pool_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{tmp_path}: no pool; make one with models\.training\.pool"):
        PlatePool([tmp_path])


def test_a_pool_of_other_sized_plates_is_named_with_the_remedy(tmp_path: Path) -> None:
    np.save(tmp_path / "plates.npy", np.zeros((1, 8, 8, 4), np.uint8))
    (tmp_path / "plates.json").write_text("[]", "utf-8")
    with pytest.raises(InputError, match=rf"{tmp_path}: a pool of another version's plates; make it again"):
        PlatePool([tmp_path])
