"""The wall between gate and server: whatever happens to the server's process, the gate goes on."""

from __future__ import annotations

import base64
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from edge_lpr.config import Settings
from edge_lpr.config.reload import ReloadRequests, ReloadResult
from edge_lpr.errors import ConfigError
from edge_lpr.frames import Frame
from edge_lpr.link.gate_end import MAX_REQUESTS_PER_S, MAX_WAITING, GateEnd, LinkSession
from edge_lpr.link.messages import MAX_REQUEST, GateUpdate, PassageRecord, SceneWanted, encode_server_message
from edge_lpr.link.server_end import ServerEnd
from tests.faults.gate_process import Gate
from tests.faults.server_kills import Street, kill_server
from tests.server.test_decoding import endless_jpeg
from tests.support import samples
from tests.support.mqtt import DEADLINE_S, Mosquitto

WAIT_S = 20.0
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def street() -> Iterator[Street]:
    with ExitStack() as stack:
        street = Street(stack)
        street.wait_for_server()
        yield street


def server_of(street: Street) -> psutil.Process:
    process = street.server()
    assert process is not None
    return process


@pytest.mark.usefixtures("mosquitto_program", "models_dir")
def test_killing_the_server_loses_and_delays_no_passage_and_it_comes_back() -> None:
    result = kill_server(2, control=2)
    assert result.kills == 2
    assert result.passages == result.vehicles


@pytest.mark.usefixtures("mosquitto_program", "models_dir")
def test_a_server_that_stands_still_holds_up_neither_passages_nor_the_stop(street: Street) -> None:
    server_of(street).suspend()
    assert len(street.drive(2)) == 2
    began_s = time.monotonic()
    assert street.gate.stop() == 0
    assert time.monotonic() - began_s < 5  # a required limit, not a measured time
    assert not [each for each in psutil.process_iter() if "edge_lpr.server" in _command(each) and each.ppid() == 1]


@pytest.mark.usefixtures("mosquitto_program", "models_dir")
def test_a_stop_while_a_hostile_picture_is_decoded_is_quick_and_quiet(street: Street) -> None:
    body = {"ImageBase64": base64.b64encode(endless_jpeg(4000, 20_000)).decode()}
    headers = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}

    def send() -> None:
        with suppress(httpx.TransportError):
            httpx.post(f"http://127.0.0.1:{street.port}/", headers=headers, json=body, timeout=WAIT_S)

    client = threading.Thread(target=send)
    client.start()
    server = server_of(street)
    decoders = server.children()
    while sum(each.cpu_times().user for each in decoders) < 1:  # the picture is being decoded
        assert client.is_alive()
        time.sleep(0.02)
    began_s = time.monotonic()
    assert street.gate.stop() == 0
    assert psutil.wait_procs([server, *decoders], 5 - (time.monotonic() - began_s))[1] == []  # a required limit
    client.join()
    assert "Traceback" not in street.gate.log


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.usefixtures("mosquitto_program", "models_dir")
def test_the_server_has_a_lower_priority_a_memory_limit_and_ends_with_a_killed_gate(street: Street) -> None:
    server = server_of(street)
    assert server.nice() > psutil.Process(street.gate.pid).nice()
    assert int(Path(f"/proc/{server.pid}/oom_score_adj").read_text()) > 0
    assert 0 < resource.prlimit(server.pid, resource.RLIMIT_DATA)[1] < 2**31
    processes = [server, *server.children(recursive=True)]
    assert len(processes) > 1  # the decoder
    for each in processes:
        each.send_signal(signal.SIGINT)  # from a terminal it comes to all processes; only the gate acts
    street.gate.kill()
    assert psutil.wait_procs(processes, WAIT_S)[1] == []


