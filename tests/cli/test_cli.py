"""The command line as a process: output, error output and exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from edge_lpr import __version__
from edge_lpr.messages.schemas import load_schema
from tests.support.needs import absent


def edge_lpr(*arguments: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge_lpr.cli", *map(str, arguments)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EDGE_LPR__")}
    path = os.pathsep.join([str(Path(__file__).resolve().parents[2]), clean.get("PYTHONPATH", "")])
    return subprocess.run(
        command,
        cwd=cwd,
        env={**clean, "PYTHONPATH": path, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def grey(path: Path) -> Path:
    """A photo without a plate."""
    cv2.imencode(path.suffix, np.full((360, 640, 3), 90, np.uint8))[1].tofile(path)
    return path


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_version_is_printed(tmp_path: Path) -> None:
    result = edge_lpr("--version", cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"edge-lpr {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "edge-lpr: the following arguments are required: COMMAND; see edge-lpr --help"),
        (["recognize"], "edge-lpr recognize: the following arguments are required: PHOTO; see"),
        (["walk"], "edge-lpr: argument COMMAND: invalid choice: 'walk'"),
        (["run"], "edge-lpr: config.yaml: no such settings file; copy config.example.yaml to begin with"),
        (["check", "-c", "x.yaml"], "edge-lpr: x.yaml: no such settings file; copy config.example.yaml to begin with"),
        (["recognize", "--threads", "0", "a.jpg"], "edge-lpr: --threads 0: input should be greater than or equal to 1"),
        (["bench", "--repeats", "0"], "edge-lpr bench: argument --repeats: 0 is not a number from 1 up"),
        (["bench", "--photo", "none.jpg"], "edge-lpr: none.jpg: no such file"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(tmp_path: Path, arguments: list[str], line: str) -> None:
    result = edge_lpr(*arguments, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_missing_models_are_one_line_and_exit_code_1(tmp_path: Path) -> None:
    result = edge_lpr("recognize", "--models", tmp_path, "a.jpg", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"edge-lpr: {tmp_path}/detector.json: no such model file")
    assert result.stderr.count("\n") == 1


def test_every_mistake_in_the_settings_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("camera: {type: pie}\nmqtt: {prot: 1}\n")
    result = edge_lpr("run", cwd=tmp_path, EDGE_LPR__LOG__LEVEL="loud")
    assert (result.returncode, result.stdout) == (2, "")
    assert sorted(result.stderr.splitlines()) == [
        "  EDGE_LPR__LOG__LEVEL: given 'loud'; allowed: one of debug, info, warning, error",
        "  config.yaml:1: camera.type: given 'pie'; allowed: one of pi, usb, stream, video, photos",
        "  config.yaml:2: mqtt.prot: no such setting; did you mean mqtt.port?",
        "edge-lpr: config.yaml: 3 faults in the settings",
    ]


def test_recognize_prints_a_result_for_every_photo(tmp_path: Path, models_dir: Path) -> None:
    photos = [grey(tmp_path / "一号门.jpg"), tmp_path / "none.jpg", tmp_path / "text.jpg", grey(tmp_path / "b.png")]
    photos[2].write_text("not a photo")
    result = edge_lpr("recognize", *photos, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout.splitlines() == [f"{photos[0]}: no plate", f"{photos[3]}: no plate"]
    first, second = result.stderr.splitlines()
    assert first.startswith(f"edge-lpr: {photos[1]}: no such file")
    assert second.startswith(f"edge-lpr: {photos[2]}: is no picture")


def test_a_photo_without_a_plate_is_no_error(tmp_path: Path, models_dir: Path) -> None:
    result = edge_lpr("recognize", grey(tmp_path / "a.jpg"), cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")


def test_recognize_json_prints_answers_of_the_api(tmp_path: Path, models_dir: Path) -> None:
    photos = [grey(tmp_path / "a.jpg"), tmp_path / "none.jpg"]
    result = edge_lpr("recognize", "--json", *photos, cwd=tmp_path)
    assert result.returncode == 2
    no_plate, no_file = json_lines(result.stdout)
    for answer, photo in ((no_plate, photos[0]), (no_file, photos[1])):
        assert answer.pop("Source") == str(photo)
        Draft202012Validator(load_schema("error")).validate(answer)
    assert no_plate["Response"]["Error"]["Code"] == "FailedOperation.OcrFailed"
    assert no_file["Response"]["Error"]["Code"] == "FailedOperation.ImageDecodeFailed"
    assert str(tmp_path) not in no_file["Response"]["Error"]["Message"]


def test_recognize_json_has_the_limits_of_the_api(tmp_path: Path, models_dir: Path) -> None:
    photo = grey(tmp_path / "a.webp")
    result = edge_lpr("recognize", "--json", photo, cwd=tmp_path)
    (answer,) = json_lines(result.stdout)
    assert answer["Response"]["Error"]["Code"] == "FailedOperation.ImageDecodeFailed"
    assert result.returncode == 2
    assert result.stderr == f"edge-lpr: {photo}: WEBP pictures are not accepted; give a JPEG or PNG photo\n"
    assert edge_lpr("recognize", photo, cwd=tmp_path).returncode == 0


def test_recognize_reads_plates(tmp_path: Path, models_dir: Path, shared_data: Path) -> None:
    clip = cv2.VideoCapture(str(shared_data / "video" / "parked_car.mp4"))
    photo = tmp_path / "car.png"
    cv2.imwrite(str(photo), clip.read()[1])
    result = edge_lpr("recognize", "--json", photo, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    (answer,) = json_lines(result.stdout)
    assert answer.pop("Source") == str(photo)
    Draft202012Validator(load_schema("response")).validate(answer)
    assert answer["Response"]["Number"] == "粤LQ092V"
    assert answer["Response"]["Color"] == "蓝"


def test_recognize_says_what_is_missing_in_a_photo_and_reads_it(
    tmp_path: Path, models_dir: Path, plate_photo: bytes
) -> None:
    photo = tmp_path / "cut.jpg"
    photo.write_bytes(plate_photo[:-400])
    result = edge_lpr("recognize", photo, cwd=tmp_path)
    assert result.returncode == 0 and "no plate" not in result.stdout
    assert re.fullmatch(r"edge-lpr: .*cut\.jpg: is cut short: \d+ of \d+ rows are there\n", result.stderr)
    result = edge_lpr("recognize", "--json", photo, cwd=tmp_path)
    answer = json.loads(result.stdout)
    assert answer["Flaw"] in result.stderr and answer["Response"]["Number"]
    photo.write_bytes(plate_photo)
    assert "Flaw" not in json.loads(edge_lpr("recognize", "--json", photo, cwd=tmp_path).stdout)


def test_a_closed_output_pipe_ends_the_command_without_an_error(tmp_path: Path, models_dir: Path) -> None:
    photo = grey(tmp_path / "a.jpg")
    root = Path(__file__).resolve().parents[2]
    script = f'"{sys.executable}" -m edge_lpr.cli recognize {" ".join([str(photo)] * 20)} | head -n 1'
    result = subprocess.run(["bash", "-c", script], cwd=root, capture_output=True, text=True, check=False, timeout=120)
    assert result.stdout == f"{photo}: no plate\n"
    assert result.stderr == ""


def test_bench_prints_a_table(tmp_path: Path, models_dir: Path) -> None:
    result = edge_lpr("bench", "--repeats", "2", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for word in ("detect", "straighten", "recognise", "decode", "frames per second"):
        assert word in result.stdout


def test_demo_prints_the_passages_of_the_clip(tmp_path: Path, models_dir: Path, repo_root: Path) -> None:
    if not (repo_root / "models" / "demo" / "demo.mp4").is_file():
        absent("models/demo/demo.mp4")
    # A setting of the user's gate in the environment does not change the demo.
    result = edge_lpr("demo", cwd=tmp_path, EDGE_LPR__MQTT__PORT="1")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("  passage ") >= 3
    assert "edge-lpr check -c config.yaml" in result.stdout


INTERRUPTED_IMPORT = """\
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("command", ["run", "check", "demo", "recognize", "evaluate", "bench", "setup", "models"])
def test_ctrl_c_while_libraries_are_imported_prints_nothing(tmp_path: Path, command: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTED_IMPORT)
    root = Path(__file__).resolve().parents[2]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(root)))}
    program = [sys.executable, "-m", "edge_lpr.cli", command, "--help"]
    done = subprocess.run(program, env=environ, capture_output=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGINT
    assert (done.stdout, done.stderr) == (b"", b"")
