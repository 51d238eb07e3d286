"""Video files and folders of photos, tested with real files."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_lpr.cameras import Camera, create_camera, create_source
from edge_lpr.cameras.files import PhotoFolder
from edge_lpr.config import CameraSettings
from edge_lpr.errors import CameraError
from edge_lpr.frames import Frame

WAIT_S = 20.0


def write_clip(path: Path, frames: int = 12, fps: float = 20.0) -> Path:
    """Writes a clip whose frame i has the brightness 20 * i."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (64, 48))
    assert writer.isOpened()
    for index in range(frames):
        writer.write(np.full((48, 64, 3), 20 * index, np.uint8))
    writer.release()
    return path


def write_photo(path: Path, value: int, size: tuple[int, int] = (48, 64)) -> Path:
    encoded, data = cv2.imencode(path.suffix, np.full((*size, 3), value, np.uint8))
    assert encoded
    path.write_bytes(data.tobytes())
    return path


def video(path: Path, *, loop: bool = False, fps: float | None = None) -> Camera:
    return create_camera(CameraSettings(type="video", source=str(path), loop=loop, fps=fps))


def photos(path: Path, *, loop: bool = False, hold: int = 5, fps: float | None = None) -> PhotoFolder:
    camera = create_camera(CameraSettings(type="photos", source=str(path), loop=loop, hold=hold, fps=fps))
    assert isinstance(camera, PhotoFolder)
    return camera


def play(camera: Camera, limit: int = 1000) -> list[Frame]:
    camera.open()
    try:
        frames: list[Frame] = []
        while len(frames) < limit and (frame := camera.read()) is not None:
            frames.append(frame)
        return frames
    finally:
        camera.close()