@pytest.mark.usefixtures("models_dir")
def test_without_api_and_page_there_is_no_second_process(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with Gate(tmp_path / "gate", mosquitto.port) as gate:
        gate.wait_for_passages(1)
        assert psutil.Process(gate.pid).children(recursive=True) == []


class Link:
    """Both ends of a link, without processes."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.reloads = ReloadRequests()
        update = GateUpdate(samples.HEALTH, 0.0, is_blind=False)
        self.gate = GateEnd(Settings(), None, lambda: update, self.reloads)
        self.session: LinkSession = self.gate.open(Connection(ours.detach()))
        self.raw = Connection(theirs.detach())
        self.server_ended: threading.Event | None = None

    def server(self) -> ServerEnd:
        end = ServerEnd(self.raw)
        self.server_ended = threading.Event()
        end.begin(self.server_ended.set)
        return end

    def close(self) -> None:
        self.gate.close()
        if self.server_ended is not None:
            assert self.server_ended.wait(WAIT_S)  # its thread reads from the connection until then
        self.raw.close()

    def add_frame(self) -> None:
        self.gate.add_frame(Frame(np.zeros((4, 4, 3), np.uint8), 0, 0.0, NOON, "camera"), [], [])


@pytest.fixture
def link() -> Iterator[Link]:
    link = Link()
    yield link
    link.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"Scene": "x"}',
        b'{"Scene": 1, "Reload": 1}',
        b'{"Stop": 1}',
        b"\xff",
        b"[" * MAX_REQUEST,
    ],
)
def test_a_message_that_no_server_sends_ends_the_session(link: Link, data: bytes) -> None:
    link.raw.send_bytes(data)
    assert link.session.ended.wait(WAIT_S)
    assert link.session.end_reason is not None


def test_a_message_that_is_too_long_is_not_read(link: Link) -> None:
    sender = threading.Thread(target=_send_much, args=(link.raw,), daemon=True)
    sender.start()
    assert link.session.ended.wait(WAIT_S)
    sender.join(WAIT_S)


def _send_much(connection: Connection) -> None:
    try:
        connection.send_bytes(bytes(50_000_000))
    except OSError:
        return


def test_a_flood_of_messages_ends_the_session(link: Link) -> None:
    try:
        for _ in range(2 * MAX_REQUESTS_PER_S):
            link.raw.send_bytes(encode_server_message(SceneWanted(0)))
    except OSError:
        pass  # the gate has closed its end
    assert link.session.ended.wait(WAIT_S)


def test_a_server_that_does_not_read_costs_bounded_memory(link: Link) -> None:
    for sequence in range(3 * MAX_WAITING):
        link.gate.record_passage(samples.PASSAGE, sequence)
    assert link.session.ended.wait(WAIT_S)


def test_frames_leave_the_gate_only_when_they_are_asked_for(link: Link) -> None:
    link.add_frame()
    link.add_frame()
    server = link.server()
    assert server.update() is not None
    assert server.scene() is None
    scene = server.newest_scene(max_age_s=WAIT_S)
    assert scene is not None and scene.number == 2
    assert server.newest_scene(max_age_s=-1.0) is None


def test_a_reload_is_answered_with_what_it_did(link: Link) -> None:
    server = link.server()
    results: list[ReloadResult] = []
    server.request_reload(results.append)
    deadline_s = time.monotonic() + WAIT_S
    while not (callbacks := link.reloads.take_requests()):
        assert time.monotonic() < deadline_s
    (callback,) = callbacks
    assert callback is not None
    callback(ReloadResult(("passage.lane",), error=ConfigError("no", ("one", "two"))))
    while not results:
        assert time.monotonic() < deadline_s
    assert results[0].applied == ("passage.lane",)
    assert results[0].error is not None and results[0].error.faults == ("one", "two")


def test_a_new_server_learns_the_last_passages_and_the_present_settings(link: Link) -> None:
    link.gate.record_passage(samples.PASSAGE, 17)
    changed = Settings.model_validate({"reader": {"min_confidence": 91}})
    link.gate.apply_settings(changed)
    link.gate.close()
    ours, theirs = socket.socketpair()
    link.gate.open(Connection(ours.detach()))
    passages: list[PassageRecord] = []
    end = ServerEnd(Connection(theirs.detach()))
    end.on_passage = passages.append
    end.begin(lambda: None)
    assert end.start.settings == changed
    deadline_s = time.monotonic() + DEADLINE_S
    while not passages:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    assert (passages[0].sequence, passages[0].total) == (17, 1)
