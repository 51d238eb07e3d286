"""A USB camera is found under any number. A folder with the same structure replaces sysfs."""

from __future__ import annotations

from pathlib import Path

from edge_lpr.cameras.v4l2 import find, lasting_path, nodes


def plug_in(sys: Path, number: int, name: str, serial: str | None, index: int = 0) -> Path:
    interface = sys / f"devices/usb/{name}/1-1:1.0"
    interface.mkdir(parents=True, exist_ok=True)
    if serial is not None:
        (interface.parent / "serial").write_text(f"{serial}\n")
    node = sys / f"class/video4linux/video{number}"
    node.mkdir(parents=True)
    (node / "name").write_text(f"{name}\n")
    (node / "index").write_text(f"{index}\n")
    (node / "device").symlink_to(interface)
    return node


def test_a_camera_is_found_by_serial_number_and_by_name(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "HD Webcam: HD Webcam", "SN0001")
    plug_in(tmp_path, 1, "HD Webcam: HD Webcam meta", "SN0001", index=1)
    plug_in(tmp_path, 10, "Gate Camera", None)
    plug_in(tmp_path, 2, "Gate Camera II", None)
    assert [node.path.name for node in nodes(tmp_path)] == ["video0", "video2", "video10"]
    assert find("SN0001", tmp_path) == Path("/dev/video0")
    assert find("HD Webcam", tmp_path) == Path("/dev/video0")
    assert find("Gate Camera", tmp_path) == Path("/dev/video10"), "an equal name comes before a name that begins so"
    assert find("Gate", tmp_path) == Path("/dev/video2")
    assert find("SN0002", tmp_path) is None


def test_it_is_found_again_under_another_number(tmp_path: Path) -> None:
    node = plug_in(tmp_path, 0, "HD Webcam", "SN0001")
    assert find("SN0001", tmp_path) == Path("/dev/video0")
    node.rename(node.with_name("video3"))
    assert find("SN0001", tmp_path) == Path("/dev/video3")


def test_a_machine_without_cameras(tmp_path: Path) -> None:
    assert nodes(tmp_path) == []


def test_the_lasting_path_of_a_number(tmp_path: Path) -> None:
    (tmp_path / "video4").write_text("")
    links = tmp_path / "v4l/by-id"
    links.mkdir(parents=True)
    (links / "usb-HD_Webcam-video-index0").symlink_to("../../video4")
    assert lasting_path(tmp_path / "video4", tmp_path) == links / "usb-HD_Webcam-video-index0"
    assert lasting_path(tmp_path / "video5", tmp_path) is None
