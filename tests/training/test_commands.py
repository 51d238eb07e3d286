"""Training commands tell wrong input in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_lpr.errors import InputError
from models.training import rendered_set
from models.training.pool import PlatePool

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "command",
    ["pool --out {out}", "contact_sheet --out {out}", "rendered_set --out {out}", "bars", "visible_edges"],
)
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


def test_a_share_beyond_the_whole_is_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["rendered_set", "--out", str(tmp_path / "out"), "--seamless", "1.5"])
    with pytest.raises(SystemExit):
        rendered_set.main()
    assert "--seamless 1.5: give a share from 0.0 to 1.0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_pool_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{tmp_path}: no pool; make one with models\.training\.pool"):
        PlatePool([tmp_path])


def test_a_pool_of_other_sized_plates_is_named_with_the_remedy(tmp_path: Path) -> None:
    np.save(tmp_path / "plates.npy", np.zeros((1, 8, 8, 4), np.uint8))
    (tmp_path / "plates.json").write_text("[]", "utf-8")
    with pytest.raises(InputError, match=rf"{tmp_path}: a pool of another version's plates; make it again"):
        PlatePool([tmp_path])
