"""Kept pictures: limited in number and age, named in the message, and deletable."""

from __future__ import annotations

import os
import re
import stat
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_lpr.cli import main
from edge_lpr.config import DeviceSettings, EvidenceSettings, ListSettings, load_settings
from edge_lpr.errors import ConfigError
from edge_lpr.evidence.writer import EvidenceWriter
from edge_lpr.messages.event import plate_message
from edge_lpr.passages import Passage
from edge_lpr.service.enrichment import Enrichment
from tests.tracking.film import HEIGHT, IMAGE, WIDTH, Film, plate

CAR, OTHER = "粤LQ092V", "京AF0236"


def passage(number: str = CAR) -> Passage:
    film = Film()
    for i in range(10):
        film.show(plate(number, 600 + 30 * i, width=100 + 4 * i))
    film.end()
    return film.passages[0]


def writer(tmp_path: Path, **settings: object) -> EvidenceWriter:
    return EvidenceWriter(
        EvidenceSettings.model_validate(settings),
        DeviceSettings(state_dir=tmp_path),
        clock_is_settled=lambda: True,
    )


def pictures(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "evidence").glob("*/*"))


def test_nothing_is_kept_by_default(tmp_path: Path) -> None:
    assert writer(tmp_path).store_pictures(passage()) is None
    assert pictures(tmp_path) == []


def test_a_crop_shows_only_the_plate(tmp_path: Path) -> None:
    kept = writer(tmp_path, keep="crops").store_pictures(passage())
    assert kept is not None and kept.frame is None
    (file,) = pictures(tmp_path)
    assert file == tmp_path / "evidence" / kept.crop
    image = cv2.imread(str(file))
    assert image is not None and 100 < image.shape[1] < 250
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_frames_are_kept_beside_the_crop_and_named_in_the_message(tmp_path: Path) -> None:
    completion = Enrichment(ListSettings(known=("粤LQ093V",)), writer(tmp_path, keep="frames", url="https://nvr/lpr/"))
    complete = completion.enrich(passage())
    message = plate_message(
        complete,
        request_id="5141467c-0a67-4f7c-b1c5-8147d84681a1",
        sequence=1,
        device_id="gate-1",
        camera_id="camera-1",
        clock_synchronized=True,
        published_at=complete.captured_at,
    )
    event = message.to_json()["Event"]
    assert re.fullmatch(r"https://nvr/lpr/2024-05-01/\d{9}-%E7%B2%A4LQ092V-crop\.jpg", event["Evidence"]["Crop"])
    assert event["Evidence"]["Frame"].endswith("-frame.jpg")
    assert event["Matches"] == [{"List": "known", "Number": "粤LQ093V", "Distance": 1}]
    shapes = [image.shape for path in pictures(tmp_path) if (image := cv2.imread(str(path))) is not None]
    assert (HEIGHT, WIDTH, 3) in shapes and len(shapes) == 2


def test_the_picture_is_a_frame_that_was_read_as_the_number() -> None:
    film = Film()
    for i in range(12):
        film.show(plate(OTHER if i == 5 else CAR, 600 + 30 * i, width=150 if i == 5 else 100, confidence=93))
    film.end()
    (only,) = [p for p in film.passages if p.number == CAR]
    assert only.picture is not None
    assert only.picture.rect.width < 120


def test_old_pictures_are_deleted(tmp_path: Path) -> None:
    old = tmp_path / "evidence" / "2024-01-01" / f"081502480-{CAR}-crop.jpg"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x")
    os.utime(old, (time.time() - 8 * 86400,) * 2)
    unset = EvidenceWriter(EvidenceSettings(), DeviceSettings(state_dir=tmp_path), clock_is_settled=lambda: False)
    unset.enforce_limits()
    assert old.exists(), "ages are unknown before the clock is set"
    (old.parent / f".{old.name}.part").touch()  # left by a power cut
    writer(tmp_path, days=7).enforce_limits()
    assert pictures(tmp_path) == []
    assert not old.parent.exists()


def test_the_oldest_pictures_are_deleted_above_the_size_limit(tmp_path: Path) -> None:
    folder = tmp_path / "evidence" / "2024-01-01"
    folder.mkdir(parents=True)
    for i in range(4):
        path = folder / f"08150248{i}-{CAR}-crop.jpg"
        path.write_bytes(bytes(400_000))
        os.utime(path, (time.time() - 100 + i,) * 2)
    other = folder / "notes.txt"
    other.write_text("not a picture")
    writer(tmp_path, max_megabytes=1).enforce_limits()
    assert [path.name[:9] for path in pictures(tmp_path) if path != other] == ["081502482", "081502483"]
    assert other.exists()


def test_a_failing_disk_loses_the_picture_and_not_the_passage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "evidence").write_text("a file where the folder should be")
    failing = writer(tmp_path, keep="crops")
    assert failing.store_pictures(passage()) is None
    assert failing.store_pictures(passage()) is None
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


def test_the_pictures_of_one_number_or_of_old_days_are_listed_and_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("device: {state_dir: .}\nevidence: {keep: crops}\n")
    for number in (CAR, OTHER):
        writer(tmp_path, keep="crops").store_pictures(passage(number))
    assert main(["evidence", "-c", str(config), "--number", "京A·F0236"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == 1 and OTHER in listed[0]
    assert main(["evidence", "-c", str(config), "--number", OTHER, "--delete"]) == 0
    assert [CAR in path.name for path in pictures(tmp_path)] == [True]
    assert main(["evidence", "-c", str(config), "--before", "2024-05-01", "--delete"]) == 0
    assert len(pictures(tmp_path)) == 1
    assert main(["evidence", "-c", str(config), "--before", "2024-05-02", "--delete"]) == 0
    assert pictures(tmp_path) == []


def test_no_images_and_kept_images_contradict(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("privacy: {images: false}\nevidence: {keep: off}\n")
    assert load_settings(config, {}).evidence.keep == "off"
    config.write_text("privacy: {images: false}\nevidence: {keep: frames}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(config, {})
    assert "without images there is nothing to keep" in caught.value.faults[0]


def test_a_frame_is_referenced_and_not_copied() -> None:
    film = Film()
    for i in range(5):
        film.show(plate(CAR, 600 + 30 * i))
    film.end()
    picture = film.passages[0].picture
    assert picture is not None and np.shares_memory(picture.image, IMAGE)
