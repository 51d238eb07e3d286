"""Requests over a real broker: answers equal those of HTTP and of the command line, and go to the response topic."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from jsonschema import Draft202012Validator
from numpy.typing import NDArray
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from prometheus_client import CollectorRegistry

from edge_lpr.api.mqtt_requests import MqttRequests
from edge_lpr.api.request_metrics import RequestMetrics
from edge_lpr.backoff import BackOff
from edge_lpr.config import ApiSettings, CameraSettings, DeviceSettings, MqttSettings, ReaderSettings, Settings
from edge_lpr.frames import Frame
from edge_lpr.images import load_image
from edge_lpr.link.scene import Scene, make_scene
from edge_lpr.messages.schemas import load_schema
from edge_lpr.mqtt.answers import Answers
from edge_lpr.mqtt.connection import MqttConnection
from edge_lpr.mqtt.topics import Topics
from edge_lpr.readings import PlateReading, ReadPlates
from edge_lpr.resources import demo_clip
from edge_lpr.server.wiring import open_dispatcher
from edge_lpr.service.lifecycle import serve
from edge_lpr.vision.reader import PlateReader
from tests.support.api import serve_api
from tests.support.mqtt import DEADLINE_S, Mosquitto, Received, Subscriber, free_port

Subscribe = Callable[..., Subscriber]
Image = NDArray[np.uint8]

BASE = "edge-lpr/gate-1"
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
OCR, CAPTURE = "license-plate-ocr", "capture"
GREY = bytes(cv2.imencode(".png", np.full((360, 640, 3), 90, np.uint8))[1])


class Gate:
    """The MQTT entrance of a gate, and a subscriber that is connected to the same broker."""

    def __init__(self, connection: MqttConnection, subscriber: Subscriber) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.scene: Scene | None = None
        self._count = 0

    def send(self, action: str, body: object = b"", *, retain: bool = False, **properties: object) -> None:
        """Publishes a request. ``properties`` have their names in paho."""
        packet = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        for name, value in properties.items():
            setattr(packet, name, value)
        payload = body if isinstance(body, bytes) else json.dumps(body)
        self.subscriber.client.publish(f"{BASE}/request/{action}", payload, qos=1, retain=retain, properties=packet)

    def request(self, action: str, body: object = b"") -> Received:
        """Publishes a request and returns its answer."""
        self._count += 1
        topic = f"answers/{self._count}"
        self.send(action, body, ResponseTopic=topic)
        return self.subscriber.wait_count(topic, 1)[0]

    def code(self, action: str, body: object = b"") -> str:
        """Publishes a request and returns the ``Error.Code`` of its answer, which must follow the schema."""
        answer = self.request(action, body).json
        Draft202012Validator(load_schema("error")).validate({"Response": answer["Response"]})
        return str(answer["Response"]["Error"]["Code"])

    def add_frame(self, image: Image, readings: list[PlateReading]) -> None:
        """Makes this the newest frame of the camera."""
        self.scene = make_scene(1, Frame(image, 1, 0.0, NOON, "camera"), readings, [], ())

    def newest_scene(self, _max_age_s: float) -> Scene | None:
        """Stands for the link to the camera."""
        return self.scene


StartGate = Callable[..., Gate]


@pytest.fixture
def start_gate(mosquitto: Mosquitto, subscribe: Subscribe, tmp_path: Path) -> Iterator[StartGate]:
    """Returns a function that connects a gate with the reader ``read`` and waits until it answers."""
    with ExitStack() as cleanup:

        def start(
            read: ReadPlates, *, port: int = mosquitto.port, images: bool = True, allowed: str = "#", **settings: Any
        ) -> Gate:
            device = DeviceSettings(id="gate-1", state_dir=tmp_path / "state")
            topics = Topics("edge-lpr", "gate-1")
            connection = MqttConnection(MqttSettings(port=port), topics, BackOff(0.05, 0.2), for_requests=True)
            api = ApiSettings(**{"requests_per_second": 1000, **settings})
            dispatcher = cleanup.enter_context(open_dispatcher(api, device, read))
            gate = Gate(connection, subscribe(port))
            answers, metrics = Answers(connection, topics, [allowed]), RequestMetrics(CollectorRegistry())
            MqttRequests(answers, dispatcher, gate.newest_scene, metrics, images=images)
            cleanup.callback(connection.stop)
            connection.start()
            assert connection.wait_for("connected", DEADLINE_S)
            for action in (OCR, CAPTURE):  # the broker may not have handled our SUBSCRIBE yet
                for _ in range(100):
                    gate.send(action, ResponseTopic=f"ready/{action}")
                    if _arrives(gate.subscriber, f"ready/{action}", 0.1):
                        break
            return gate

        yield start


def _arrives(subscriber: Subscriber, topic: str, timeout_s: float) -> bool:
    try:
        subscriber.wait(lambda all_: any(message.topic == topic for message in all_), timeout_s)
    except AssertionError:
        return False
    return True


def read_nothing(_image: Image) -> list[PlateReading]:
    """Reads a picture and finds no plate."""
    return []


def encoded(suffix: str, width: int, height: int) -> bytes:
    """Returns a grey picture without a plate. ``suffix`` is the ending of a file name."""
    return bytes(cv2.imencode(suffix, np.full((height, width, 3), 90, np.uint8))[1])


def body_of(photo: bytes) -> dict[str, str]:
    return {"ImageBase64": base64.b64encode(photo).decode()}


def test_cli_http_and_mqtt_give_the_same_answer(
    start_gate: StartGate, reader: PlateReader, plate_photo: bytes, tmp_path: Path
) -> None:
    photos = {
        **{"plate.jpg": plate_photo, "grey.png": GREY, "broken.jpg": plate_photo[:2000], "text.jpg": b"not a picture"},
        **{"empty.jpg": b"", "picture.webp": encoded(".webp", 64, 48), "wide.png": encoded(".png", 5001, 5000)},
        **{"large.bmp": encoded(".bmp", 1640, 1600), "huge.jpg": plate_photo.ljust(9_500_000)},
    }
    for name, content in photos.items():
        (tmp_path / name).write_bytes(content)
    lines = subprocess.run(
        [sys.executable, "-m", "edge_lpr.cli", "recognize", "--json", *photos],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    ).stdout.splitlines()
    by_cli = [json.loads(line)["Response"] for line in lines]

    settings = ApiSettings(enabled=True, port=free_port(), requests_per_second=1000)
    headers = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}
    url = f"http://127.0.0.1:{settings.port}/"
    with serve_api(settings, DeviceSettings(state_dir=tmp_path / "http"), reader):
        by_http = [
            httpx.post(url, json=body_of(photo), headers=headers, trust_env=False).json()["Response"]
            for photo in photos.values()
        ]

    gate = start_gate(reader.read)
    by_mqtt = [gate.request(OCR, body_of(photo)).json for photo in photos.values()]
    Draft202012Validator(load_schema("response")).validate(by_mqtt[0])
    answers = [by_cli, by_http, [answer["Response"] for answer in by_mqtt]]
    request_ids = {response.pop("RequestId") for responses in answers for response in responses}
    assert len(request_ids) == 3 * len(photos)
    assert answers[0] == answers[1] == answers[2]
    assert "Number" in by_cli[0]
    assert [response["Error"]["Code"] for response in by_cli[1:]] == [
        "FailedOperation.OcrFailed",
        "FailedOperation.ImageDecodeFailed",
        "FailedOperation.ImageDecodeFailed",
        "InvalidParameterValue.InvalidParameterValueLimit",
        "FailedOperation.ImageDecodeFailed",
        "LimitExceeded.TooLargeFileError",
        "LimitExceeded.TooLargeFileError",
        "RequestSizeLimitExceeded",
    ]


def test_the_answer_goes_to_the_response_topic_with_the_correlation_data(start_gate: StartGate) -> None:
    gate = start_gate(read_nothing)
    gate.send(OCR, body_of(GREY), ResponseTopic="site/answers", CorrelationData=b"\x00\xff17")
    (answer,) = gate.subscriber.wait_count("site/answers", 1)
    assert (answer.qos, answer.retain) == (1, False)
    assert answer.properties["ContentType"] == "application/json"
    assert bytes.fromhex(answer.properties["CorrelationData"]) == b"\x00\xff17"


@pytest.mark.parametrize("action", [OCR, CAPTURE])
def test_without_a_response_topic_the_answer_goes_to_the_topic_of_the_gate(
    start_gate: StartGate, mosquitto: Mosquitto, subscribe: Subscribe, action: str
) -> None:
    start_gate(read_nothing)
    old = subscribe(mosquitto.port, f"{BASE}/response/+", protocol="3.1.1")
    old.client.publish(f"{BASE}/request/{action}", b"{}", qos=1)
    (answer,) = old.wait_count(f"{BASE}/response/{action}", 1)
    assert answer.json["Response"]["Error"]["Code"]


@pytest.mark.parametrize(
    "topic",
    [
        *("$SYS/answers", "edge-lpr", f"{BASE}/request/capture", f"{BASE}/plate", f"{BASE}/availability"),
        *("edge-lpr/gate-2/response/capture", "a" * 257, "/".join("a" * 40)),
    ],
)
def test_a_forbidden_response_topic_is_refused(start_gate: StartGate, topic: str) -> None:
    gate = start_gate(read_nothing)
    gate.send(CAPTURE, {}, ResponseTopic=topic, CorrelationData=b"7")
    (answer,) = gate.subscriber.wait_count(f"{BASE}/response/{CAPTURE}", 1)
    assert answer.json["Response"]["Error"]["Code"] == "InvalidParameter"
    assert bytes.fromhex(answer.properties["CorrelationData"]) == b"7"
    assert not any(b"Response" in message.payload for message in gate.subscriber.on(topic))


def test_a_response_topic_of_the_gate_is_allowed(start_gate: StartGate) -> None:
    gate = start_gate(read_nothing)
    gate.send(CAPTURE, {}, ResponseTopic=f"{BASE}/response/kiosk")
    gate.subscriber.wait_count(f"{BASE}/response/kiosk", 1)


def test_a_retained_request_is_not_answered(start_gate: StartGate, mosquitto: Mosquitto) -> None:
    first = start_gate(read_nothing)
    first.send(CAPTURE, {}, retain=True, ResponseTopic="live")
    first.subscriber.wait_count("live", 1)  # the flag is for later subscribers; to this gate the message came live
    first.connection.stop()
    second = start_gate(read_nothing)
    assert second.code(CAPTURE) == "FailedOperation.UnKnowError"
    assert len(first.subscriber.on("live")) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "InvalidParameter"),
        (b"{", "InvalidParameter"),
        (b"\xff\xfe", "InvalidParameter"),
        (b"[" * 100_000, "InvalidParameter"),
        ([1], "InvalidParameter"),
        ({}, "MissingParameter"),
        ({"ImageBase64": 1}, "InvalidParameter"),
        ({"ImageBase64": "?"}, "InvalidParameterValue.InvalidParameterValueLimit"),
        ({"Picture": ""}, "UnknownParameter"),
        ({"ImageUrl": "http://127.0.0.1:1/"}, "FailedOperation.DownLoadError"),
        (b" " * (12 * 1024 * 1024 + 1), "RequestSizeLimitExceeded"),
    ],
)
def test_an_invalid_request_gets_its_error_code(start_gate: StartGate, body: object, code: str) -> None:
    assert start_gate(read_nothing).code(OCR, body) == code


def test_requests_run_in_threads_of_the_dispatcher_up_to_its_limit(start_gate: StartGate) -> None:
    workers: list[str] = []
    running, release = threading.Event(), threading.Event()

    def slow(_image: Image) -> list[PlateReading]:
        workers.append(threading.current_thread().name)
        running.set()
        assert release.wait(DEADLINE_S)
        return []

    gate = start_gate(slow, queue=1)
    while gate.code(OCR, b"") == "RequestLimitExceeded":  # the requests that waited for the gate's subscription
        pass
    gate.send(OCR, body_of(GREY), ResponseTopic="first")
    assert running.wait(DEADLINE_S)
    assert gate.code(OCR, body_of(GREY)) == "RequestLimitExceeded"
    release.set()
    (answer,) = gate.subscriber.wait_count("first", 1)
    assert answer.json["Response"]["Error"]["Code"] == "FailedOperation.OcrFailed"
    assert workers[0].startswith("api")


def test_capture_answers_with_the_plates_of_the_latest_frame(
    start_gate: StartGate, reader: PlateReader, plate_photo: bytes
) -> None:
    gate = start_gate(read_nothing)
    assert gate.code(CAPTURE) == "FailedOperation.UnKnowError"
    image = load_image(plate_photo)
    readings = reader.read(image)
    gate.add_frame(image, readings)
    for body in (b"", {}, {"WithImage": False}):
        answer = gate.request(CAPTURE, body).json
        for name in ("response", "capture"):
            Draft202012Validator(load_schema(name)).validate(answer)
        assert answer["Response"]["Number"] == readings[0].number
    answer = gate.request(CAPTURE, {"WithImage": True}).json
    Draft202012Validator(load_schema("capture")).validate(answer)
    assert load_image(base64.b64decode(answer["Image"])).shape == image.shape
    assert gate.code(CAPTURE, {"WithImage": 1}) == "InvalidParameter"
    assert gate.code(CAPTURE, {"ImageUrl": "x"}) == "UnknownParameter"


def test_capture_without_a_plate_returns_the_picture(start_gate: StartGate) -> None:
    gate = start_gate(read_nothing)
    gate.add_frame(np.full((90, 160, 3), 7, np.uint8), [])
    answer = gate.request(CAPTURE, {"WithImage": True}).json
    Draft202012Validator(load_schema("capture")).validate(answer)
    assert answer["Response"]["Error"]["Code"] == "FailedOperation.OcrFailed"
    assert load_image(base64.b64decode(answer["Image"])).shape == (90, 160, 3)


def test_no_picture_is_sent_when_pictures_are_switched_off(start_gate: StartGate) -> None:
    gate = start_gate(read_nothing, images=False)
    gate.add_frame(np.full((90, 160, 3), 7, np.uint8), [])
    assert gate.code(CAPTURE, {"WithImage": True}) == "FailedOperation.UnOpenError"
    assert gate.code(CAPTURE) == "FailedOperation.OcrFailed"


def test_a_picture_that_is_too_large_for_the_broker_is_an_error(
    start_gate: StartGate, start_mosquitto: Callable[..., Mosquitto]
) -> None:
    strict = start_mosquitto("allow_anonymous true", "max_packet_size 50000")
    gate = start_gate(read_nothing, port=strict.port)
    gate.add_frame(np.random.default_rng(7).integers(0, 255, (360, 640, 3), np.uint8), [])
    assert gate.code(CAPTURE, {"WithImage": True}) == "LimitExceeded.TooLargeFileError"
    assert gate.code(CAPTURE) == "FailedOperation.OcrFailed"
    assert gate.connection.status.connects == 1


def test_the_whole_service_answers_requests_over_mqtt(
    mosquitto: Mosquitto, subscribe: Subscribe, tmp_path: Path, models_dir: Path
) -> None:
    settings = Settings(
        device=DeviceSettings(state_dir=tmp_path / "state"),
        camera=CameraSettings(type="video", source=str(demo_clip()), loop=True),
        reader=ReaderSettings(models_dir=models_dir),
        mqtt=MqttSettings(port=mosquitto.port),
        api=ApiSettings(enabled=True, port=free_port(), requests_per_second=1000),
    )
    subscriber = subscribe(mosquitto.port, f"{BASE}/#")
    stop = threading.Event()
    service = threading.Thread(target=serve, args=(settings, stop))
    service.start()
    try:
        subscriber.wait_payload(f"{BASE}/availability", b"online")
        answers: list[Received] = []
        while not any("Number" in answer.json["Response"] for answer in answers):
            assert len(answers) < 200, "the plate of the clip was never read"
            subscriber.client.publish(f"{BASE}/request/{CAPTURE}", b"", qos=1)
            if _arrives(subscriber, f"{BASE}/response/{CAPTURE}", 0.2):
                answers = subscriber.wait_count(f"{BASE}/response/{CAPTURE}", len(answers) + 1)
        subscriber.client.publish(f"{BASE}/request/{OCR}", json.dumps(body_of(GREY)), qos=1)
        (answer,) = subscriber.wait_count(f"{BASE}/response/{OCR}", 1)
        assert answer.json["Response"]["Error"]["Code"] == "FailedOperation.OcrFailed"
    finally:
        stop.set()
        service.join()