def test_video_gives_every_frame_with_the_time_of_the_clip(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    frames = play(video(clip))
    assert [frame.number for frame in frames] == list(range(12))
    assert [frame.monotonic_s for frame in frames] == pytest.approx([index / 20 for index in range(12)])
    assert [float(frame.image.mean()) for frame in frames] == pytest.approx([20 * index for index in range(12)], abs=6)
    assert {frame.source for frame in frames} == {str(clip)}
    assert (frames[0].width, frames[0].height) == (64, 48)
    assert not frames[0].image.flags.writeable


def test_video_frame_rate_can_be_set(tmp_path: Path) -> None:
    frames = play(video(write_clip(tmp_path / "clip.mp4"), fps=10.0))
    assert frames[-1].monotonic_s == pytest.approx(1.1)


def test_video_loop_continues_the_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frames = play(video(write_clip(tmp_path / "片段.mp4"), loop=True), limit=30)
    assert [frame.number for frame in frames] == list(range(30))
    assert frames[-1].monotonic_s == pytest.approx(29 / 20)
    assert float(frames[12].image.mean()) == pytest.approx(0, abs=6)
    assert caplog.text == ""


def test_video_of_a_real_gate_is_read_to_its_end(shared_data: Path, caplog: pytest.LogCaptureFixture) -> None:
    frames = play(video(shared_data / "video" / "parked_car.mp4"))
    assert len(frames) == 107
    assert {(frame.width, frame.height) for frame in frames} == {(544, 960)}
    assert frames[-1].monotonic_s == pytest.approx(106 / 27.92, rel=0.01)
    assert caplog.text == ""


def test_video_through_the_source_drops_nothing(tmp_path: Path) -> None:
    settings = CameraSettings(type="video", source=str(write_clip(tmp_path / "clip.mp4")))
    with create_source(settings) as source:
        numbers = []
        while not source.ended:
            frame = source.next_frame(WAIT_S)
            if frame is not None:
                numbers.append(frame.number)
    assert numbers == list(range(12))
    assert source.status.frames_dropped == 0


def test_missing_video_is_fatal(tmp_path: Path) -> None:
    settings = CameraSettings(type="video", source=str(tmp_path / "absent.mp4"))
    with create_source(settings) as source:
        with pytest.raises(CameraError, match=r"absent\.mp4: no such file; check camera\.source"):
            source.next_frame(WAIT_S)
        assert source.status.state == "failed"


@pytest.mark.parametrize("content", ["cut", "text", "empty"])
def test_file_that_is_no_whole_video(tmp_path: Path, content: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    whole = clip.read_bytes()
    clip.write_bytes({"cut": whole[: len(whole) // 2], "text": b"not a film\n" * 100, "empty": b""}[content])
    with pytest.raises(CameraError, match="damaged, cut short, or no video"):
        video(clip).open()


def test_the_libraries_write_nothing_to_stderr(tmp_path: Path, repo_root: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_text("not a film\n")
    # In a separate process, because FFmpeg reads its log level at its first use in a process.
    program = (
        "import sys\n"
        "from edge_lpr.cameras import create_camera\n"
        "from edge_lpr.config import CameraSettings\n"
        "from edge_lpr.errors import CameraError\n"
        "try:\n"
        "    create_camera(CameraSettings(type='video', source=sys.argv[1])).open()\n"
        "except CameraError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", program, str(clip)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=repo_root)
    assert done.stdout.startswith(f"video {clip}: damaged")
    assert done.stderr == ""


def test_video_that_ends_early_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (64, 48))
    noise = np.random.default_rng(1)
    for _ in range(20):
        writer.write(noise.integers(0, 256, (48, 64, 3), np.uint8))
    writer.release()
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) // 2])
    frames = play(video(clip))
    assert 0 < len(frames) < 20
    assert "the rest is missing or damaged" in caplog.text


def test_photos_come_in_name_order_each_held_under_its_own_source(tmp_path: Path) -> None:
    second = write_photo(tmp_path / "b 京A12345.png", 200, size=(30, 90))
    first = write_photo(tmp_path / "a.jpg", 50)
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / ".hidden.jpg").write_bytes(b"no photo")
    (tmp_path / "folder.jpg").mkdir()
    camera = photos(tmp_path, hold=3)
    frames = play(camera)
    assert [frame.source for frame in frames] == [str(first)] * 3 + [str(second)] * 3
    assert [frame.number for frame in frames] == list(range(6))
    assert [frame.monotonic_s for frame in frames] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert [(frame.width, frame.height) for frame in frames[2:4]] == [(64, 48), (90, 30)]
    assert float(frames[3].image.mean()) == 200
    assert camera.skipped == 0


def test_bad_photo_is_logged_once_counted_and_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = write_photo(tmp_path / "b.jpg", 50)
    (tmp_path / "a.jpg").write_bytes(good.read_bytes()[:100])
    (tmp_path / "车.png").write_text("no photo")
    caplog.set_level(logging.DEBUG, "edge_lpr")
    camera = photos(tmp_path, hold=2, loop=True, fps=10.0)
    frames = play(camera, limit=7)
    assert {frame.source for frame in frames} == {str(good)}
    assert frames[-1].monotonic_s == pytest.approx(0.6)
    assert camera.skipped == 2
    assert sorted(name for name in ("a.jpg", "车.png") if name in caplog.text) == ["a.jpg", "车.png"]
    assert len(caplog.records) == 2


def test_a_photo_that_is_not_whole_is_read_and_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_photo(tmp_path / "1.jpg", 50, (480, 640))
    path.write_bytes(path.read_bytes()[:-20])
    with caplog.at_level(logging.WARNING):
        frames = play(photos(tmp_path, loop=True, hold=1), limit=4)
    assert len(frames) == 4
    assert len([record for record in caplog.records if "photo not whole" in record.getMessage()]) == 1


def test_one_photo_is_a_folder_of_one(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.jpg", 50)
    assert [frame.source for frame in play(photos(photo, hold=1))] == [str(photo)]


def test_folder_without_a_photo(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no photo")
    with pytest.raises(CameraError, match="no photo in it"):
        photos(tmp_path).open()


def test_folder_of_bad_photos_only(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"no photo")
    with pytest.raises(CameraError, match=r"none of the 2 photos can be read; the first: .*a\.jpg"):
        play(photos(tmp_path, loop=True))


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="no such folder"):
        photos(tmp_path / "absent").open()
