"""The API over MQTT: requests on ``request/<action>``, answers on the topic that the request names.

``license-plate-ocr`` takes the same body as the API over HTTP. ``capture`` answers with the plates that the camera sees
now, in the same shape. The broker decides who may ask, by its rights on the request topics. The network thread only
passes a request on; the dispatcher's threads process it.
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

from edge_lpr.api.body_memory import MAX_BODY
from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.keys import Account
from edge_lpr.api.request import json_object
from edge_lpr.api.request_metrics import SUCCESS, RequestMetrics
from edge_lpr.images import encode_jpeg
from edge_lpr.messages.answer import Answer, error_answer, error_code
from edge_lpr.messages.capture import CaptureAnswer
from edge_lpr.messages.encoding import new_request_id
from edge_lpr.mqtt.connection import MqttConnection
from edge_lpr.mqtt.topics import CAPTURE, LICENSE_PLATE_OCR, Topics
from edge_lpr.readings import PlateReading
from edge_lpr.vision.latest_frame import LatestFrame, ReadFrame

ENTRANCE = "mqtt"
CALLER = Account("over mqtt")
"""All requests over MQTT count as one account. No SecretId contains a space."""

MAX_FRAME_AGE_S = 5.0
"""An older frame is not what the camera sees now."""

MAX_TOPIC = 256
MAX_LEVELS = 32
"""Bounds of a response topic. A broker may close the connection of a client that publishes to a deeper one."""

JPEG_QUALITY = 85

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reply:
    """Where the answer goes, its MQTT 5 correlation data, and the monotonic time of the request."""

    topic: str
    correlation: bytes | None
    received_s: float


class _LicensePlateOcrJob:
    """One request for LicensePlateOCR."""

    def __init__(self, payload: bytes, dispatcher: Dispatcher) -> None:
        self._payload = payload
        self._dispatcher = dispatcher

    def __call__(self) -> Sequence[PlateReading]:
        return self._dispatcher.perform(json_object(self._payload))

    def complete(self, answer: Answer) -> Answer:
        """Returns the answer as it is sent."""
        return answer


class _CaptureJob:
    """One request for what the camera sees."""

    def __init__(self, payload: bytes, latest_frame: LatestFrame, images: bool) -> None:
        self._payload = payload
        self._images = images
        self._latest_frame = latest_frame
        self._image: str | None = None

    def __call__(self) -> Sequence[PlateReading]:
        with_image = _with_image(json_object(self._payload) if self._payload else {})
        if with_image and not self._images:
            raise ApiError(ErrorCode.UNOPEN_ERROR, "Pictures are switched off here (privacy.images).")
        frame = self._latest_frame.newest(MAX_FRAME_AGE_S)
        if frame is None:
            raise ApiError(ErrorCode.UNKNOWN_ERROR, "The camera gives no picture.")
        if with_image:
            self._image = _jpeg(frame)
        if not frame.readings:
            raise ApiError(ErrorCode.OCR_FAILED)
        return frame.readings

    def complete(self, answer: Answer) -> CaptureAnswer:
        """Returns the answer as it is sent, with the picture if the request asks for it."""
        return CaptureAnswer(response=answer.response, image=self._image)


_Job = _LicensePlateOcrJob | _CaptureJob


class MqttRequests:
    """Handles the requests to one device. Make it before the connection starts."""

    def __init__(
        self,
        connection: MqttConnection,
        topics: Topics,
        dispatcher: Dispatcher | None,
        latest_frame: LatestFrame,
        metrics: RequestMetrics,
        *,
        images: bool = True,
    ) -> None:
        """Without a ``dispatcher`` every request is answered that the API is switched off.

        ``images``: whether the camera's picture may leave the device.
        """
        self._connection = connection
        self._topics = topics
        self._metrics = metrics
        if dispatcher is None:
            for action in (LICENSE_PLATE_OCR, CAPTURE):
                self._subscribe(action, None)
        else:
            self._dispatcher = dispatcher
            self._subscribe(LICENSE_PLATE_OCR, functools.partial(_LicensePlateOcrJob, dispatcher=dispatcher))
            self._subscribe(CAPTURE, functools.partial(_CaptureJob, latest_frame=latest_frame, images=images))

    def _subscribe(self, action: str, create_job: Callable[[bytes], _Job] | None) -> None:
        def handle(message: paho.MQTTMessage) -> None:
            # A retained request would be answered again after each reconnection.
            if message.retain:
                _log.warning("MQTT: a retained request on %s is ignored; publish requests without retain", action)
                return
            self._handle(action, message, create_job)

        self._connection.subscribe(self._topics.request(action), handle)

    def _handle(self, action: str, message: paho.MQTTMessage, create_job: Callable[[bytes], _Job] | None) -> None:
        """Passes the request to the dispatcher, or refuses it. Runs in the network thread and never waits."""
        wanted, correlation = response_topic(message)
        reply = _Reply(self._topics.response(action), correlation, time.monotonic())
        try:
            if wanted is not None:
                check_topic(wanted, self._topics)
                reply = _Reply(wanted, correlation, reply.received_s)
            if create_job is None:
                raise ApiError(ErrorCode.UNOPEN_ERROR)
            if len(message.payload) > MAX_BODY:
                raise ApiError(ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED)
        except ApiError as error:
            self._send(reply, error_answer(error.code, error.message, new_request_id()))
            return
        job = create_job(bytes(message.payload))
        self._dispatcher.submit_job(job, CALLER).add_done_callback(functools.partial(self._send_result, reply, job))

    def _send_result(self, reply: _Reply, job: _Job, answer: Future[Answer]) -> None:
        if not answer.cancelled():
            self._send(reply, job.complete(answer.result()))

    def _send(self, reply: _Reply, answer: Answer | CaptureAnswer) -> None:
        if not self._connection.publish_once(reply.topic, answer.encode(), reply.correlation):
            request_id = answer.response.request_id
            message = "The answer is larger than the broker takes; ask without the picture."
            answer = error_answer(ErrorCode.TOO_LARGE_FILE, message, request_id)
            self._connection.publish_once(reply.topic, answer.encode(), reply.correlation)
        code = error_code(answer.response) or SUCCESS
        self._metrics.record_request(ENTRANCE, code, time.monotonic() - reply.received_s)


def response_topic(message: paho.MQTTMessage) -> tuple[str | None, bytes | None]:
    """Returns the response topic and the correlation data of MQTT 5; None where the request has none."""
    properties = message.properties
    return getattr(properties, "ResponseTopic", None), getattr(properties, "CorrelationData", None)


def check_topic(topic: str, topics: Topics) -> None:
    """Raises ApiError for a topic that answers must not go to.

    The answer is published with this gate's rights at the broker. Below the topic prefix, where the passages and
    requests of all gates are, only this device's own response topics are therefore allowed.
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


def _jpeg(frame: ReadFrame) -> str:
    """Returns the picture as JPEG in Base64."""
    return base64.b64encode(encode_jpeg(frame.image, JPEG_QUALITY)).decode("ascii")
