"""The API over MQTT: requests on ``request/<action>``, answers on the topic that the request names.

``license-plate-ocr`` takes the same body as the API over HTTP. ``capture`` answers with the plates that the camera sees
now, in the same shape. The broker decides who may ask, by its rights on the request topics. The network thread only
passes a request on; the dispatcher's threads process it. Where the API is switched off, nothing is subscribed to.
"""

from __future__ import annotations

import base64
import functools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

import paho.mqtt.client as paho

from edge_lpr.api.body_memory import MAX_BODY
from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.keys import Account
from edge_lpr.api.request import json_object
from edge_lpr.api.request_metrics import SUCCESS, RequestMetrics
from edge_lpr.images import encode_jpeg
from edge_lpr.link.scene import Scene
from edge_lpr.messages.answer import Answer, error_answer, error_code
from edge_lpr.messages.capture import CaptureAnswer
from edge_lpr.messages.encoding import new_request_id
from edge_lpr.mqtt.answers import Answers, Delivery
from edge_lpr.mqtt.topics import CAPTURE, LICENSE_PLATE_OCR
from edge_lpr.readings import PlateReading

ENTRANCE = "mqtt"
CALLER = Account("over mqtt")
"""All requests over MQTT count as one account. No SecretId contains a space."""

MAX_FRAME_AGE_S = 5.0
"""An older frame is not what the camera sees now."""

JPEG_QUALITY = 85

NewestScene = Callable[[float], Scene | None]
"""Returns the camera's newest scene, None if there is none as young as the given seconds."""

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

    def __init__(self, payload: bytes, newest_scene: NewestScene, images: bool) -> None:
        self._payload = payload
        self._images = images
        self._newest_scene = newest_scene
        self._image: str | None = None

    def __call__(self) -> Sequence[PlateReading]:
        with_image = _with_image(json_object(self._payload) if self._payload else {})
        if with_image and not self._images:
            raise ApiError(ErrorCode.UNOPEN_ERROR, "Pictures are switched off here (privacy.images).")
        scene = self._newest_scene(MAX_FRAME_AGE_S)
        if scene is None:
            raise ApiError(ErrorCode.UNKNOWN_ERROR, "The camera gives no picture.")
        if with_image:
            self._image = _jpeg(scene)
        if not scene.plates:
            raise ApiError(ErrorCode.OCR_FAILED)
        return [plate.reading for plate in scene.plates]

    def complete(self, answer: Answer) -> CaptureAnswer:
        """Returns the answer as it is sent, with the picture if the request asks for it."""
        return CaptureAnswer(response=answer.response, image=self._image)


_Job = _LicensePlateOcrJob | _CaptureJob


class MqttRequests:
    """Handles the requests to one device. Make it before the connection starts."""

    def __init__(
        self,
        answers: Answers,
        dispatcher: Dispatcher,
        newest_scene: NewestScene,
        metrics: RequestMetrics,
        *,
        images: bool = True,
    ) -> None:
        """``images``: whether the camera's picture may leave the device."""
        self._answers = answers
        self._metrics = metrics
        self._dispatcher = dispatcher
        self._subscribe(LICENSE_PLATE_OCR, functools.partial(_LicensePlateOcrJob, dispatcher=dispatcher))
        self._subscribe(CAPTURE, functools.partial(_CaptureJob, newest_scene=newest_scene, images=images))

    def _subscribe(self, action: str, create_job: Callable[[bytes], _Job]) -> None:
        def handle(message: paho.MQTTMessage) -> None:
            # A retained request would be answered again after each reconnection.
            if message.retain:
                _log.warning("MQTT: a retained request on %s is ignored; publish requests without retain", action)
                return
            self._handle(action, message, create_job)

        self._answers.connection.subscribe(self._answers.topics.request(action), handle)

    def _handle(self, action: str, message: paho.MQTTMessage, create_job: Callable[[bytes], _Job]) -> None:
        """Passes the request to the dispatcher, or refuses it. Runs in the network thread and never waits."""
        reply = _Reply(self._answers.topics.response(action), correlation_data(message), time.monotonic())
        try:
            reply = replace(reply, topic=reply_topic(message, action, self._answers))
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
        delivery = self._answers.publish(reply.topic, answer.encode(), reply.correlation)
        if refusal := _REFUSALS.get(delivery):
            answer = error_answer(*refusal, answer.response.request_id)
            self._answers.publish(reply.topic, answer.encode(), reply.correlation)
        code = error_code(answer.response) or SUCCESS
        self._metrics.record_request(ENTRANCE, code, time.monotonic() - reply.received_s)


_REFUSALS = {
    Delivery.TOO_LARGE: (
        ErrorCode.TOO_LARGE_FILE,
        "The answer is larger than the broker takes; ask without the picture.",
    ),
    Delivery.WAITING: (
        ErrorCode.REQUEST_LIMIT_EXCEEDED,
        "Too many answers wait for the network; ask again in a moment.",
    ),
}


def correlation_data(message: paho.MQTTMessage) -> bytes | None:
    """Returns the correlation data of MQTT 5; None where the request has none."""
    return getattr(message.properties, "CorrelationData", None)


def reply_topic(message: paho.MQTTMessage, action: str, answers: Answers) -> str:
    """Returns the topic for the answer to a request: its response topic (MQTT 5), or this device's own for ``action``.

    Raises ApiError for a response topic that answers must not go to.
    """
    wanted: str | None = getattr(message.properties, "ResponseTopic", None)
    if wanted is None:
        return answers.topics.response(action)
    if not answers.may_go_to(wanted):
        text = "The response topic is not one that an answer may go to; the setting api.response_topics allows others."
        raise ApiError(ErrorCode.INVALID_PARAMETER, text)
    return wanted


def _with_image(parameters: Mapping[str, object]) -> bool:
    with_image = parameters.get("WithImage", False)
    if set(parameters) - {"WithImage"}:
        raise ApiError(ErrorCode.UNKNOWN_PARAMETER, "`WithImage` is the only parameter of a capture.")
    if not isinstance(with_image, bool):
        raise ApiError(ErrorCode.INVALID_PARAMETER, "`WithImage` must be true or false.")
    return with_image


def _jpeg(scene: Scene) -> str:
    """Returns the picture as JPEG in Base64."""
    return base64.b64encode(encode_jpeg(scene.image, JPEG_QUALITY)).decode("ascii")
