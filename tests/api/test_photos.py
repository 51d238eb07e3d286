"""Real photos through the API: answers follow their schema, and HTTP and the command line give the same answers."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from edge_lpr.messages.schemas import load_schema
from edge_lpr.plates import Color, category_of
from tests.support.api import StartApi

HEADERS = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}
VALIDATORS = {name: Draft202012Validator(load_schema(name)) for name in ("response", "error")}


def val_photos(shared_data: Path) -> list[Path]:
    """Returns all photos of ../shared/data/scenes that have a plate of the validation split."""
    photos = []
    for labels in sorted((shared_data / "scenes").glob("*.json")):
        for name, scene in json.loads(labels.read_text(encoding="utf-8")).items():
            if any(plate.get("split") == "val" for plate in scene["plates"]):
                photos.append(labels.with_suffix("") / name)
    return photos


def assert_valid(answer: dict[str, Any], photo: Path) -> bool:
    """Asserts that an answer is valid. Returns True if it has plates."""
    response = answer["Response"]
    if "Error" in response:
        VALIDATORS["error"].validate(answer)
        assert response["Error"]["Code"] == "FailedOperation.OcrFailed", photo
        return False
    VALIDATORS["response"].validate(answer)
    infos = response["LicensePlateInfos"]
    assert {name: response[name] for name in infos[0]} == infos[0]
    with Image.open(photo) as picture:
        width, height = picture.size
    for info in infos:
        rect = info["Rect"]
        assert rect["Width"] > 0 and rect["Height"] > 0
        assert rect["X"] + rect["Width"] <= width and rect["Y"] + rect["Height"] <= height, photo
        assert info["LicensePlateCategory"] == category_of(info["Number"], Color(info["Color"]))
    return True


@pytest.mark.timeout(600)
def test_every_photo_gets_a_valid_answer(start_api: StartApi, shared_data: Path) -> None:
    api = start_api(keys_file=None)
    photos = val_photos(shared_data)
    assert len(photos) > 250
    with httpx.Client(base_url=api.url, headers=HEADERS) as client:
        found = 0
        for photo in photos:
            answer = client.post("/", json={"ImageBase64": base64.b64encode(photo.read_bytes()).decode()})
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
            found += assert_valid(answer.json(), photo)
    assert found > len(photos) / 2


def test_the_command_line_gives_the_same_answers(
    start_api: StartApi, shared_data: Path, tmp_path: Path, plate_photo: bytes
) -> None:
    contents = [photo.read_bytes() for photo in val_photos(shared_data)[::40]]
    broken = [b"", b"not a picture", plate_photo[:2000], plate_photo]
    photos = []
    for number, content in enumerate([*contents, *broken]):
        photos.append(tmp_path / f"{number}.jpg")
        photos[-1].write_bytes(content)
    command = [sys.executable, "-m", "edge_lpr.cli", "recognize", "--json", *map(str, photos)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    by_command = [json.loads(line)["Response"] for line in result.stdout.splitlines()]
    api = start_api(keys_file=None)
    for photo, expected in zip(photos, by_command, strict=True):
        body = {"ImageBase64": base64.b64encode(photo.read_bytes()).decode()}
        answer = httpx.post(api.url, headers=HEADERS, json=body).json()["Response"]
        assert {**answer, "RequestId": ""} == {**expected, "RequestId": ""}
