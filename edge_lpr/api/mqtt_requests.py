"""The API's MQTT face: requests on ``request/<action>``, answers where the asker wants them.

``license-plate-ocr`` takes the body that the API takes over HTTP. ``capture`` answers with the plates that the camera
sees now, in the same shape. Who may ask is the broker's affair: its rights on the request topics. Nothing here works on
a request but the desk's threads; the network thread only hands it over.
"""

from __future__ import annotations

import base64
import functools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import paho.mqtt.client as paho

from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.keys import Account
from edge_lpr.api.request import json_object
from edge_lpr.api.request_body import MAX_BODY
from edge_lpr.images import encode_jpeg
from edge_lpr.messages import payloads as messages
from edge_lpr.messages.payloads import JsonObject
from edge_lpr.mqtt.connection import MqttConnection
from edge_lpr.mqtt.topics import Topics
from edge_lpr.readings import PlateReading
from edge_lpr.service.metrics import SUCCESS, Metrics
from edge_lpr.vision.latest_frame import LatestFrame, ReadFrame

LICENSE_PLATE_OCR = "license-plate-ocr"
CAPTURE = "capture"

FACE = "mqtt"
CALLER = Account("over mqtt")
"""All that ask over MQTT count as one caller; no SecretId has a space."""

MAX_VIEW_AGE_S = 5.0
"""What the camera saw before that is not now."""

MAX_TOPIC = 256
MAX_LEVELS = 32
"""Of a response topic. Brokers end the connection of a client that publishes to a topic deeper than they like."""

JPEG_QUALITY = 85

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asker:
    """Where the answer goes, and what the asker knows it by."""

    topic: str
    correlation: bytes | None
    began_s: float


class _LicensePlateOcr:
    """One request for the action itself."""

    def __init__(self, payload: bytes, desk: Dispatcher) -> None:
        self._payload = payload
        self._desk = desk
        self.beside: JsonObject = {}

    def __call__(self) -> Sequence[PlateReading]:
        return self._desk.perform(json_object(self._payload))


class _Capture:
    """One request for what the camera sees; ``beside`` is what its answer carries beside ``Response``."""

    def __init__(self, payload: bytes, latest_frame: LatestFrame, images: bool) -> None:
        self._payload = payload
        self._images = images
        self._latest_frame = latest_frame
        self.beside: JsonObject = {}

    def __call__(self) -> Sequence[PlateReading]:
        with_image = _with_image(json_object(self._payload) if self._payload else {})
        if with_image and not self._images:
            raise ApiError(ErrorCode.UNOPEN_ERROR, "Pictures are switched off here (privacy.images).")
        view = self._latest_frame.newest(MAX_VIEW_AGE_S)
        if view is None:
            raise ApiError(ErrorCode.UNKNOWN_ERROR, "The camera gives no picture.")
        if with_image:
            self.beside = {"Image": _jpeg(view)}
        if not view.readings:
            raise ApiError(ErrorCode.OCR_FAILED)
        return view.readings


_Work = _LicensePlateOcr | _Capture


class MqttRequests:
    """Takes the requests of one device. Make it before the connection starts."""

    def __init__(
        self,
        connection: MqttConnection,
        topics: Topics,
        desk: Dispatcher | None,
        latest_frame: LatestFrame,
        metrics: Metrics,
        *,
        images: bool = True,
    ) -> None:
        """Without a ``desk`` every request is told that the API is switched off. ``images``: whether a picture of what
        the camera sees may leave the device."""
        self._connection = connection
        self._topics = topics
        self._metrics = metrics
        if desk is None:
            for action in (LICENSE_PLATE_OCR, CAPTURE):
                self._offer(action, None)
        else:
            self._desk = desk
            self._offer(LICENSE_PLATE_OCR, functools.partial(_LicensePlateOcr, desk=desk))
            self._offer(CAPTURE, functools.partial(_Capture, latest_frame=latest_frame, images=images))

    def _offer(self, action: str, work: Callable[[bytes], _Work] | None) -> None:
        def take(message: paho.MQTTMessage) -> None:
            # A retained request would be answered again at every reconnect.
            if message.retain:
                _log.warning("MQTT: a retained request on %s is ignored; publish requests without retain", action)
                return
            self._take(action, message, work)

        self._connection.subscribe(self._topics.request(action), take)

    def _take(self, action: str, message: paho.MQTTMessage, work: Callable[[bytes], _Work] | None) -> None:
        """In the network thread: hand the request to the desk, or refuse it. Never waits."""
        wanted, correlation = response_topic(message)
        asker = _Asker(self._topics.response(action), correlation, time.monotonic())
        try:
            if wanted is not None:
                check_topic(wanted, self._topics)
                asker = _Asker(wanted, correlation, asker.began_s)
            if work is None:
                raise ApiError(ErrorCode.UNOPEN_ERROR)
            if len(message.payload) > MAX_BODY:
                raise ApiError(ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED)
        except ApiError as error:
            self._send(asker, messages.error_response(error.code, error.message, messages.new_request_id()))
            return
        job = work(bytes(message.payload))
        self._desk.submit_job(job, CALLER).add_done_callback(functools.partial(self._done, asker, job))

    def _done(self, asker: _Asker, job: _Work, answer: Future[JsonObject]) -> None:
        if not answer.cancelled():
            self._send(asker, {**answer.result(), **job.beside})

    def _send(self, asker: _Asker, answer: JsonObject) -> None:
        if not self._connection.answer(asker.topic, messages.encode(answer), asker.correlation):
            request_id = answer["Response"]["RequestId"]
            message = "The answer is larger than the broker takes; ask without the picture."
            answer = messages.error_response(ErrorCode.TOO_LARGE_FILE, message, request_id)
            self._connection.answer(asker.topic, messages.encode(answer), asker.correlation)
        error = answer["Response"].get("Error")
        self._metrics.note(FACE, SUCCESS if error is None else error["Code"], time.monotonic() - asker.began_s)


def response_topic(message: paho.MQTTMessage) -> tuple[str | None, bytes | None]:
    """What MQTT 5 says of the answer: its topic and its correlation data."""
    properties = message.properties
    return getattr(properties, "ResponseTopic", None), getattr(properties, "CorrelationData", None)


def check_topic(topic: str, topics: Topics) -> None:
    """Raises ApiError for a topic that no answer may go to.

    Whoever asks borrows our rights at the broker. So below our own prefix, where passages and requests of all gates
    are, only this device's response topics are open to him.
    """
    is_name = topic.isprintable() and not set(topic) & {"+", "#"} and not topic.startswith("$")
    is_short = 0 < len(topic) <= MAX_TOPIC and topic.count("/") < MAX_LEVELS
    is_ours = topic == topics.prefix or topic.startswith(f"{topics.prefix}/")
    if not is_name or not is_short or (is_ours and not topic.startswith(topics.response(""))):
        raise ApiError(ErrorCode.INVALID_PARAMETER, "The response topic is not one that an answer may go to.")


def _with_image(parameters: Mapping[str, object]) -> bool:
    with_image = parameters.get("WithImage", False)
    if set(parameters) - {"WithImage"}:
        raise ApiError(ErrorCode.UNKNOWN_PARAMETER, "`WithImage` is the only parameter of a capture.")
    if not isinstance(with_image, bool):
        raise ApiError(ErrorCode.INVALID_PARAMETER, "`WithImage` must be true or false.")
    return with_image


def _jpeg(view: ReadFrame) -> str:
    """The picture as JPEG in Base64."""
    return base64.b64encode(encode_jpeg(view.image, JPEG_QUALITY)).decode("ascii")
