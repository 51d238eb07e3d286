"""The network camera, tested with a real MJPEG server on the loopback interface."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from edge_lpr.cameras import create_camera, create_source
from edge_lpr.cameras.stream import redact_url
from edge_lpr.config import CameraSettings
from edge_lpr.errors import CameraError

WAIT_S = 30.0


def jpeg(value: int) -> bytes:
    encoded, data = cv2.imencode(".jpg", np.full((120, 160, 3), value, np.uint8))
    assert encoded
    return data.tobytes()


class MjpegServer(ThreadingHTTPServer):
    """Sends pictures until it is closed. After ``limit`` pictures it keeps the connection open but sends nothing."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, limit: int | None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.closing = threading.Event()
        self.limit = limit
        self.requested = threading.Event()
        self._serving = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._serving.start()

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()
        self._serving.join()


class _Handler(BaseHTTPRequestHandler):
    server: MjpegServer

    def do_GET(self) -> None:
        self.server.requested.set()
        if self.server.limit == 0:
            self.server.closing.wait(WAIT_S)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        count = 0
        while not self.server.closing.wait(0.02):
            if count == self.server.limit:
                self.server.closing.wait(WAIT_S)
                return
            data = jpeg(40 + count % 100)
            head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + data + b"\r\n")
            except OSError:
                return
            count += 1

    def log_message(self, format: str, *args: object) -> None:
        """Writes nothing, to keep the output of the tests clean."""


@contextmanager
def serving(port: int = 0, *, limit: int | None = None) -> Iterator[MjpegServer]:
    server = MjpegServer(port, limit)
    try:
        yield server
    finally:
        server.stop()


def settings_for(port: int, *, read_timeout_s: float = 5.0, user: str = "") -> CameraSettings:
    return CameraSettings(
        type="stream",
        source=f"http://{user}127.0.0.1:{port}/live",
        read_timeout_s=read_timeout_s,
        reopen_min_s=0.05,
        reopen_max_s=0.1,
    )


def eventually(condition: Callable[[], bool]) -> None:
    pause, tries = threading.Event(), int(WAIT_S / 0.02)
    for _ in range(tries):
        if condition():
            return
        pause.wait(0.02)
    pytest.fail("the condition was not fulfilled")


def test_frames_arrive_and_a_restarted_server_is_found_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "edge_lpr")
    with serving() as server:
        port = server.server_port
        source = create_source(settings_for(port))
        source.start()
        first = source.next_frame(WAIT_S)
        assert first is not None
        assert (first.width, first.height) == (160, 120)
        assert not first.image.flags.writeable
        assert first.captured_at.tzinfo is not None
        second = source.next_frame(WAIT_S)
        assert second is not None and second.monotonic_s > first.monotonic_s and second.number > first.number
    try:
        eventually(lambda: source.status.state == "failed")
        with serving(port):
            eventually(lambda: source.status.reopened >= 1)
            assert source.status.state == "running"
            assert source.next_frame(WAIT_S) is not None
    finally:
        source.stop()
    assert "gives frames again" in caplog.text


def test_a_server_that_sends_nothing_raises_after_the_timeout() -> None:
    with serving(limit=0) as server:
        camera = create_camera(settings_for(server.server_port, read_timeout_s=0.3))
        with pytest.raises(CameraError, match="cannot be opened"):
            camera.open()
        assert server.requested.is_set()


def test_a_stream_that_stops_raises_after_the_timeout() -> None:
    with serving(limit=40) as server:
        camera = create_camera(settings_for(server.server_port, read_timeout_s=0.5))
        camera.open()
        with pytest.raises(CameraError, match="stopped sending pictures"):
            for _ in range(100):
                camera.read()
        camera.close()
        with pytest.raises(CameraError, match="is not open"):
            camera.read()


def test_the_password_is_never_shown(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(limit=0) as server:
        camera = create_camera(settings_for(server.server_port, read_timeout_s=0.3, user="admin:geheim@"))
        with pytest.raises(CameraError) as caught:
            camera.open()
    output = capfd.readouterr()
    for text in (str(caught.value), camera.name, caplog.text, output.out, output.err):
        assert "geheim" not in text
    assert "admin:***@127.0.0.1" in camera.name


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://10.0.0.9/main", "rtsp://10.0.0.9/main"),
        ("rtsp://admin@10.0.0.9/main", "rtsp://admin@10.0.0.9/main"),
        ("rtsp://admin:pw@10.0.0.9:554/main?x=1", "rtsp://admin:***@10.0.0.9:554/main?x=1"),
        ("rtsp://admin:p@s/s#w?rd@10.0.0.9/main", "rtsp://admin:***@10.0.0.9/main"),
        ("rtsp://:pw@10.0.0.9/main", "rtsp://:***@10.0.0.9/main"),
        ("http://10.0.0.9/v.cgi?user=a&pwd=b&res=hd", "http://10.0.0.9/v.cgi?user=a&pwd=***&res=hd"),
        ("http://10.0.0.9/v.cgi?accessToken=b", "http://10.0.0.9/v.cgi?accessToken=***"),
    ],
)
def test_redact_url(url: str, shown: str) -> None:
    assert redact_url(url) == shown
